//! The week of currencies and metals: from Sunday 17:00 to Friday 17:00 in New York. No exchange keeps it, so the
//! vendor's `/market_state` has no line for it.

use std::time::Duration;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// New York's clock, which needs no database of time zones on the host.
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";

const TURN_OF_THE_WEEK: i8 = 17;

/// Currencies whose pairs keep the week, and metals. A pair of anything else is taken for one that trades always.
const CODES: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR",
    "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "RON", "RUB", "SAR", "SEK",
    "SGD", "THB", "TRY", "TWD", "USD", "XAG", "XAU", "XPD", "XPT", "ZAR",
];

/// Whether both sides are currencies or metals.
pub(super) fn is_pair(ticker: &str) -> bool {
    ticker
        .split_once('/')
        .is_some_and(|(base, quote)| CODES.contains(&base) && CODES.contains(&quote))
}

/// The week as a calendar.
#[derive(Clone, Debug)]
pub(super) struct ForexWeek {
    zone: TimeZone,
}

impl ForexWeek {
    pub(super) fn new() -> Self {
        // the text is a constant, and tested; without it the week would be that of UTC
        Self {
            zone: TimeZone::posix(NEW_YORK).unwrap_or(TimeZone::UTC),
        }
    }

    pub(super) fn is_open(&self, utc: Timestamp) -> bool {
        let local = self.zone.to_datetime(utc);
        let hour = local.hour();
        match local.weekday() {
            Weekday::Saturday => false,
            Weekday::Sunday => hour >= TURN_OF_THE_WEEK,
            Weekday::Friday => hour < TURN_OF_THE_WEEK,
            _ => true,
        }
    }

    /// Until it opens if it is closed, and until it closes if it is open.
    pub(super) fn until_turn(&self, utc: Timestamp) -> Duration {
        let local = self.zone.to_datetime(utc);
        let turn = if self.is_open(utc) {
            Weekday::Friday
        } else {
            Weekday::Sunday
        };
        let next = self.next_turn(local, turn).unwrap_or(utc);
        Duration::try_from(next.duration_since(utc)).unwrap_or_default()
    }

    fn next_turn(&self, local: DateTime, turn: Weekday) -> Option<Timestamp> {
        let days = local.weekday().until(turn);
        let at = |days: i8| {
            let date = local.date().checked_add(days.days()).ok()?;
            Some(date.at(TURN_OF_THE_WEEK, 0, 0, 0))
        };
        let next = at(days).filter(|turn| *turn > local).or_else(|| at(days + 7))?;
        self.zone.to_timestamp(next).ok()
    }

    /// How long of the next `span` it is open.
    pub(super) fn open_time(&self, utc: Timestamp, span: Duration) -> Duration {
        let turn = self.until_turn(utc).min(span);
        if self.is_open(utc) {
            turn
        } else {
            span.saturating_sub(turn)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_week_turns_at_five_in_the_evening_in_new_york_in_summer_and_winter() {
        let week = ForexWeek::new();
        for (utc, is_open) in [
            ("2026-07-10T20:59:59Z", true),
            ("2026-07-10T21:00:00Z", false),
            ("2026-07-11T12:00:00Z", false),
            ("2026-07-12T20:59:59Z", false),
            ("2026-07-12T21:00:00Z", true),
            ("2026-01-09T21:59:59Z", true),
            ("2026-01-09T22:00:00Z", false),
            // the clocks change on this Sunday, before the week begins
            ("2026-03-08T20:59:59Z", false),
            ("2026-03-08T21:00:00Z", true),
        ] {
            assert_eq!(week.is_open(at(utc)), is_open, "{utc}");
        }
    }

    #[test]
    fn the_next_turn_is_known_over_a_change_of_clocks() {
        let week = ForexWeek::new();
        let closed = at("2026-03-06T22:00:00Z");
        assert_eq!(week.until_turn(closed), Duration::from_hours(47));
        let open = at("2026-03-08T21:00:00Z");
        assert_eq!(week.until_turn(open), Duration::from_hours(5 * 24));
        assert_eq!(
            week.open_time(at("2026-07-10T20:00:00Z"), Duration::from_hours(4)),
            Duration::from_hours(1)
        );
        assert_eq!(
            week.open_time(at("2026-07-12T20:00:00Z"), Duration::from_hours(4)),
            Duration::from_hours(3)
        );
    }

    #[test]
    fn only_pairs_of_currencies_keep_the_week() {
        assert!(is_pair("EUR/USD") && is_pair("XAU/USD"));
        assert!(!is_pair("BTC/USD") && !is_pair("EUR") && !is_pair("EUR/BTC"));
    }
}
