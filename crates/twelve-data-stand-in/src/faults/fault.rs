use std::num::NonZeroU32;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
        /// Which the page comes with.
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
    /// The whole call is refused in the vendor's JSON.
    Refused {
        /// It stands where [`ErrorStyle`](crate::ErrorStyle) has it.
        code: ErrorStatus,
        /// Its words.
        message: String,
    },
    /// The client is sent elsewhere.
    Redirect {
        /// Where to.
        location: String,
    },
    /// The reply's `Date` differs from the stand-in's clock.
    DateSkewed {
        /// By so many seconds.
        seconds: i64,
    },
    /// One symbol's entry is an error in a reply that is none: alone, the whole reply. Waits for a request that names it.
    EntryRefused {
        /// The symbol as it will be requested.
        symbol: String,
        /// In the entry's own JSON.
        code: ErrorStatus,
        /// The words.
        message: String,
    },
    /// One symbol's entry is left out of a batch. Waits for a request that names it.
    EntryMissing {
        /// The symbol as it will be requested.
        symbol: String,
    },
    /// One symbol's entry stands in a batch twice, with a price each. Waits for a request that names it.
    EntryTwice {
        /// The symbol as it will be requested.
        symbol: String,
    },
    /// One symbol's entry stands in a batch under another name. Waits for a request that names it.
    EntryRenamed {
        /// The symbol as it will be requested.
        symbol: String,
        /// The name, which may be that of another entry.
        name: String,
    },
    /// A quote's own facts are those of another listing. Waits for a request that names the symbol.
    OtherListing {
        /// The symbol as it will be requested.
        symbol: String,
        /// `symbol` in the quote, if that is another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered: Option<String>,
        /// `exchange`, with its `mic_code`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exchange: Option<String>,
        /// `currency`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    },
    /// A quote's `last_quote_at` is off. Waits for a request that names the symbol.
    QuoteTimeSkewed {
        /// The symbol as it will be requested.
        symbol: String,
        /// By so many seconds.
        seconds: i64,
    },
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
    /// Each field of a quote that need not be there is not there.
    NoOptionalFields,
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
    /// What happens to each request that it hits.
    pub fault: Fault,
    /// How many requests it hits.
    #[serde(default = "once")]
    pub times: NonZeroU32,
    /// How many requests that it could hit pass before.
    #[serde(default, skip_serializing_if = "is_none")]
    pub after: u32,
    /// The only path that it hits; without one it hits `/price` and `/quote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// It hits requests only that name this symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// It hits none before, by the stand-in's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// It hits none from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            times: once(),
            after: 0,
            path: None,
            symbol: None,
            from: None,
            until: None,
        }
    }
}

impl Fault {
    /// For the next so many requests.
    #[must_use]
    pub fn times(self, times: NonZeroU32) -> Injection {
        Injection { times, ..self.into() }
    }

    /// For each request to come.
    #[must_use]
    pub fn always(self) -> Injection {
        self.times(NonZeroU32::MAX)
    }

    /// For one request, after so many others.
    #[must_use]
    pub fn after(self, after: u32) -> Injection {
        Injection { after, ..self.into() }
    }

    /// For a path of its own, such as `/api_usage`.
    #[must_use]
    pub fn on(self, path: impl Into<String>) -> Injection {
        Injection::from(self).on(path)
    }

    /// For a request that names a symbol.
    #[must_use]
    pub fn for_symbol(self, symbol: impl Into<String>) -> Injection {
        Injection::from(self).for_symbol(symbol)
    }

    /// The symbol whose entry it spoils.
    fn symbol(&self) -> Option<&String> {
        match self {
            Self::SymbolUnknown { symbol }
            | Self::BadPrice { symbol, .. }
            | Self::EntryRefused { symbol, .. }
            | Self::EntryMissing { symbol }
            | Self::EntryTwice { symbol }
            | Self::EntryRenamed { symbol, .. }
            | Self::OtherListing { symbol, .. }
            | Self::QuoteTimeSkewed { symbol, .. } => Some(symbol),
            _ => None,
        }
    }
}

impl Injection {
    /// The same for a path of its own, such as `/api_usage`.
    #[must_use]
    pub fn on(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }

    /// The same for requests that name a symbol.
    #[must_use]
    pub fn for_symbol(self, symbol: impl Into<String>) -> Self {
        Self {
            symbol: Some(symbol.into()),
            ..self
        }
    }

    /// The same after so many other requests.
    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    /// The same in a time of the stand-in's clock.
    #[must_use]
    pub fn between(self, from: Timestamp, until: Timestamp) -> Self {
        Self {
            from: Some(from),
            until: Some(until),
            ..self
        }
    }

    /// Whether it hits this request. One that it could hit is counted where others are to pass before.
    pub(super) fn is_met(&mut self, path: &str, symbols: &[String], now: Timestamp) -> bool {
        let is_path_hit = match &self.path {
            Some(only) => only == path,
            None => matches!(path, "/price" | "/quote"),
        };
        let mut needed = self.symbol.iter().chain(self.fault.symbol());
        let is_due = self.from.is_none_or(|from| now >= from);
        if !is_path_hit || !is_due || !needed.all(|symbol| symbols.contains(symbol)) {
            return false;
        }
        let passes = self.after > 0;
        self.after = self.after.saturating_sub(1);
        !passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                path: Some("/price".to_owned()),
                ..Fault::NotJson.into()
            }
        );
        let scripted: Injection = serde_json::from_str(
            r#"{"fault":"unauthorized","after":5,"symbol":"AAPL","until":"2026-11-23T14:00:05Z"}"#,
        )
        .unwrap();
        assert_eq!((scripted.after, scripted.symbol.as_deref()), (5, Some("AAPL")));
        assert_eq!(
            serde_json::to_string(&scripted).unwrap().matches("after").count(),
            1
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
