//! Single fields, which may be JSON strings or numbers, `null` or absent.

use quote_model::{Decimal, Text};
use serde_json::value::RawValue;

/// Longest number taken, in characters: far above any price, far below what a record can hold.
const MAX_DIGITS: usize = 64;

/// Longest text taken, in bytes.
const MAX_TEXT: usize = 256;

/// A field as it stands in the JSON.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// The field is there and is not what it should be.
pub(crate) struct NotReadable;

/// The digits of a JSON string or number; nothing if the string is empty.
pub(crate) fn as_decimal(raw: &RawValue) -> Result<Option<Decimal<'static>>, NotReadable> {
    let text = if raw.get().starts_with('"') {
        serde_json::from_str::<String>(raw.get()).map_err(|_| NotReadable)?
    } else {
        raw.get().to_owned()
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > MAX_DIGITS {
        return Err(NotReadable);
    }
    Decimal::parse(text).map(Some).map_err(|_| NotReadable)
}

/// A JSON string; nothing if it is empty.
pub(crate) fn as_text(raw: &RawValue) -> Result<Option<Text<'static>>, NotReadable> {
    let text = serde_json::from_str::<String>(raw.get()).map_err(|_| NotReadable)?;
    if text.len() > MAX_TEXT {
        return Err(NotReadable);
    }
    Ok(Text::present(text))
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
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_one_line() {
        let text = excerpt(&"a\r\n\u{1b}[31m".repeat(1000));
        assert!(text.len() <= 300 && !text.contains(char::is_control));
    }
}
