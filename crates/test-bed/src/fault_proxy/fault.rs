use std::fmt;
use std::time::Duration;

use hyper::{HeaderMap, Method};

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is passed on after this time.
    Delay(Duration),
    /// It is passed on once the [`Injected`](super::Injected) is dropped, even if its client is gone by then.
    HoldRequest,
    /// It is passed on, and its reply is held until the [`Injected`](super::Injected) is dropped.
    HoldReply,
    /// It is passed on and done, and the connection ends without a reply.
    DropReply,
    /// It is passed on and done, and the connection is reset.
    ResetReply,
    /// It is passed on and done, and the reply ends in the middle of its head.
    TruncateHead,
    /// It is passed on and done, and the reply ends in the middle of its body.
    TruncateBody,
    /// The connection ends, as a client sees a timeout, and the request is passed on after this time.
    ApplyLate(Duration),
    /// The connection ends, and the server hears nothing of it.
    Cut,
    /// The connection is reset before the request's body is read, and the server hears nothing of it.
    Reset,
    /// The server hears nothing of it, and this S3 error comes back: status and code, as `503 SlowDown`.
    Answer(u16, &'static str),
    /// The same, with all that a reply may tell.
    Refuse(Refusal),
    /// It is passed on, and a 412 comes back as a 200: what a client sees of a store that keeps no condition.
    HideRefusal,
    /// The same of a 412 to a PUT whose object was not there yet when it began: a client sees a store that looks first
    /// and writes then.
    LookThenWrite,
}

/// A reply that an S3 server could give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Status of HTTP.
    pub status: u16,
    /// Code in the body.
    pub code: &'static str,
    /// Message in the body.
    pub message: &'static str,
    /// `x-amz-bucket-region`.
    pub bucket_region: Option<&'static str>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => write!(f, "delayed {time:?}"),
            Self::HoldRequest => f.write_str("held"),
            Self::HoldReply => f.write_str("reply held"),
            Self::DropReply => f.write_str("reply dropped"),
            Self::ResetReply => f.write_str("reply reset"),
            Self::TruncateHead => f.write_str("reply cut in its head"),
            Self::TruncateBody => f.write_str("reply cut in its body"),
            Self::ApplyLate(time) => write!(f, "cut and applied {time:?} later"),
            Self::Cut => f.write_str("cut"),
            Self::Reset => f.write_str("reset"),
            Self::Answer(status, code) | Self::Refuse(Refusal { status, code, .. }) => {
                write!(f, "{status} {code}")
            }
            Self::HideRefusal => f.write_str("412 hidden"),
            Self::LookThenWrite => f.write_str("looked for first"),
        }
    }
}

/// A request as a rule sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `PUT`, `GET`, …
    pub method: Method,
    /// Path and query, as sent.
    pub path: String,
    /// As sent.
    pub headers: HeaderMap,
}

impl Request {
    /// Is it the write of an object of data, and not of one whose name begins with `_`?
    #[must_use]
    pub fn writes_data(&self) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let key = parts.nth(1).unwrap_or_default();
        let name = key.rsplit('/').next().unwrap_or_default();
        self.method == Method::PUT && !name.is_empty() && !name.starts_with('_')
    }

    /// A header's text, empty if it was not sent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
