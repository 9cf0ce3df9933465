//! When a market is open, by the stand-in's clock or by a test's order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::civil::{Date, Time, Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::instruments::{Class, Instrument};
use crate::Error;
use crate::lock::locked;

/// Longer than any market is closed at a stretch.
const REACH_DAYS: i64 = 12;

/// Which hours markets keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MarketHours {
    /// All are open at all times.
    #[default]
    Always,
    /// Exchanges from Monday to Friday in hours of their own, forex from Sunday to Friday at 17:00 in New York, crypto
    /// always.
    Exchange,
}

/// Where a market is in its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) now: Timestamp,
    pub(crate) is_open: bool,
    /// Now while it is open, else when it closed.
    pub(crate) last_trade: Timestamp,
    /// Whether prices before or after hours move now.
    pub(crate) is_extended: bool,
    pub(crate) since_open: SignedDuration,
    pub(crate) until_open: SignedDuration,
    pub(crate) until_close: SignedDuration,
}

pub(crate) struct Calendar {
    hours: MarketHours,
    /// On which exchanges do not open.
    holidays: BTreeSet<Date>,
    /// By exchange, or [`ALL`]: open or not, and since when.
    ordered: Mutex<BTreeMap<String, (bool, Timestamp)>>,
}

/// In an order: each exchange that has none of its own.
const ALL: &str = "*";
const FOREX: &str = "FOREX";
const CRYPTO: &str = "CRYPTO";

/// Exchange, zone, opening, closing.
const EXCHANGES: &[(&str, &str, Time, Time)] = &[
    ("LSE", "Europe/London", time(8, 0, 0, 0), time(16, 30, 0, 0)),
    ("NASDAQ", NEW_YORK, US_OPEN, US_CLOSE),
    ("NYSE", NEW_YORK, US_OPEN, US_CLOSE),
    ("TSX", "America/Toronto", US_OPEN, US_CLOSE),
    ("XETR", "Europe/Berlin", time(9, 0, 0, 0), time(17, 30, 0, 0)),
];
const NEW_YORK: &str = "America/New_York";
const US_OPEN: Time = time(9, 30, 0, 0);
const US_CLOSE: Time = time(16, 0, 0, 0);
const US_BEFORE_HOURS: Time = time(4, 0, 0, 0);
const US_AFTER_HOURS: Time = time(20, 0, 0, 0);
const FOREX_TURN: Time = time(17, 0, 0, 0);

impl Calendar {
    pub(crate) fn new(hours: MarketHours, holidays: BTreeSet<Date>) -> Result<Self, Error> {
        if hours == MarketHours::Exchange {
            TimeZone::get(NEW_YORK).map_err(|source| Error::TimeZones { source })?;
        }
        Ok(Self {
            hours,
            holidays,
            ordered: Mutex::default(),
        })
    }

    /// Opens or closes an exchange (`FOREX` and `CRYPTO` are two, `*` is all of them) whatever its hours, until `None`.
    pub(crate) fn order(&self, exchange: &str, is_open: Option<bool>, now: Timestamp) {
        let mut ordered = locked(&self.ordered);
        match is_open {
            Some(is_open) => {
                ordered.insert(exchange.to_owned(), (is_open, now));
            }
            None => {
                ordered.remove(exchange);
            }
        }
    }

    pub(crate) fn session_of(&self, instrument: &Instrument, now: Timestamp) -> Session {
        self.session(
            match &instrument.class {
                Class::Equity(equity) => &equity.exchange,
                Class::Forex(_) => FOREX,
                Class::Crypto(_) => CRYPTO,
            },
            now,
        )
    }

    pub(crate) fn session(&self, exchange: &str, now: Timestamp) -> Session {
        let ordered = {
            let ordered = locked(&self.ordered);
            ordered.get(exchange).or_else(|| ordered.get(ALL)).copied()
        };
        match ordered {
            Some((true, _)) => Session::always_open(now),
            Some((false, since)) => Session {
                is_open: false,
                last_trade: since.min(now),
                ..Session::always_open(now)
            },
            None if self.hours == MarketHours::Always || exchange == CRYPTO => Session::always_open(now),
            None => self.by_hours(exchange, now),
        }
    }

    fn by_hours(&self, exchange: &str, now: Timestamp) -> Session {
        let windows = self.windows(exchange, now);
        let current = windows
            .iter()
            .find(|(open, close)| (*open..*close).contains(&now));
        let last_close = windows
            .iter()
            .map(|window| window.1)
            .filter(|close| *close <= now)
            .max();
        let next_open = windows
            .iter()
            .map(|window| window.0)
            .filter(|open| *open > now)
            .min();
        let until = |moment: Timestamp| moment.duration_since(now);
        match current {
            Some((open, close)) => Session {
                since_open: now.duration_since(*open),
                until_close: until(*close),
                ..Session::always_open(now)
            },
            None => Session {
                is_open: false,
                last_trade: last_close.unwrap_or(now),
                is_extended: is_us(exchange) && self.is_extended(now),
                until_open: next_open.map_or(SignedDuration::ZERO, until),
                ..Session::always_open(now)
            },
        }
    }

    /// The times around `now` in which an exchange is open.
    fn windows(&self, exchange: &str, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let known = EXCHANGES.iter().find(|known| known.0 == exchange);
        let (_, zone, open, close) = known.copied().unwrap_or(("", NEW_YORK, US_OPEN, US_CLOSE));
        let Ok(zone) = TimeZone::get(zone) else {
            return Vec::new();
        };
        let today = zone.to_datetime(now).date();
        let at = |date: Date, time: Time| zone.to_timestamp(date.to_datetime(time)).ok();
        (-REACH_DAYS..=REACH_DAYS)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter_map(|date| {
                if exchange == FOREX {
                    let end = date.checked_add(5.days()).ok()?;
                    let begins = date.weekday() == Weekday::Sunday;
                    return Some((at(date, FOREX_TURN)?, at(end, FOREX_TURN)?)).filter(|_| begins);
                }
                self.is_trading_day(date).then_some(())?;
                Some((at(date, open)?, at(date, close)?))
            })
            .collect()
    }

    fn is_trading_day(&self, date: Date) -> bool {
        !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.holidays.contains(&date)
    }

    fn is_extended(&self, now: Timestamp) -> bool {
        TimeZone::get(NEW_YORK).is_ok_and(|zone| {
            let local = zone.to_datetime(now);
            self.is_trading_day(local.date()) && (US_BEFORE_HOURS..US_AFTER_HOURS).contains(&local.time())
        })
    }
}

fn is_us(exchange: &str) -> bool {
    matches!(exchange, "NASDAQ" | "NYSE")
}

/// The zone in which an exchange's times are written; UTC for what is none.
pub(crate) fn zone_of(instrument: &Instrument) -> &'static str {
    match &instrument.class {
        Class::Equity(equity) => EXCHANGES
            .iter()
            .find(|known| known.0 == equity.exchange)
            .map_or(NEW_YORK, |known| known.1),
        Class::Forex(_) | Class::Crypto(_) => "UTC",
    }
}

impl Session {
    fn always_open(now: Timestamp) -> Self {
        Self {
            now,
            is_open: true,
            last_trade: now,
            is_extended: false,
            since_open: SignedDuration::ZERO,
            until_open: SignedDuration::ZERO,
            until_close: SignedDuration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn calendar() -> Calendar {
        // Thanksgiving
        Calendar::new(MarketHours::Exchange, ["2026-11-26".parse().unwrap()].into()).unwrap()
    }

    #[test]
    fn exchanges_keep_their_hours_over_holidays_weekends_and_changes_of_the_clock() {
        let calendar = calendar();
        for (exchange, time, is_open) in [
            ("NYSE", "2026-11-25T14:29:59Z", false),
            ("NYSE", "2026-11-25T14:30:00Z", true),
            ("NYSE", "2026-11-25T20:59:59Z", true),
            ("NYSE", "2026-11-25T21:00:00Z", false),
            ("NASDAQ", "2026-11-26T15:00:00Z", false),
            ("NASDAQ", "2026-11-28T15:00:00Z", false),
            // summer time in New York, an hour earlier in UTC
            ("NYSE", "2026-07-01T13:30:00Z", true),
            ("LSE", "2026-11-25T08:00:00Z", true),
            ("XETR", "2026-11-25T16:30:00Z", false),
            ("FOREX", "2026-11-27T21:59:59Z", true),
            ("FOREX", "2026-11-27T22:00:00Z", false),
            ("FOREX", "2026-11-29T21:59:59Z", false),
            ("FOREX", "2026-11-29T22:00:00Z", true),
            ("CRYPTO", "2026-11-28T15:00:00Z", true),
        ] {
            assert_eq!(
                calendar.session(exchange, at(time)).is_open,
                is_open,
                "{exchange} {time}"
            );
        }
    }

    #[test]
    fn a_closed_market_says_when_it_closed_and_when_it_opens() {
        let session = calendar().session("NYSE", at("2026-11-26T15:00:00Z"));
        assert_eq!(session.last_trade, at("2026-11-25T21:00:00Z"));
        assert_eq!(session.until_open, SignedDuration::from_secs(23 * 3600 + 1800));
        assert!(!session.is_extended, "a holiday has no hours before hours");
        let before = calendar().session("NYSE", at("2026-11-25T09:00:00Z"));
        assert!(!before.is_open && before.is_extended);
        let open = calendar().session("NYSE", at("2026-11-25T15:30:00Z"));
        assert_eq!(open.since_open, SignedDuration::from_hours(1));
        assert_eq!(open.until_close, SignedDuration::from_secs(5 * 3600 + 1800));
    }

    #[test]
    fn an_order_holds_whatever_the_hours() {
        let calendar = calendar();
        let now = at("2026-11-25T15:30:00Z");
        calendar.order(ALL, Some(false), now);
        calendar.order("LSE", Some(true), now);
        let later = at("2026-11-25T18:00:00Z");
        assert!(!calendar.session("NYSE", later).is_open && calendar.session("LSE", later).is_open);
        assert_eq!(calendar.session("NYSE", later).last_trade, now);
        calendar.order(ALL, None, now);
        assert!(calendar.session("NYSE", later).is_open);
    }
}
