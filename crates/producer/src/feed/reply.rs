//! What a reply says, body first: an error of the whole call, or one entry a symbol, each a quote or an
//! error. The vendor sends errors with status 200 as well as with the status of their `code`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use quote_model::Symbol;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::symbols::position_of;
use super::{Endpoint, Quote};

/// One symbol's part of a reply.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) symbol: Symbol<'static>,
    pub(crate) outcome: Result<Quote, SymbolError>,
}

/// What was asked, to read the reply by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) symbols: &'a [Symbol<'static>],
    pub(crate) ts_recv: Timestamp,
}

/// The vendor's error: `{"code":…,"message":…,"status":"error"}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    /// As sent, cut.
    pub(crate) message: String,
}

/// Why a reply brings nothing for any symbol.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The vendor says so.
    #[error("{0}")]
    Api(ApiError),
    /// The HTTP status says so, and the body is not the vendor's.
    #[error("HTTP status {status}, with the body `{body}`")]
    Http { status: u16, body: String },
    /// The body is no JSON object, or was cut off.
    #[error("the reply is not a JSON object: `{body}`")]
    NotJson { body: String },
    /// The body is longer than any reply can be.
    #[error("the reply is longer than {limit} bytes")]
    TooLong { limit: usize },
    /// No reply came.
    #[error("no reply: {0}")]
    Transport(String),
}

/// Why a reply has no quote of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SymbolError {
    /// There is no such symbol.
    #[error("unknown symbol ({0})")]
    Unknown(ApiError),
    /// The symbol needs a larger plan.
    #[error("not in the plan of this API key ({0})")]
    NotInPlan(ApiError),
    /// Another error of the vendor's.
    #[error("refused ({0})")]
    Refused(ApiError),
    /// The reply does not mention it.
    #[error("missing in the reply")]
    Missing,
    /// The price is `null`, empty or absent.
    #[error("no `{name}` in its entry")]
    NoPrice { name: &'static str },
    /// The price is something else than digits.
    #[error("its `{name}` is not a decimal number: {text}")]
    NotDecimal { name: &'static str, text: String },
    /// The entry is not what the vendor documents.
    #[error("its entry cannot be read: {entry}")]
    Malformed { entry: String },
}

impl SymbolError {
    /// The vendor answers 404 (400, of old) for an unknown symbol and for one outside the plan alike.
    pub(crate) fn from_api(error: ApiError) -> Self {
        let message = error.message.to_ascii_lowercase();
        let is_of_symbol = matches!(error.code, 400 | 403 | 404);
        if is_of_symbol && message.contains("plan") {
            Self::NotInPlan(error)
        } else if is_of_symbol && message.contains("symbol") {
            Self::Unknown(error)
        } else {
            Self::Refused(error)
        }
    }

    /// Whether asking again cannot help.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::NotInPlan(_))
    }
}

/// Reads the body of a reply with HTTP `status`.
pub(crate) fn read(body: &[u8], status: u16, question: Question<'_>) -> Result<Vec<Entry>, CallError> {
    let is_success = (200..300).contains(&status);
    let unreadable = || {
        let body = excerpt(&String::from_utf8_lossy(body));
        if is_success {
            CallError::NotJson { body }
        } else {
            CallError::Http { status, body }
        }
    };
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| unreadable())?;
    if let Some(error) = api_error(text, status) {
        return of_each_symbol(error, question);
    }
    let found = entries_by_symbol(&fields, question.symbols);
    if found.iter().all(Option::is_none) {
        if !is_success {
            return Err(unreadable());
        }
        if let [symbol] = question.symbols {
            // one symbol is answered flat
            return Ok(vec![entry(symbol, Some(text), question)]);
        }
    }
    Ok(question
        .symbols
        .iter()
        .zip(found)
        .map(|(symbol, text)| entry(symbol, text, question))
        .collect())
}

/// An error for the whole call. Where it speaks of the symbol it is each symbol's own.
fn of_each_symbol(error: ApiError, question: Question<'_>) -> Result<Vec<Entry>, CallError> {
    let of_symbol = SymbolError::from_api(error.clone());
    let is_data_missing = error.code == 404 || error.message.starts_with("No data");
    if !matches!(error.code, 400 | 404) || !(of_symbol.is_permanent() || is_data_missing) {
        return Err(CallError::Api(error));
    }
    let entry = |symbol: &Symbol<'static>| Entry {
        symbol: symbol.clone(),
        outcome: Err(of_symbol.clone()),
    };
    Ok(question.symbols.iter().map(entry).collect())
}

fn entry(symbol: &Symbol<'static>, text: Option<&str>, question: Question<'_>) -> Entry {
    let outcome = match text {
        None => Err(SymbolError::Missing),
        Some(text) => match api_error(text, 0) {
            Some(error) => Err(SymbolError::from_api(error)),
            None => Quote::read(text, question.endpoint, question.ts_recv),
        },
    };
    Entry {
        symbol: symbol.clone(),
        outcome,
    }
}

/// The entries of a batch in the order of `symbols`: by the exact key, else by one that can only mean it.
fn entries_by_symbol<'a>(
    fields: &BTreeMap<String, &'a RawValue>,
    symbols: &[Symbol<'_>],
) -> Vec<Option<&'a str>> {
    let is_object = |raw: &RawValue| raw.get().starts_with('{');
    let mut found = vec![None; symbols.len()];
    let (exact, others): (Vec<_>, Vec<_>) = fields
        .iter()
        .partition(|(key, _)| symbols.iter().any(|symbol| symbol.as_str() == key.as_str()));
    for (key, raw) in exact.into_iter().chain(others) {
        if let Some(at) = position_of(key, symbols)
            && found[at].is_none()
            // a flat reply has fields named `price` and `close`, which are symbols too; an entry is an object
            && (is_object(raw) || symbols.len() > 1)
        {
            found[at] = Some(raw.get());
        }
    }
    found
}

/// The vendor's error, if the object is one. `status` stands in for a `code` that is missing.
pub(crate) fn api_error(text: &str, status: u16) -> Option<ApiError> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        status: Option<&'a RawValue>,
        #[serde(borrow)]
        code: Option<&'a RawValue>,
        #[serde(borrow)]
        message: Option<&'a RawValue>,
    }
    let string = |raw: Option<&RawValue>| serde_json::from_str::<String>(raw?.get()).ok();
    let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
    let code = envelope
        .code
        .and_then(whole_number)
        .and_then(|code| u16::try_from(code).ok());
    let message = string(envelope.message);
    let is_error = string(envelope.status).is_some_and(|status| status == "error")
        || (code.is_some_and(|code| code >= 400) && message.is_some());
    is_error.then(|| ApiError {
        code: code.unwrap_or(status),
        message: excerpt(&message.unwrap_or_default()),
    })
}

/// A whole number, sent as a JSON number or as a string.
pub(crate) fn whole_number(raw: &RawValue) -> Option<i64> {
    raw.get().trim_matches('"').parse().ok()
}

/// The start of a text of the vendor's, fit for one line of a log.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 300;
    text.chars()
        .take(MAX_CHARS)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

#[cfg(test)]
mod tests;
