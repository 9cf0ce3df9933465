//! What a reply says, body first: an error of the whole call, or one entry a symbol, each a quote or an
//! error. The vendor sends errors with status 200 as well as with the status of their `code`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use quote_model::Symbol;
use serde_json::value::RawValue;

use crate::envelope::api_error;
use crate::field::excerpt;
use crate::key::position_of;
use crate::{ApiError, Endpoint, Quote, ReplyError, SymbolError};

/// One symbol's part of a reply.
#[derive(Debug)]
pub struct Entry {
    /// As it was asked for.
    pub symbol: Symbol<'static>,
    /// What the reply has of it.
    pub outcome: Result<Quote, SymbolError>,
}

/// What was asked, to read the reply by.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Where it was asked.
    pub endpoint: Endpoint,
    /// Of what, in the order of the request.
    pub symbols: &'a [Symbol<'static>],
    /// When the reply was read.
    pub ts_recv: Timestamp,
}

/// Reads the body of a reply with HTTP `status`.
///
/// # Errors
///
/// [`ReplyError`] if it brings nothing for any symbol.
pub fn read(body: &[u8], status: u16, question: Question<'_>) -> Result<Vec<Entry>, ReplyError> {
    let is_success = (200..300).contains(&status);
    let unreadable = || {
        let body = excerpt(&String::from_utf8_lossy(body));
        if is_success {
            ReplyError::NotJson { body }
        } else {
            ReplyError::Http { status, body }
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
fn of_each_symbol(error: ApiError, question: Question<'_>) -> Result<Vec<Entry>, ReplyError> {
    let of_symbol = SymbolError::from_api(error.clone());
    let is_data_missing = error.code == 404 || error.message.starts_with("No data");
    if !matches!(error.code, 400 | 404) || !(of_symbol.is_permanent() || is_data_missing) {
        return Err(ReplyError::Api(error));
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

#[cfg(test)]
mod tests;
