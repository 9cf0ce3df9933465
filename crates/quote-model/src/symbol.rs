use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;
use crate::error::excerpt;
use crate::text::borrowed;

/// Longest symbol taken, in bytes: far above any the vendor lists, far below a Kafka key's limit.
const MAX_LEN: usize = 128;

/// A symbol as subscribed: `AAPL`, `EUR/USD`, `RY:TSX`. Never changed in case or form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Symbol<'a>(Cow<'a, str>);

impl<'a> Symbol<'a> {
    /// Takes a symbol.
    ///
    /// # Errors
    ///
    /// [`Error::Symbol`] if it is empty, longer than 128 bytes, has white space at an end, a control
    /// character anywhere, or a comma, which separates symbols in the vendor's requests.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, Error> {
        let text = text.into();
        match broken_rule(&text) {
            None => Ok(Self(text)),
            Some(reason) => Err(Error::Symbol {
                symbol: excerpt(&text),
                reason,
            }),
        }
    }

    /// The symbol's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A copy that borrows from this one.
    #[must_use]
    pub fn borrow(&self) -> Symbol<'_> {
        Symbol(Cow::Borrowed(&self.0))
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Symbol<'static> {
        Symbol(Cow::Owned(self.0.into_owned()))
    }
}

fn broken_rule(text: &str) -> Option<&'static str> {
    // nearly all are of such bytes only, which takes the least time to see
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b',';
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > MAX_LEN {
        Some("it is longer than 128 bytes")
    } else if text.bytes().all(is_plain) {
        None
    } else if text.trim().len() != text.len() {
        Some("it begins or ends with white space")
    } else if text.contains(char::is_control) {
        Some("it holds a control character")
    } else if text.contains(',') {
        Some("it holds a comma, which separates symbols")
    } else {
        None
    }
}

impl fmt::Display for Symbol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Symbol<'static> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text.to_owned())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Symbol<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(borrowed(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_stays_as_it_was_subscribed() {
        for text in ["AAPL", "BTC/USD", "RY:TSX", "brk.b", "BRK B", "三菱", "A=B%"] {
            assert_eq!(Symbol::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_cannot_be_a_symbol_is_refused() {
        let long = "A".repeat(MAX_LEN + 1);
        for text in ["", " ", " A", "A ", "A,B", "A\nB", "A\0", long.as_str()] {
            assert!(Symbol::parse(text).is_err(), "{text:?} was taken");
        }
    }
}
