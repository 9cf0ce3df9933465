//! Faults that a test orders, and which requests they hit.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Mutex;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::lock::locked;

/// What goes wrong with a REST request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The reply is right but late.
    Slow {
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
    /// A gateway's page: an error status with a body of HTML.
    Html {
        /// The status.
        status: ErrorStatus,
    },
    /// Status 200 and a body that is not JSON.
    NotJson,
    /// The connection is cut in the middle of the body.
    TruncatedBody,
    /// The connection is cut without a reply.
    ConnectionClosed,
    /// 429: the credits of the minute are used up.
    MinuteCreditsExhausted,
    /// 429: the credits of the day are used up.
    DayCreditsExhausted,
    /// 401: the API key is wrong.
    Unauthorized,
    /// One symbol is unknown. Waits for a request that names it.
    SymbolUnknown {
        /// The symbol as it will be requested.
        symbol: String,
    },
    /// One symbol's price is none (`close` in a quote). Waits for a request that names it. The tick that would have
    /// been served is served next time.
    BadPrice {
        /// The symbol as it will be requested.
        symbol: String,
        /// What stands in the price's place.
        price: BadPrice,
    },
    /// Each field of a quote that need not be there is `null`.
    NullFields,
}

/// What can stand where a price is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadPrice {
    /// `null`
    Null,
    /// The field is not there.
    Missing,
    /// `"NaN"`
    NotANumber,
    /// `""`
    Empty,
}

/// An HTTP status from 400 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct ErrorStatus(StatusCode);

impl ErrorStatus {
    /// 500 Internal Server Error.
    pub const INTERNAL_SERVER_ERROR: Self = Self(StatusCode::INTERNAL_SERVER_ERROR);
    /// 502 Bad Gateway.
    pub const BAD_GATEWAY: Self = Self(StatusCode::BAD_GATEWAY);
    /// 503 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Self = Self(StatusCode::SERVICE_UNAVAILABLE);

    pub(crate) fn get(self) -> StatusCode {
        self.0
    }
}

impl TryFrom<u16> for ErrorStatus {
    type Error = String;

    fn try_from(code: u16) -> Result<Self, String> {
        StatusCode::from_u16(code)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .map(Self)
            .ok_or_else(|| format!("{code} is not the status of an error, use 400 to 599"))
    }
}

impl From<ErrorStatus> for u16 {
    fn from(status: ErrorStatus) -> Self {
        status.0.as_u16()
    }
}

/// A fault, how often, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// The fault.
    pub fault: Fault,
    /// How many requests it hits.
    #[serde(default = "once")]
    pub times: NonZeroU32,
    /// The only path that it hits; without one it hits `/price` and `/quote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            times: once(),
            path: None,
        }
    }
}

impl Fault {
    /// The same for the next so many requests.
    #[must_use]
    pub fn times(self, times: NonZeroU32) -> Injection {
        Injection { times, ..self.into() }
    }

    /// The same for a path of its own, such as `/api_usage`.
    #[must_use]
    pub fn on(self, path: impl Into<String>) -> Injection {
        Injection {
            path: Some(path.into()),
            ..self.into()
        }
    }
}

impl Injection {
    fn hits(&self, path: &str, symbols: &[String]) -> bool {
        let is_path_hit = match &self.path {
            Some(only) => only == path,
            None => matches!(path, "/price" | "/quote"),
        };
        let is_symbol_hit = match &self.fault {
            Fault::SymbolUnknown { symbol } | Fault::BadPrice { symbol, .. } => symbols.contains(symbol),
            _ => true,
        };
        is_path_hit && is_symbol_hit
    }
}

/// The faults to come, each request taking the first one that hits it.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Mutex<VecDeque<Injection>>);

impl FaultQueue {
    pub(crate) fn push(&self, injection: Injection) {
        locked(&self.0).push_back(injection);
    }

    pub(crate) fn pending(&self) -> Vec<Injection> {
        locked(&self.0).iter().cloned().collect()
    }

    pub(crate) fn take(&self, path: &str, symbols: &[String]) -> Option<Fault> {
        let mut queue = locked(&self.0);
        let at = queue.iter().position(|injection| injection.hits(path, symbols))?;
        let injection = queue.get_mut(at)?;
        match NonZeroU32::new(injection.times.get() - 1) {
            Some(rest) => {
                injection.times = rest;
                Some(injection.fault.clone())
            }
            None => queue.remove(at).map(|injection| injection.fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_as_many_requests_as_ordered_in_the_order_of_injection() {
        let queue = FaultQueue::default();
        queue.push(Fault::NotJson.times(NonZeroU32::new(2).unwrap()));
        queue.push(Fault::Unauthorized.on("/api_usage"));
        let hits: Vec<_> = ["/price", "/api_usage", "/api_usage", "/quote", "/price"]
            .into_iter()
            .map(|path| queue.take(path, &[]))
            .collect();
        assert_eq!(
            hits,
            [
                Some(Fault::NotJson),
                Some(Fault::Unauthorized),
                None,
                Some(Fault::NotJson),
                None
            ]
        );
    }

    #[test]
    fn a_symbols_fault_waits_for_its_symbol_and_lets_others_pass() {
        let queue = FaultQueue::default();
        let fault = Fault::SymbolUnknown {
            symbol: "MSFT".to_owned(),
        };
        queue.push(fault.clone().into());
        queue.push(Fault::NotJson.into());
        assert_eq!(queue.take("/price", &["AAPL".to_owned()]), Some(Fault::NotJson));
        assert_eq!(
            queue.take("/price", &["AAPL".to_owned(), "MSFT".to_owned()]),
            Some(fault)
        );
        assert!(queue.pending().is_empty());
    }

    #[test]
    fn an_injection_is_written_in_json() {
        let parsed: Injection =
            serde_json::from_str(r#"{"fault":{"html":{"status":502}},"times":3,"path":"/price"}"#).unwrap();
        assert_eq!(
            parsed,
            Injection {
                fault: Fault::Html {
                    status: ErrorStatus::BAD_GATEWAY
                },
                times: NonZeroU32::new(3).unwrap(),
                path: Some("/price".to_owned())
            }
        );
        let short: Injection = serde_json::from_str(r#"{"fault":"connection_closed"}"#).unwrap();
        assert_eq!(short, Fault::ConnectionClosed.into());
        for bad in [
            r#"{"fault":"no_such"}"#,
            r#"{"fault":"not_json","times":0}"#,
            r#"{"fault":"not_json","repeat":2}"#,
            r#"{"fault":{"html":{"status":200}}}"#,
        ] {
            assert!(serde_json::from_str::<Injection>(bad).is_err(), "{bad}");
        }
    }
}
