//! What an error of a whole call means for the program: stop, wait for credits, or try again.

use super::Endpoint;
use super::credits::Exhausted;
use super::reply::{ApiError, CallError};
use crate::Error;

/// What follows from an error.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Asking again cannot help.
    Fatal(Error),
    /// Credits are used up.
    Credits(Exhausted),
    /// Trouble that passes.
    Passing,
}

/// Judges the error. `is_proven`: a call like this one brought quotes before, so the request is right and a
/// refusal of it is the vendor's trouble.
pub(crate) fn judge(error: &CallError, endpoint: Endpoint, is_proven: bool) -> Refusal {
    let (code, message, is_the_vendors) = match error {
        CallError::Api(ApiError { code, message }) => (*code, message.clone(), true),
        CallError::Http { status, body } => (*status, body.clone(), false),
        CallError::NotJson { .. } | CallError::TooLong { .. } | CallError::Transport(_) => {
            return Refusal::Passing;
        }
    };
    match code {
        401 => Refusal::Fatal(Error::KeyRefused { message }),
        403 if is_the_vendors || !is_proven => Refusal::Fatal(Error::EndpointRefused {
            endpoint: endpoint.path(),
            message,
        }),
        // the text for the day may speak of minutes too
        429 if message.contains("for the day") => Refusal::Credits(Exhausted::Day),
        429 => Refusal::Credits(Exhausted::Minute),
        400..=499 if code != 408 && !is_proven => Refusal::Fatal(Error::RequestRefused {
            endpoint: endpoint.path(),
            code,
            message,
        }),
        _ => Refusal::Passing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16, message: &str) -> CallError {
        CallError::Api(ApiError {
            code,
            message: message.to_owned(),
        })
    }

    fn html(status: u16) -> CallError {
        CallError::Http {
            status,
            body: "<html>".to_owned(),
        }
    }

    #[test]
    fn the_day_is_tested_before_the_minute() {
        let day = "You have run out of API credits for the day. 801 API credits were used, with the current \
                   limit being 800. Wait for the next day, not for the current minute";
        let minute = "You have run out of API credits for the current minute. 9 API credits were used";
        let exhausted = |error| match judge(&error, Endpoint::Price, false) {
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
            let judged = judge(&api(401, "x"), Endpoint::Price, is_proven);
            assert!(matches!(judged, Refusal::Fatal(Error::KeyRefused { .. })));
            let judged = judge(&api(403, "x"), Endpoint::Price, is_proven);
            assert!(matches!(judged, Refusal::Fatal(Error::EndpointRefused { .. })));
        }
    }

    #[test]
    fn a_wrong_request_stops_unless_it_worked_before() {
        for error in [api(400, "Invalid **interval**"), api(414, "too long"), html(403)] {
            assert!(matches!(judge(&error, Endpoint::Price, false), Refusal::Fatal(_)));
            assert!(matches!(judge(&error, Endpoint::Price, true), Refusal::Passing));
        }
    }

    #[test]
    fn trouble_of_server_and_network_passes() {
        let not_json = CallError::NotJson { body: String::new() };
        let transport = CallError::Transport(String::new());
        for error in [
            api(500, "x"),
            api(0, "x"),
            html(502),
            html(408),
            not_json,
            transport,
        ] {
            assert!(matches!(judge(&error, Endpoint::Price, false), Refusal::Passing));
        }
    }
}
