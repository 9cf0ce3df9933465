//! The HTTP client of Twelve Data: the only place from which a call goes out.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use pipeline_runtime::exit::with_causes;
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Url, redirect};
use twelve_data::{CreditHeaders, Refusal, ReplyError};

use crate::Error;
use crate::api_key::ApiKey;

/// 120 quotes are about 100 kB.
const MAX_BODY_BYTES: usize = 8 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// From the request's start to the body's end.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A longer `Retry-After` is no advice.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Where the API is: `https://api.twelvedata.com`, or something that speaks like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiBaseUrl(Url);

impl ApiBaseUrl {
    /// Whether the key would travel in clear text to another host.
    pub(crate) fn is_unprotected(&self) -> bool {
        let is_loopback = match self.0.host_str() {
            Some(host) => host == "localhost" || host.starts_with("127.") || host == "[::1]",
            None => false,
        };
        self.0.scheme() == "http" && !is_loopback
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn endpoint(&self, name: &str) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(name);
        }
        url
    }
}

impl FromStr for ApiBaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text.trim()).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        // the text is not repeated: who puts a key into the URL shall not find it in the log
        url.map(Self).ok_or(Error::ApiBaseUrl)
    }
}

/// Why a call brings nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The reply is an error, or cannot be read.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The body is longer than any reply can be.
    #[error("the reply is longer than {limit} bytes")]
    TooLong { limit: usize },
    /// No reply came.
    #[error("no reply: {0}")]
    Transport(String),
    /// The vendor was not reached, so it counted nothing.
    #[error("not reached: {0}")]
    NotSent(String),
}

impl CallError {
    /// What follows from it; see [`twelve_data::judge`].
    pub(crate) fn judge(&self) -> Refusal {
        match self {
            Self::Reply(error) => twelve_data::judge(error),
            Self::TooLong { .. } | Self::Transport(_) | Self::NotSent(_) => Refusal::Passing,
        }
    }
}

/// A reply, whatever it says.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) facts: ReplyFacts,
    pub(crate) body: Vec<u8>,
}

/// What stands before the body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReplyFacts {
    pub(crate) status: u16,
    pub(crate) credits: CreditHeaders,
    pub(crate) retry_after: Option<Duration>,
    /// The vendor's clock.
    pub(crate) date: Option<Timestamp>,
}

/// The HTTP client of Twelve Data. The key goes in a header, never into a URL.
#[derive(Debug)]
pub(crate) struct TwelveData {
    http: Client,
    base_url: ApiBaseUrl,
    key: ApiKey,
}

impl TwelveData {
    pub(crate) fn new(base_url: ApiBaseUrl, key: ApiKey) -> Result<Self, Error> {
        let http = Client::builder()
            .user_agent(concat!("quote-pipeline/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // the API does not redirect; what does is not the API, and shall not get the key
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|source| Error::HttpClient { source })?;
        Ok(Self { http, base_url, key })
    }

    /// One GET. Any reply that was read whole is `Ok`; the key does not stand in it.
    pub(crate) async fn get(&self, endpoint: &str, query: &[(&str, String)]) -> Result<Reply, CallError> {
        let mut url = self.base_url.endpoint(endpoint);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.get(url).header(AUTHORIZATION, self.key.authorization());
        let mut response = request.send().await.map_err(transport)?;
        let headers = response.headers();
        let facts = ReplyFacts {
            status: response.status().as_u16(),
            credits: CreditHeaders {
                used: number(headers, "api-credits-used"),
                left: number(headers, "api-credits-left"),
            },
            date: headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?)),
            retry_after: number(headers, RETRY_AFTER.as_str())
                .map(|seconds| Duration::from_secs(seconds.into()).min(MAX_RETRY_AFTER)),
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(CallError::TooLong {
                    limit: MAX_BODY_BYTES,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            facts,
            body: self.key.take_out(body),
        })
    }
}

fn transport(error: reqwest::Error) -> CallError {
    let is_connect = error.is_connect();
    let reason = with_causes(&error.without_url());
    if is_connect {
        CallError::NotSent(reason)
    } else {
        CallError::Transport(reason)
    }
}

/// The header `Date`, as in `Fri, 27 Nov 2026 21:20:48 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(text).ok()?.timestamp())
}

/// A header that is a count; below 0, as `api-credits-left` may be, is nothing left.
fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    let number: i64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_appended_to_the_path() {
        for (base, endpoint) in [
            ("https://api.twelvedata.com", "https://api.twelvedata.com/price"),
            ("https://api.twelvedata.com/", "https://api.twelvedata.com/price"),
            (
                "http://127.0.0.1:8080/td/v1/",
                "http://127.0.0.1:8080/td/v1/price",
            ),
        ] {
            let base: ApiBaseUrl = base.parse().unwrap();
            assert_eq!(base.endpoint("price").as_str(), endpoint);
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_and_not_repeated() {
        for text in [
            "",
            "api.twelvedata.com",
            "ftp://api.twelvedata.com",
            "https://api.twelvedata.com?apikey=s3cr3t",
            "https://user:s3cr3t@api.twelvedata.com",
            "https://",
        ] {
            let error = text.parse::<ApiBaseUrl>().unwrap_err();
            assert!(!error.to_string().contains("s3cr3t"), "{text}");
        }
    }

    #[test]
    fn a_key_in_clear_text_is_noticed() {
        let is_unprotected = |text: &str| text.parse::<ApiBaseUrl>().unwrap().is_unprotected();
        assert!(is_unprotected("http://api.twelvedata.com"));
        assert!(!is_unprotected("https://api.twelvedata.com"));
        assert!(!is_unprotected("http://127.0.0.1:80"));
        assert!(!is_unprotected("http://[::1]:80"));
    }

    #[test]
    fn headers_are_counts_or_absent() {
        let mut headers = HeaderMap::new();
        for (value, count) in [
            ("3", Some(3)),
            (" 3 ", Some(3)),
            ("-2", Some(0)),
            ("x", None),
            ("99999999999", Some(u32::MAX)),
        ] {
            headers.insert("api-credits-left", value.parse().unwrap());
            assert_eq!(number(&headers, "api-credits-left"), count, "{value}");
        }
        assert_eq!(number(&headers, "api-credits-used"), None);
    }

    #[test]
    fn the_vendors_clock_is_read() {
        let date = http_date("Fri, 27 Nov 2026 21:20:48 GMT").unwrap();
        assert_eq!(date, "2026-11-27T21:20:48Z".parse().unwrap());
        assert_eq!(http_date("now"), None);
    }
}
