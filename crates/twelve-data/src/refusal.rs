//! What an error of a whole call means: the one place that knows the vendor's codes.

use crate::{ApiError, Exhausted, ReplyError};

/// What follows from an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key is refused.
    Key {
        /// The vendor's words.
        message: String,
    },
    /// The endpoint is refused: it is not in the plan.
    Endpoint {
        /// The vendor's words.
        message: String,
    },
    /// The request is wrong.
    Request {
        /// The vendor's code.
        code: u16,
        /// The vendor's words.
        message: String,
    },
    /// Credits are used up.
    Credits(Exhausted),
    /// Trouble that passes.
    Passing,
}

/// Judges the error. `is_proven`: a call like this one brought quotes before, so the request is right and a
/// refusal of it is the vendor's trouble.
#[must_use]
pub fn judge(error: &ReplyError, is_proven: bool) -> Refusal {
    let (code, message, is_the_vendors) = match error {
        ReplyError::Api(ApiError { code, message }) => (*code, message.clone(), true),
        ReplyError::Http { status, body } => (*status, body.clone(), false),
        ReplyError::NotJson { .. } => return Refusal::Passing,
    };
    match code {
        401 => Refusal::Key { message },
        403 if is_the_vendors || !is_proven => Refusal::Endpoint { message },
        // the text for the day may speak of minutes too
        429 if message.contains("for the day") => Refusal::Credits(Exhausted::Day),
        429 => Refusal::Credits(Exhausted::Minute),
        400..=499 if code != 408 && !is_proven => Refusal::Request { code, message },
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
                   limit being 800. Wait for the next day, not for the current minute";
        let minute = "You have run out of API credits for the current minute. 9 API credits were used";
        let exhausted = |error| match judge(&error, false) {
            Refusal::Credits(exhausted) => exhausted,
            other => panic!("{other:?}"),
        };
        assert_eq!(exhausted(api(429, day)), Exhausted::Day);
        assert_eq!(exhausted(api(429, minute)), Exhausted::Minute);
        assert_eq!(exhausted(html(429)), Exhausted::Minute);
    }

    #[test]
    fn a_refused_key_and_a_refused_endpoint_stop_at_any_time() {
        for is_proven in [false, true] {
            let judged = judge(&api(401, "x"), is_proven);
            assert!(matches!(judged, Refusal::Key { .. }));
            let judged = judge(&api(403, "x"), is_proven);
            assert!(matches!(judged, Refusal::Endpoint { .. }));
        }
    }

    #[test]
    fn a_wrong_request_stops_unless_it_worked_before() {
        for error in [api(400, "Invalid **interval**"), api(414, "too long")] {
            assert!(matches!(judge(&error, false), Refusal::Request { .. }));
            assert_eq!(judge(&error, true), Refusal::Passing);
        }
        assert!(matches!(judge(&html(403), false), Refusal::Endpoint { .. }));
        assert_eq!(judge(&html(403), true), Refusal::Passing);
    }

    #[test]
    fn trouble_of_the_server_passes() {
        let not_json = ReplyError::NotJson { body: String::new() };
        for error in [api(500, "x"), api(0, "x"), html(502), html(408), not_json] {
            assert_eq!(judge(&error, false), Refusal::Passing);
        }
    }
}
