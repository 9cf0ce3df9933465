use serde::Deserialize;

use super::reply::whole_number;

/// A reply of `/api_usage`.
#[expect(clippy::struct_field_names, reason = "they are the vendor's names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Credits used in the current minute.
    pub(crate) current_usage: u32,
    /// Credits that the plan has a minute.
    pub(crate) plan_limit: u32,
    /// Credits used in the current UTC day; only plans with a daily limit have it.
    pub(crate) daily_usage: Option<u32>,
    /// Credits that the plan has a UTC day.
    pub(crate) plan_daily_limit: Option<u32>,
}

impl Usage {
    /// Reads the reply; nothing if it does not tell the plan's limit.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Reply<'a> {
            #[serde(borrow)]
            current_usage: Option<&'a serde_json::value::RawValue>,
            #[serde(borrow)]
            plan_limit: Option<&'a serde_json::value::RawValue>,
            #[serde(borrow)]
            daily_usage: Option<&'a serde_json::value::RawValue>,
            #[serde(borrow)]
            plan_daily_limit: Option<&'a serde_json::value::RawValue>,
        }
        let reply: Reply<'_> = serde_json::from_slice(body).ok()?;
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
            Usage::read(basic),
            Some(Usage {
                current_usage: 3,
                plan_limit: 8,
                daily_usage: Some(120),
                plan_daily_limit: Some(800),
            })
        );
        let paid =
            br#"{"timestamp":"2026-11-23 11:10:12","current_usage":"3","plan_limit":377,"daily_usage":null}"#;
        let usage = Usage::read(paid).unwrap();
        assert_eq!((usage.plan_limit, usage.plan_daily_limit), (377, None));
        assert_eq!(usage.current_usage, 3);
    }

    #[test]
    fn a_reply_without_a_plan_tells_nothing() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"plan_limit":0}"#,
            r#"{"plan_limit":-8}"#,
            "<html>",
        ] {
            assert_eq!(Usage::read(body.as_bytes()), None, "{body}");
        }
    }
}
