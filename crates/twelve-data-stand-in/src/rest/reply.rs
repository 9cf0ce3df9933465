//! Replies as they go out: whole, or broken on purpose.

use axum::body::Bytes;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use serde::Serialize;

use super::answer::{Answer, Body};
use crate::config::ErrorStyle;
use crate::credits::Balance;

const CREDITS_USED: HeaderName = HeaderName::from_static("api-credits-used");
const CREDITS_LEFT: HeaderName = HeaderName::from_static("api-credits-left");
/// Header names have no case on the wire; the vendor's client reads it as `Is_batch`.
const IS_BATCH: HeaderName = HeaderName::from_static("is_batch");

const TRUNCATED: &str = r#"{"price":"33"#;

/// A reply before it is written.
pub(crate) enum Reply {
    /// The vendor's.
    Vendor {
        status: StatusCode,
        body: Body,
        code: Option<u16>,
        balance: Option<Balance>,
        credits: u64,
    },
    /// A gateway's page.
    Html(StatusCode),
    /// Says that it is JSON and is not.
    NotJson,
    /// Promises more than it holds, then the connection ends.
    Truncated,
    /// Sends the client elsewhere.
    Redirect(String),
    /// The connection ends instead.
    Cut,
}

impl Reply {
    pub(crate) fn from_answer(
        answer: Answer,
        style: ErrorStyle,
        balance: Option<Balance>,
        credits: u64,
    ) -> Self {
        let status = match (answer.code, style) {
            (Some(code), ErrorStyle::Http) => {
                StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            (Some(_), ErrorStyle::Body) | (None, _) => StatusCode::OK,
        };
        Self::Vendor {
            status,
            body: answer.body,
            code: answer.code,
            balance,
            credits,
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Vendor { status, .. } | Self::Html(status) => Some(status.as_u16()),
            Self::Redirect(_) => Some(302),
            Self::NotJson | Self::Truncated => Some(200),
            Self::Cut => None,
        }
    }

    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Vendor { code, .. } => *code,
            _ => None,
        }
    }

    pub(crate) fn credits(&self) -> u64 {
        match self {
            Self::Vendor { credits, .. } => *credits,
            _ => 0,
        }
    }

    pub(crate) fn into_response(self) -> Response {
        match self {
            Self::Vendor {
                status,
                body,
                balance,
                ..
            } => {
                let mut response = match &body {
                    // the official client takes no other form of the type
                    Body::Csv(text) => (status, [(CONTENT_TYPE, "text/csv")], text.clone()).into_response(),
                    body => json(status, body),
                };
                let headers = response.headers_mut();
                if matches!(body, Body::Entries(_)) {
                    headers.insert(IS_BATCH, HeaderValue::from_static("true"));
                }
                if let Some(Balance { used, left }) = balance {
                    headers.insert(CREDITS_USED, used.into());
                    headers.insert(CREDITS_LEFT, left.into());
                }
                response
            }
            Self::Html(status) => {
                (status, [(CONTENT_TYPE, "text/html")], gateway_page(status)).into_response()
            }
            Self::NotJson => ([(CONTENT_TYPE, "application/json")], "price: 332.69500").into_response(),
            Self::Truncated => truncated(),
            Self::Redirect(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
            // never written: the connection was cut
            Self::Cut => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

/// JSON with the vendor's type, which names no character set.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn gateway_page(status: StatusCode) -> String {
    format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<h1>{status}</h1>\r\n</body>\r\n</html>\r\n"
    )
}

fn truncated() -> Response {
    let promised = HeaderValue::from(TRUNCATED.len() * 2);
    let half = stream::once(async { Ok(Bytes::from_static(TRUNCATED.as_bytes())) });
    let end = stream::once(async {
        // what is there goes out while this waits
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    let parts = half.chain(end);
    let mut response = (
        [(CONTENT_TYPE, "application/json")],
        axum::body::Body::from_stream(parts),
    )
        .into_response();
    response.headers_mut().insert(CONTENT_LENGTH, promised);
    response
}
