//! What every reader can read: JSON in UTF-8 to its last byte, also where the schema does not look.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Deepest nesting, the object itself being the first level. `DuckDB` and others have limits of their own.
const NESTING_MAX: u8 = 32;

/// Checks that the bytes are one JSON object on one line, nested no deeper than others read, whose strings are text and
/// whose numbers are numbers of others too.
pub(crate) fn check(json: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(json).map_err(|error| format!("not UTF-8: {error}"))?;
    if let Some(at) = text.find(['\n', '\r']) {
        return Err(format!("a line break stands at byte {at}"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Any { levels: NESTING_MAX }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| error.to_string())?;
    Ok(text)
}

/// Any value with at most so many levels.
#[derive(Clone, Copy)]
struct Any {
    levels: u8,
}

impl Any {
    fn within<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        levels
            .map(|levels| Self { levels })
            .ok_or_else(|| E::custom(format_args!("nested deeper than {NESTING_MAX}")))
    }
}

impl<'de> DeserializeSeed<'de> for Any {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let within = self.within()?;
        while items.next_element_seed(within)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let within = self.within()?;
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            fields.next_value_seed(within)?;
            // tables have columns without upper and lower case
            if !names.insert(name.to_lowercase()) {
                return Err(A::Error::custom(format_args!("two fields are named `{name}`")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        // one level is the object itself
        format!(r#"{{"a":{}1{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
    }

    #[test]
    fn json_that_others_read_is_readable() {
        for json in [
            r#"{"a":[1,-2.5e300,true,null,{"b":"\ud83d\ude00 é"}]}"#,
            r#"{"a":123456789012345678901234567890}"#,
            &nested(32),
        ] {
            assert_eq!(check(json.as_bytes()), Ok(json));
        }
    }

    #[test]
    fn what_another_reader_stumbles_over_is_found_wherever_it_stands() {
        for (json, says) in [
            (&b"{\"a\":\"\xff\"}"[..], "not UTF-8"),
            (b"{\"a\":[\"\\ud800\"]}", "hex escape"),
            (b"{\"a\":{\"b\":1e400}}", "out of range"),
            (b"{\"a\":\"\x01\"}", "control character"),
            (b"{\"a\":01}", "invalid number"),
            (b"{\"a\":[{\"b\":1,\"B\":2}]}", "two fields are named `B`"),
            (b"{\"a\":1}\r", "line break"),
            (b"{\"a\":1} {}", "trailing"),
            (b"\xef\xbb\xbf{}", "expected value"),
            (nested(33).as_bytes(), "nested deeper than 32"),
            (nested(100_000).as_bytes(), "nested deeper than 32"),
        ] {
            let refused = check(json).unwrap_err();
            assert!(refused.contains(says), "{says}: {refused}");
        }
    }
}
