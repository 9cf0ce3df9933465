//! What an error means: the one place that knows the vendor's codes.

use crate::{ApiError, Exhausted, Exhaustion, ReplyError, SymbolError};

/// What follows from an error. None is final by itself: how often it came, and for how long, is for the caller to
/// weigh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key is refused, in the vendor's own words.
    Key {
        /// These words.
        message: String,
    },
    /// The endpoint is refused, in the vendor's own words: it is not in the plan.
    Endpoint {
        /// These words.
        message: String,
    },
    /// Credits are used up.
    Credits(Exhaustion),
    /// It is about the symbols that were asked for; of several it does not say which one.
    Symbols(SymbolError),
    /// Trouble of a server or a network, or something else than the vendor answered.
    Passing,
}

/// Judges an error of a whole call. A page in HTML is a gateway's, whatever its status: what the vendor refuses it
/// refuses in JSON.
#[must_use]
pub fn judge(error: &ReplyError) -> Refusal {
    match error {
        ReplyError::Api(error) => judge_api(error),
        ReplyError::Http { status: 429, .. } => Refusal::Credits(Exhaustion {
            of: Exhausted::Minute,
            limit: None,
        }),
        ReplyError::Http { .. } | ReplyError::NotJson { .. } => Refusal::Passing,
    }
}

/// Judges an error that the vendor words itself, of a call or of one entry.
pub(crate) fn judge_api(error: &ApiError) -> Refusal {
    let words = error.message.to_ascii_lowercase();
    let message = || error.message.clone();
    match error.code {
        401 => Refusal::Key { message: message() },
        429 => Refusal::Credits(Exhaustion::of(&error.message)),
        403 if words.contains("symbol") || words.contains("demo") => {
            Refusal::Symbols(SymbolError::NotInPlan(error.clone()))
        }
        403 => Refusal::Endpoint { message: message() },
        // unknown and outside the plan come alike: 404, or 400 of old
        400..=499 if words.contains("plan") => Refusal::Symbols(SymbolError::NotInPlan(error.clone())),
        400 | 404 if words.contains("symbol") => Refusal::Symbols(SymbolError::Unknown(error.clone())),
        408 | 425 => Refusal::Passing,
        400..=499 => Refusal::Symbols(SymbolError::Refused(error.clone())),
        _ => Refusal::Passing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16, message: &str) -> ReplyError {
        ReplyError::Api(ApiError {
            code,
            message: message.to_owned(),
        })
    }

    fn html(status: u16) -> ReplyError {
        ReplyError::Http {
            status,
            body: "<html>".to_owned(),
        }
    }

    #[test]
    fn the_day_is_tested_before_the_minute() {
        let day = "You have run out of API credits for the day. 801 API credits were used, with the current \
                   limit being 800. Wait for the next day, not for the current minute, or take a larger plan";
        let minute = "You have run out of API credits for the current minute. 9 API credits were used";
        let exhausted = |of, limit| Refusal::Credits(Exhaustion { of, limit });
        assert_eq!(judge(&api(429, day)), exhausted(Exhausted::Day, Some(800)));
        assert_eq!(judge(&api(429, minute)), exhausted(Exhausted::Minute, None));
        assert_eq!(judge(&html(429)), exhausted(Exhausted::Minute, None));
    }

    #[test]
    fn only_the_vendors_own_words_refuse_a_key_or_an_endpoint() {
        assert!(matches!(judge(&api(401, "x")), Refusal::Key { .. }));
        let endpoint =
            "/quote is available exclusively with grow or pro plans. Consider upgrading your API Key";
        assert!(matches!(judge(&api(403, endpoint)), Refusal::Endpoint { .. }));
        assert!(matches!(judge(&api(403, "Forbidden")), Refusal::Endpoint { .. }));
        for status in [400, 401, 403, 404, 408, 414, 500, 502, 503] {
            assert_eq!(judge(&html(status)), Refusal::Passing, "{status}");
        }
    }

    #[test]
    fn unknown_and_outside_the_plan_are_told_apart_in_old_and_new_form() {
        for (code, message, is_plan) in [
            (
                404,
                "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol",
                false,
            ),
            (
                404,
                "This symbol is available starting with the Grow or Venture plan. Consider upgrading now",
                true,
            ),
            (
                400,
                "**symbol** not found: NIKK. Please specify it correctly",
                false,
            ),
            (
                400,
                "**symbol** ALD is not available with your plan. You may select",
                true,
            ),
            (
                403,
                "The 'demo' API key is only used for initial familiarity.",
                true,
            ),
        ] {
            match judge(&api(code, message)) {
                Refusal::Symbols(SymbolError::NotInPlan(_)) => assert!(is_plan, "{message}"),
                Refusal::Symbols(SymbolError::Unknown(_)) => assert!(!is_plan, "{message}"),
                other => panic!("{other:?}"),
            }
        }
        for (code, message) in [
            (404, "Data not found"),
            (414, "Input parameter array exceeds the allowed length"),
            (400, "Invalid **interval** provided: 0.99min."),
        ] {
            let judged = judge(&api(code, message));
            assert!(
                matches!(judged, Refusal::Symbols(SymbolError::Refused(_))),
                "{message}"
            );
        }
    }

    #[test]
    fn trouble_of_the_server_passes() {
        let not_json = ReplyError::NotJson { body: String::new() };
        for error in [
            api(500, "symbol plan"),
            api(0, "x"),
            api(408, "x"),
            html(502),
            not_json,
        ] {
            assert_eq!(judge(&error), Refusal::Passing);
        }
    }
}
