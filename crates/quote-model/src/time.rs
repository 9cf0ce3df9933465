use jiff::Timestamp;
use serde::{Deserializer, de};

use crate::Error;
use crate::error::excerpt;
use crate::text::borrowed;

/// The end of 2261: all that a count of nanoseconds in 64 bits can say whole years of.
const END: Timestamp = Timestamp::constant(9_214_646_400, 0);
/// What all readers take. No place on Earth is further from UTC than 14 hours.
const OFFSET_HOURS_MAX: u8 = 15;

/// Takes a plain RFC 3339 time from 1970 to 2261: no zone's name, no leap second, no other separators.
pub(crate) fn parse(text: &str) -> Result<Timestamp, Error> {
    let refuse = |reason| Error::Time {
        text: excerpt(text),
        reason,
    };
    if !is_plain(text.as_bytes()) {
        return Err(refuse("expected RFC 3339 such as `2026-11-23T14:00:00.25Z`"));
    }
    let time: Timestamp = text.parse().map_err(|_| refuse("there is no such time"))?;
    if (Timestamp::UNIX_EPOCH..END).contains(&time) {
        Ok(time)
    } else {
        Err(refuse("expected one from 1970 to 2261"))
    }
}

/// Whether the form is the plain one. What the digits say is jiff's to judge.
fn is_plain(text: &[u8]) -> bool {
    const FORM: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";
    let Some((seconds, rest)) = text.split_first_chunk::<19>() else {
        return false;
    };
    let is_of_form = seconds.iter().zip(FORM).all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    let is_leap_second = seconds[17] >= b'6';
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    is_of_form && !is_leap_second && is_offset(rest)
}

fn is_offset(text: &[u8]) -> bool {
    let two = |tens: u8, ones: u8| {
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        is_number.then(|| (tens - b'0') * 10 + (ones - b'0'))
    };
    match *text {
        [b'Z'] => true,
        [b'+' | b'-', h, hh, b':', m, mm] => {
            two(h, hh).is_some_and(|hours| hours <= OFFSET_HOURS_MAX)
                && two(m, mm).is_some_and(|minutes| minutes < 60)
        }
        _ => false,
    }
}

/// For a field that must be there.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    parse(&borrowed(deserializer)?).map_err(de::Error::custom)
}

/// For a field that may be absent or null.
pub(crate) mod optional {
    use super::{Deserializer, Timestamp, de, parse};
    use crate::Text;
    use serde::Deserialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<Text<'de>>::deserialize(deserializer)?;
        text.map(|text| parse(text.as_str()).map_err(de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_times_are_read_to_the_nanosecond() {
        let at = |second, nanosecond| Timestamp::new(second, nanosecond).unwrap();
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", at(0, 0)),
            ("2026-11-23T14:00:00.123456789Z", at(1_795_442_400, 123_456_789)),
            ("2026-11-23T14:00:00.5Z", at(1_795_442_400, 500_000_000)),
            ("2026-11-23T19:30:00+05:30", at(1_795_442_400, 0)),
            ("2026-11-23T02:00:00-12:00", at(1_795_442_400, 0)),
            ("2261-12-31T23:59:59.999999999Z", at(9_214_646_399, 999_999_999)),
            ("2262-01-01T00:30:00+01:00", at(9_214_644_600, 0)),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn times_that_some_reader_does_not_take_are_refused() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T14:00Z",
            "2026-11-23T14:00:00",
            "2026-11-23 14:00:00Z",
            "2026-11-23t14:00:00z",
            "20261123T140000Z",
            "2026-11-23T14:00:00,5Z",
            "2026-11-23T14:00:00.Z",
            "2026-11-23T14:00:00.0123456789Z",
            "2026-11-23T23:59:60Z",
            "2026-11-23T24:00:00Z",
            "2026-02-30T14:00:00Z",
            "2026-11-23T14:00:00+01:00[Europe/Paris]",
            "2026-11-23T14:00:00Z[UTC]",
            "2026-11-23T14:00:00+0100",
            "2026-11-23T14:00:00+01",
            "2026-11-23T14:00:00+16:00",
            "2026-11-23T14:00:00+01:60",
            "2026-11-23T14:00:00+01:00:30",
            "-002026-11-23T14:00:00Z",
            "1969-12-31T23:59:59.999999999Z",
            "1970-01-01T00:00:00+01:00",
            "2262-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "２026-11-23T14:00:00Z",
        ] {
            assert!(parse(text).is_err(), "{text:?} was taken");
        }
    }
}
