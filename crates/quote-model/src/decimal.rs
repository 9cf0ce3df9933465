use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Error;
use crate::error::excerpt;

/// A price or a volume, digit for digit as the vendor wrote it: `231.40000` stays `231.40000`.
///
/// It is kept as text, in the grammar of a JSON number, so that no binary float and no rounding ever
/// touches it. Two decimals are equal if their digits are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal<'a>(Cow<'a, str>);

impl<'a> Decimal<'a> {
    /// Takes the vendor's text, from a JSON string (REST) or a JSON number (WebSocket).
    ///
    /// # Errors
    ///
    /// [`Error::Decimal`] if the text is not a JSON number: empty, `NaN`, `1,5`, ` 1`, `.5`.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, Error> {
        let text = text.into();
        // serde_json holds the grammar; what starts like a number and is one JSON value is a number
        let is_number = serde_json::from_str::<&RawValue>(&text)
            .is_ok_and(|raw| raw.get() == text && starts_like_a_number(raw));
        if is_number {
            Ok(Self(text))
        } else {
            Err(Error::Decimal { text: excerpt(&text) })
        }
    }

    /// Takes what is known to be a JSON number.
    pub(crate) fn of_json_number(text: Cow<'a, str>) -> Self {
        Self(text)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Decimal<'static> {
        Decimal(Cow::Owned(self.0.into_owned()))
    }
}

fn starts_like_a_number(raw: &RawValue) -> bool {
    raw.get()
        .starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

impl fmt::Display for Decimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Decimal<'static> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text.to_owned())
    }
}

impl Serialize for Decimal<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Decimal<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        if starts_like_a_number(raw) {
            Ok(Self(Cow::Borrowed(raw.get())))
        } else {
            Err(serde::de::Error::custom(Error::Decimal {
                text: excerpt(raw.get()),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_digits_are_kept() {
        for text in ["231.40000", "0", "-37.63", "26575.60000", "1e-5", "29299.0"] {
            assert_eq!(Decimal::parse(text).unwrap().as_str(), text);
        }
        let long = "0.".to_owned() + &"123456789".repeat(20);
        assert_eq!(Decimal::parse(long.as_str()).unwrap().as_str(), long);
    }

    #[test]
    fn what_is_no_json_number_is_refused() {
        for text in [
            "", " ", "NaN", "inf", ".5", "5.", "+1", "01", "1,5", " 1", "1 ", "1\n", "null", "\"1\"", "[1]",
            "{}", "-", "1e", "0x10", "1_000", "١",
        ] {
            assert!(Decimal::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_json_string_is_no_decimal_in_a_tick() {
        assert!(serde_json::from_str::<Decimal<'_>>("\"1\"").is_err());
        assert_eq!(
            serde_json::from_str::<Decimal<'_>>(" 1.50 ").unwrap().as_str(),
            "1.50"
        );
    }

    #[test]
    fn an_error_does_not_grow_with_its_input() {
        let error = Decimal::parse("x".repeat(1_000_000)).unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
