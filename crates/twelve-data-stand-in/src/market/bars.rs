//! Bars of the past: made from the seed, the symbol and the time alone, so that they are the same whoever asks.

use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::walk::{seed_of, start_price};
use super::{Calendar, Instrument, Market};

/// What one interval brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) open_time: Timestamp,
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) close: Decimal,
    pub(crate) volume: u64,
}

/// The largest distance from the first price, in millionths of it.
const SWING_MAX: i64 = 5_000;
/// Intervals looked at for open ones: two weeks of minutes.
const LOOKED_AT_MAX: usize = 14 * 24 * 60;

pub(crate) struct Bars<'a> {
    calendar: &'a Calendar,
    instrument: &'a Instrument,
    seed: [u8; 32],
    start: Decimal,
    interval_s: i64,
}

impl<'a> Bars<'a> {
    pub(crate) fn of(market: &'a Market, listing: &str, instrument: &'a Instrument, interval_s: i64) -> Self {
        let seed = seed_of(market.seed(), listing);
        Self {
            calendar: &market.calendar,
            instrument,
            seed,
            start: start_price(instrument, &mut ChaCha8Rng::from_seed(seed)),
            interval_s,
        }
    }

    /// Those that opened before `end`, the newest first; none for an interval in which the market was closed.
    pub(crate) fn before(&self, end: Timestamp) -> impl Iterator<Item = Bar> {
        let last = (end.as_second() - 1).div_euclid(self.interval_s);
        (0..)
            .take(LOOKED_AT_MAX)
            .map(move |back| (last - back) * self.interval_s)
            .filter_map(|second| self.bar(second))
    }

    fn bar(&self, second: i64) -> Option<Bar> {
        let open_time = Timestamp::from_second(second).ok()?;
        let is_of_a_day = self.interval_s >= 86_400;
        let is_open = || self.calendar.session_of(self.instrument, open_time).is_open;
        if !is_of_a_day && !is_open() {
            return None;
        }
        let mut rng = self.rng(second);
        let open = self.level(second);
        let close = self.level(second + self.interval_s);
        let wick = Decimal::new(rng.random_range(0..SWING_MAX / 10), 6) * self.start;
        let scale = self.instrument.price_scale;
        Some(Bar {
            open_time,
            open,
            high: (open.max(close) + wick).round_dp(scale),
            low: (open.min(close) - wick).round_dp(scale),
            close,
            volume: rng.random_range(100..100_000),
        })
    }

    /// The price at a moment, which ends one bar and begins the next.
    fn level(&self, second: i64) -> Decimal {
        let swing = Decimal::new(self.rng(second).random_range(-SWING_MAX..=SWING_MAX), 6);
        (self.start + self.start * swing).round_dp(self.instrument.price_scale)
    }

    fn rng(&self, second: i64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.seed);
        rng.set_stream(second.cast_unsigned());
        rng
    }
}
