//! What a reply says, body first: an error of the whole call, or one entry a symbol, each a quote or an
//! error. The vendor sends errors with status 200 as well as with the status of their `code`.

use std::fmt;

use jiff::Timestamp;
use quote_model::Symbol;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::envelope::api_error;
use crate::field::excerpt;
use crate::key::positions_of;
use crate::refusal::judge_api;
use crate::{ApiError, Endpoint, Instrument, Quote, Refusal, ReplyError, SymbolError};

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
    pub instruments: &'a [Instrument],
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
    let Fields(fields) = serde_json::from_str(text).map_err(|_| unreadable())?;
    if let Some(error) = api_error(text, status) {
        return Err(ReplyError::Api(error));
    }
    let found = entries_by_instrument(&fields, question.instruments);
    if found.iter().all(|found| matches!(found, Found::Nothing)) {
        if !is_success {
            return Err(unreadable());
        }
        if let [instrument] = question.instruments {
            // one symbol is answered flat
            return Ok(vec![entry(instrument, Found::Entry(text), question)]);
        }
    }
    Ok(question
        .instruments
        .iter()
        .zip(found)
        .map(|(instrument, found)| entry(instrument, found, question))
        .collect())
}

/// An object's fields as they stand, also those whose name comes twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

/// What a reply holds for one instrument.
#[derive(Clone, Copy, Debug)]
enum Found<'a> {
    Nothing,
    Entry(&'a str),
    Several,
}

fn entry(instrument: &Instrument, found: Found<'_>, question: Question<'_>) -> Entry {
    let outcome = match found {
        Found::Nothing => Err(SymbolError::Missing),
        Found::Several => Err(SymbolError::AnsweredTwice),
        Found::Entry(text) => match api_error(text, 0) {
            Some(error) => Err(symbol_error(error)),
            None => Quote::read(text, instrument, question.endpoint, question.ts_recv),
        },
    };
    Entry {
        symbol: instrument.symbol.clone(),
        outcome,
    }
}

/// An error inside one entry.
fn symbol_error(error: ApiError) -> SymbolError {
    match judge_api(&error) {
        Refusal::Symbols(error) => error,
        Refusal::Credits(exhausted) => SymbolError::OutOfCredits { exhausted, error },
        Refusal::Key { .. } | Refusal::Endpoint { .. } | Refusal::Passing => SymbolError::Failed(error),
    }
}

/// The entries of a batch in the order of `instruments`: by the exact key, or by one that can only mean it.
fn entries_by_instrument<'a>(
    fields: &[(String, &'a RawValue)],
    instruments: &[Instrument],
) -> Vec<Found<'a>> {
    let mut found = vec![Found::Nothing; instruments.len()];
    for (at, (key, raw)) in fields.iter().enumerate() {
        // a flat reply has fields named `price` and `close`, which are symbols too; an entry is an object
        if instruments.len() == 1 && !raw.get().starts_with('{') {
            continue;
        }
        let is_repeated = fields
            .iter()
            .enumerate()
            .any(|(other, (name, _))| other != at && name == key);
        for position in positions_of(key, instruments, is_repeated) {
            if let Some(found) = found.get_mut(position) {
                *found = match found {
                    Found::Nothing if !is_repeated => Found::Entry(raw.get()),
                    _ => Found::Several,
                };
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
