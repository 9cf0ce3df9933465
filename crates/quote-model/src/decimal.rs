use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Error;
use crate::error::excerpt;
use crate::strict::NUMBER_LEN_MAX;

/// Digits behind the point of [`Decimal::unscaled`].
const SCALE: i64 = 18;
/// A decimal's unscaled digits are fewer than this many: 38.
const UNSCALED_LIMIT: u128 = 10_u128.pow(38);
/// Of plain digits, what fits in any case.
const WHOLE_DIGITS_MAX: usize = 20;
const FRACTION_DIGITS_MAX: usize = 18;

/// A price or a volume, digit for digit as the vendor wrote it: `231.40000` stays `231.40000`.
///
/// It is kept as text, in the grammar of a JSON number, so that no binary float and no rounding ever
/// touches it, and fits `DECIMAL(38,18)`, so that every reader keeps its value. Two decimals are equal if their
/// digits are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal<'a>(Cow<'a, str>);

impl<'a> Decimal<'a> {
    /// Takes the vendor's text, from a JSON string (REST) or a JSON number (WebSocket).
    ///
    /// # Errors
    ///
    /// [`Error::Decimal`] if the text is not a JSON number: empty, `NaN`, `1,5`, ` 1`, `.5`.
    /// [`Error::DecimalRange`] if it does not fit `DECIMAL(38,18)`.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, Error> {
        let text = text.into();
        // serde_json holds the grammar; what starts like a number and is one JSON value is a number
        let is_number = serde_json::from_str::<&RawValue>(&text)
            .is_ok_and(|raw| raw.get() == text && starts_like_a_number(raw));
        if is_number {
            Self::of_json_number(text)
        } else {
            Err(Error::Decimal { text: excerpt(&text) })
        }
    }

    /// Takes what is known to be a JSON number, if it fits.
    pub(crate) fn of_json_number(text: Cow<'a, str>) -> Result<Self, Error> {
        if fits(&text) {
            Ok(Self(text))
        } else {
            Err(Error::DecimalRange { text: excerpt(&text) })
        }
    }

    /// The value times 10 to the power of 18, as a column of `DECIMAL(38,18)` keeps it.
    #[must_use]
    pub fn unscaled(&self) -> i128 {
        // what does not fit was refused when this was made
        unscaled(&self.0).unwrap_or_default()
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

/// A decimal that fits without counting zeros.
#[derive(Clone, Copy)]
pub(crate) struct PlainDecimal<'a>(&'a str);

impl<'a> PlainDecimal<'a> {
    /// Takes what is known to be a JSON number of so many digits and without an exponent.
    pub(crate) fn new(text: &'a str, whole_digits: usize, fraction_digits: usize) -> Option<Self> {
        let fits = whole_digits <= WHOLE_DIGITS_MAX && fraction_digits <= FRACTION_DIGITS_MAX;
        fits.then_some(Self(text))
    }
}

impl<'a> From<PlainDecimal<'a>> for Decimal<'a> {
    fn from(PlainDecimal(text): PlainDecimal<'a>) -> Self {
        Self(Cow::Borrowed(text))
    }
}

fn fits(json_number: &str) -> bool {
    json_number.len() <= NUMBER_LEN_MAX && unscaled(json_number).is_some()
}

/// The digits as they stand, with the point moved behind the 18th place after it. Nothing if they are too many.
fn unscaled(json_number: &str) -> Option<i128> {
    let (number, exponent) = match json_number.split_once(['e', 'E']) {
        // readers differ in how far they follow an exponent
        Some((number, exponent)) => (number, exponent.parse::<i8>().ok()?),
        None => (json_number, 0),
    };
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut value: i128 = 0;
    // zeros count once a digit comes behind them
    let mut zeros = 0;
    for digit in whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0') {
        if digit == 0 {
            zeros += u32::from(value != 0);
        } else {
            value = value
                .checked_mul(10_i128.checked_pow(zeros + 1)?)?
                .checked_add(digit.into())?;
            zeros = 0;
        }
    }
    if value == 0 {
        return Some(0);
    }
    let power = SCALE - i64::try_from(fraction.len()).ok()? + i64::from(exponent) + i64::from(zeros);
    let value = value.checked_mul(10_i128.checked_pow(u32::try_from(power).ok()?)?)?;
    let value = if number.starts_with('-') { -value } else { value };
    (value.unsigned_abs() < UNSCALED_LIMIT).then_some(value)
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
            Self::of_json_number(Cow::Borrowed(raw.get())).map_err(serde::de::Error::custom)
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
    }

    #[test]
    fn a_decimal_that_fits_keeps_its_value() {
        let one = 10_i128.pow(18);
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("0e99", 0),
            ("1", one),
            ("231.40000", 231_400_000_000_000_000_000),
            ("-37.63", -37_630_000_000_000_000_000),
            ("0.000000000000000001", 1),
            ("0.0000000000000000010", 1),
            ("1e-5", 10_i128.pow(13)),
            ("1.5E3", 1500 * one),
            ("120e-2", one * 12 / 10),
            ("12345678901234567890", 12_345_678_901_234_567_890 * one),
            ("99999999999999999999.999999999999999999", 10_i128.pow(38) - 1),
            ("-99999999999999999999.999999999999999999", 1 - 10_i128.pow(38)),
            (
                "0.000000000000000000000000000000000000000000000000001e50",
                one / 10,
            ),
            (
                "1000000000000000000000000000000000000000000000000000e-50",
                10 * one,
            ),
            (
                "0.1000000000000000000000000000000000000000000000000000000000000",
                one / 10,
            ),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().unscaled(), expected, "{text}");
        }
    }

    #[test]
    fn a_decimal_that_does_not_fit_is_not_rounded() {
        let long = "0.".to_owned() + &"123456789".repeat(20);
        let padded = "0.1".to_owned() + &"0".repeat(62);
        for text in [
            "0.0000000000000000001",
            "123456789012345678901",
            "100000000000000000000",
            "1e30",
            "1e-30",
            "1e20",
            "1e99999999999",
            "1e-99999999999",
            "0e999",
            "1.00000000000000000000000000000000001",
            &long,
            &padded,
        ] {
            let refused = Decimal::parse(text);
            assert!(
                matches!(refused, Err(Error::DecimalRange { .. })),
                "{text} was taken"
            );
            assert!(
                serde_json::from_str::<Decimal<'_>>(text).is_err(),
                "{text} was taken"
            );
        }
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
