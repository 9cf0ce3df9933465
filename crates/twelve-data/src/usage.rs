use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ReplyError;
use crate::envelope::api_error;
use crate::field::{excerpt, whole_number};

/// A reply of `/api_usage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Credits used in the current minute.
    pub current_usage: u32,
    /// Credits that the plan has a minute.
    pub plan_limit: u32,
    /// Credits used in the current UTC day; only plans with a daily limit have it.
    pub daily_usage: Option<u32>,
    /// Credits that the plan has a UTC day.
    pub plan_daily_limit: Option<u32>,
}

impl Usage {
    /// Reads the body of a reply with HTTP `status`; nothing if it does not tell the plan's limit.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if it is none of `/api_usage`.
    pub fn read(body: &[u8], status: u16) -> Result<Option<Self>, ReplyError> {
        let text = String::from_utf8_lossy(body);
        let is_json = serde_json::from_str::<&RawValue>(&text).is_ok();
        match api_error(&text, status) {
            Some(error) => Err(ReplyError::Api(error)),
            None if !(200..300).contains(&status) => Err(ReplyError::Http {
                status,
                body: excerpt(&text),
            }),
            None if !is_json => Err(ReplyError::NotJson { body: excerpt(&text) }),
            None => Ok(Self::facts(&text)),
        }
    }

    fn facts(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Reply<'a> {
            #[serde(borrow)]
            current_usage: Option<&'a RawValue>,
            #[serde(borrow)]
            plan_limit: Option<&'a RawValue>,
            #[serde(borrow)]
            daily_usage: Option<&'a RawValue>,
            #[serde(borrow)]
            plan_daily_limit: Option<&'a RawValue>,
        }
        let reply: Reply<'_> = serde_json::from_str(text).ok()?;
        let credits = |field: Option<_>| whole_number(field?).and_then(|number| number.try_into().ok());
        Some(Self {
            current_usage: credits(reply.current_usage).unwrap_or(0),
            plan_limit: credits(reply.plan_limit).filter(|limit| *limit > 0)?,
            daily_usage: credits(reply.daily_usage),
            plan_daily_limit: credits(reply.plan_daily_limit).filter(|limit| *limit > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daily_limit_is_optional() {
        let basic =
            br#"{"timestamp":"2026-11-23 11:10:12","current_usage":3,"plan_limit":8,"daily_usage":120,
            "plan_daily_limit":800,"plan_category":"basic"}"#;
        assert_eq!(
            Usage::read(basic, 200).unwrap(),
            Some(Usage {
                current_usage: 3,
                plan_limit: 8,
                daily_usage: Some(120),
                plan_daily_limit: Some(800),
            })
        );
        let paid =
            br#"{"timestamp":"2026-11-23 11:10:12","current_usage":"3","plan_limit":377,"daily_usage":null}"#;
        let usage = Usage::read(paid, 200).unwrap().unwrap();
        assert_eq!((usage.plan_limit, usage.plan_daily_limit), (377, None));
        assert_eq!(usage.current_usage, 3);
    }

    #[test]
    fn a_reply_without_a_plan_tells_nothing() {
        for body in ["[]", "{}", r#"{"plan_limit":0}"#, r#"{"plan_limit":-8}"#] {
            assert_eq!(Usage::read(body.as_bytes(), 200), Ok(None), "{body}");
        }
        assert!(Usage::read(b"<html>", 200).is_err());
        assert!(Usage::read(b"", 200).is_err());
    }
}
