use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserializer, de};

use crate::Error;
use crate::error::excerpt;
use crate::text::borrowed;

/// The end of 2261: all that a count of nanoseconds in 64 bits can say whole years of.
const END: Timestamp = Timestamp::constant(9_214_646_400, 0);
/// What all readers take. No place on Earth is further from UTC than 14 hours.
const OFFSET_HOURS_MAX: i8 = 15;

/// Takes a plain RFC 3339 time from 1970 to 2261: no zone's name, no leap second, no other separators.
pub(crate) fn parse(text: &str) -> Result<Timestamp, Error> {
    read(text.as_bytes()).map_err(|reason| Error::Time {
        text: excerpt(text),
        reason,
    })
}

/// The same, with the bare reason. The form has fixed places; the calendar is jiff's.
pub(crate) fn read(text: &[u8]) -> Result<Timestamp, &'static str> {
    let (time, offset) = form(text).ok_or("expected RFC 3339 such as `2026-11-23T14:00:00.25Z`")?;
    let time = time.and_then(|time| offset.to_timestamp(time).ok());
    let time = time.ok_or("there is no such time")?;
    if (Timestamp::UNIX_EPOCH..END).contains(&time) {
        Ok(time)
    } else {
        Err("expected one from 1970 to 2261")
    }
}

/// What the text says, if it is of the plain form, and whether there is such a time of day and date.
fn form(text: &[u8]) -> Option<(Option<DateTime>, Offset)> {
    let (seconds, rest) = text.split_first_chunk::<19>()?;
    let separators = [4, 7, 10, 13, 16].map(|at| seconds[at]);
    if separators != *b"--T::" {
        return None;
    }
    let pair = |at: usize| two(seconds[at], seconds[at + 1]);
    let year = i16::from(pair(0)?) * 100 + i16::from(pair(2)?);
    let (month, day) = (pair(5)?, pair(8)?);
    let (hour, minute, second) = (pair(11)?, pair(14)?, pair(17)?);
    let (nanosecond, rest) = match rest.strip_prefix(b".") {
        Some(fraction) => nanoseconds(fraction)?,
        None => (0, rest),
    };
    let time = DateTime::new(year, month, day, hour, minute, second, nanosecond);
    Some((time.ok(), offset(rest)?))
}

fn two(tens: u8, ones: u8) -> Option<i8> {
    let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
    is_number.then(|| ((tens - b'0') * 10 + (ones - b'0')).cast_signed())
}

/// One to nine digits, and what comes after them.
fn nanoseconds(fraction: &[u8]) -> Option<(i32, &[u8])> {
    let (mut value, mut unit) = (0, 1_000_000_000);
    let mut rest = fraction;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        unit /= 10;
        value += i32::from(digit - b'0') * unit;
        rest = after;
    }
    let digits = fraction.len() - rest.len();
    (1..=9).contains(&digits).then_some((value, rest))
}

fn offset(text: &[u8]) -> Option<Offset> {
    let (sign, hours, minutes) = match *text {
        [b'Z'] => return Some(Offset::UTC),
        [b'+', h, hh, b':', m, mm] => (1, two(h, hh)?, two(m, mm)?),
        [b'-', h, hh, b':', m, mm] => (-1, two(h, hh)?, two(m, mm)?),
        _ => return None,
    };
    if hours > OFFSET_HOURS_MAX || minutes >= 60 {
        return None;
    }
    Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn a_plain_time_is_read_as_jiff_reads_it(
            second in 0..END.as_second(),
            nanosecond in 0..1_000_000_000_i32,
            digits in 0..=9_usize,
            offset_minutes in -15 * 60..=15 * 60_i32,
        ) {
            let time = Timestamp::new(second, nanosecond).unwrap();
            let offset = Offset::from_seconds(offset_minutes * 60).unwrap();
            for text in [
                format!("{time:.digits$}"),
                time.display_with_offset(offset).to_string(),
            ] {
                prop_assert_eq!(parse(&text).ok(), text.parse().ok(), "{}", text);
            }
        }
    }
}
