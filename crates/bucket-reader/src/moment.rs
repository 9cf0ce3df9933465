use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, TimestampRound, Unit};

/// Moments at which ticks are looked at differently.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Ticks received before it may be in objects that are not read.
    pub since: Option<Timestamp>,
    /// Ticks received from here on may still be on their way.
    pub recent_from: Option<Timestamp>,
}

/// A moment as people write it: RFC 3339, or a date, which is its first moment in UTC.
///
/// # Errors
///
/// With how to write it.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let as_date = || {
        let midnight = text.parse::<Date>().ok()?.at(0, 0, 0, 0);
        TimeZone::UTC.to_timestamp(midnight).ok()
    };
    // a date is tried last, as it parses from a date and time as well and would drop the time
    let is_date = text.len() == "2026-11-23".len();
    is_date
        .then(as_date)
        .flatten()
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "write it like `2026-11-23T14:00:00Z` or `2026-11-23`".to_owned())
}

/// The first moment of the hour, in UTC.
#[must_use]
pub fn start_of_hour(moment: Timestamp) -> Timestamp {
    let down = TimestampRound::new()
        .smallest(Unit::Hour)
        .mode(jiff::RoundMode::Floor);
    // fails only for the earliest hour that there is
    moment.round(down).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_people_write_them() {
        for (text, expected) in [
            ("2026-11-23T14:05:06.5Z", "2026-11-23T14:05:06.5Z"),
            ("2026-11-23T14:05:06+02:00", "2026-11-23T12:05:06Z"),
            ("2026-11-23", "2026-11-23T00:00:00Z"),
        ] {
            assert_eq!(moment(text).unwrap(), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "now", "14:00", "2026-11-23T14:00", "2026-02-30", "1795442400"] {
            assert!(moment(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_hour_begins_before_all_its_moments() {
        for (moment, hour) in [
            ("2026-11-23T14:59:59.9Z", "2026-11-23T14:00:00Z"),
            ("2026-11-23T14:00:00Z", "2026-11-23T14:00:00Z"),
            ("1969-12-31T23:10:00Z", "1969-12-31T23:00:00Z"),
        ] {
            assert_eq!(start_of_hour(moment.parse().unwrap()), hour.parse().unwrap());
        }
        assert_eq!(start_of_hour(Timestamp::MIN), Timestamp::MIN);
    }
}
