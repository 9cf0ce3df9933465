//! What a JSON text must be so that every reader reads it, also where the schema knows nothing of it. A JSON parser
//! takes more than that: it passes over what nobody asks for.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::Error;
use crate::text::borrowed;
use crate::tick::{FIELDS, NOT_A_TICK};

/// How deep arrays and objects may be nested, the tick itself among them.
const DEPTH_MAX: usize = 32;
/// Digits of a whole number: some readers keep it in 128 bits.
pub(crate) const WHOLE_DIGITS_MAX: usize = 38;
/// Characters of any number: Java's readers stop at 1000.
pub(crate) const NUMBER_LEN_MAX: usize = 64;
const EXPONENT_DIGITS_MAX: usize = 3;

/// Checks the whole text: valid JSON in UTF-8, not nested too deep, no name twice in an object, numbers that are not
/// too large, no half of a surrogate pair.
///
/// # Errors
///
/// [`Error::Tick`] and [`Error::Number`].
pub(crate) fn check(json: &[u8]) -> Result<(), Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Value { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    check_numbers(json)
}

/// A value at this depth, which is looked at to its end and dropped. A number that no 64-bit float can hold is an
/// error of the parser's.
#[derive(Clone, Copy)]
struct Value {
    depth: usize,
}

impl Value {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < DEPTH_MAX {
            Ok(Self {
                depth: self.depth + 1,
            })
        } else {
            Err(E::custom(format_args!("nested deeper than {DEPTH_MAX}")))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while elements.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key_seed(Name)? {
            // Hive's readers see no difference between cases
            let folded = name.to_lowercase();
            if self.depth == 0 && is_taken(&name, &folded) {
                return Err(A::Error::custom(format_args!("no field may be called `{name}`")));
            }
            if !names.insert(folded) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// Whether some reader would take an unknown field for one of the schema's, or the tick for an envelope.
fn is_taken(name: &str, folded: &str) -> bool {
    folded == NOT_A_TICK || (FIELDS.contains(&folded) && !FIELDS.contains(&name))
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        borrowed(deserializer)
    }
}

/// Checks the digits of all numbers in what is known to be JSON.
fn check_numbers(json: &[u8]) -> Result<(), Error> {
    let is_of_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let rest = &json[at..];
        at += match byte {
            b'"' => string_len(rest),
            b'-' | b'0'..=b'9' => {
                let len = rest.iter().take_while(|byte| is_of_number(**byte)).count();
                check_number(&rest[..len])?;
                len
            }
            _ => 1,
        };
    }
    Ok(())
}

fn string_len(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(next) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += next;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

fn check_number(text: &[u8]) -> Result<(), Error> {
    let text = String::from_utf8_lossy(text);
    let digits = |text: &str| text.trim_start_matches(['+', '-', '0']).len();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, ""));
    let is_whole = !mantissa.contains('.') && exponent.is_empty();
    if text.len() > NUMBER_LEN_MAX
        || digits(exponent) > EXPONENT_DIGITS_MAX
        || (is_whole && digits(mantissa) > WHOLE_DIGITS_MAX)
    {
        return Err(Error::Number {
            text: crate::error::excerpt(&text),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{{\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1))
    }

    #[test]
    fn what_every_reader_reads_is_taken() {
        for json in [
            "{}",
            r#"{"x":{"x":[1,-0.5,1e308,1E-400,"\ud83d\ude00","é\u0000\\\"",null,true]}}"#,
            r#"{"x":99999999999999999999999999999999999999,"y":0.3333333333333333333333333333333333333333333}"#,
            r#"{"x":"1e9999 99999999999999999999999999999999999999999 [[[ \" 1e9999"}"#,
            &nested(32),
        ] {
            assert!(
                check(json.as_bytes()).is_ok(),
                "{json}: {:?}",
                check(json.as_bytes())
            );
        }
    }

    #[test]
    fn what_some_reader_fails_at_is_refused() {
        let many = nested(100_000);
        let long = format!("{{\"x\":0.{}}}", "1".repeat(63));
        for (json, reason) in [
            (r#"{"x":1e400}"#, "out of range"),
            (r#"{"x":0e99999}"#, "1000"),
            (r#"{"x":[{"y":-999999999999999999999999999999999999999}]}"#, "38"),
            (&long, "64 characters"),
            (r#"{"x":"\ud800"}"#, "hex escape"),
            (r#"{"\udc00":1}"#, "surrogate"),
            (r#"{"x":1,"x":1}"#, "duplicate"),
            (r#"{"x":1,"X":1}"#, "duplicate"),
            (r#"{"x":[{"É":1,"é":1}]}"#, "duplicate"),
            (r#"{"x":1,"\u0078":1}"#, "duplicate"),
            (r#"{"Price":1}"#, "called"),
            (r#"{"NOT_A_TICK":1}"#, "called"),
            (r#"{"x":NaN}"#, "expected"),
            ("{\"x\":\"\t\"}", "control character"),
            (&nested(33), "deeper than 32"),
            (&many, "recursion limit"),
            ("{} {}", "trailing"),
        ] {
            let error = check(json.as_bytes()).unwrap_err().to_string();
            assert!(
                error.contains(reason) || reason == "recursion limit" && error.contains("deeper"),
                "{reason}: {error}"
            );
        }
        assert!(check(b"{\"x\":\"\xff\"}").is_err());
        assert!(check(b"{\"\xff\":1}").is_err());
        assert!(check(b"\xef\xbb\xbf{}").is_err());
    }
}
