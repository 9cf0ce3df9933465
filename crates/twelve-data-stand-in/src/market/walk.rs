//! Random walks, one a symbol: with one seed they are the same in each run, whoever asks for what first.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::day::Day;
use super::figures::{Price, Way};
use super::instruments::Instrument;

/// The largest step, in millionths of the price.
const STEP_MAX: i64 = 500;

pub(crate) struct Walk {
    rng: ChaCha8Rng,
    scale: u32,
    day: Day,
    /// The last price before or after hours, which is none of the day's.
    extended: Option<Decimal>,
    way: Way,
}

impl Walk {
    pub(crate) fn new(seed: u64, symbol: &str, instrument: &Instrument) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed_of(seed, symbol));
        Self {
            day: Day::opened_at(start_price(instrument, &mut rng)),
            rng,
            scale: instrument.price_scale,
            extended: None,
            way: Way::AsIs,
        }
    }

    /// One step on.
    pub(crate) fn step(&mut self) {
        let price = self.next_after(self.day.close);
        let volume = self.rng.random_range(0..500);
        self.day.trade(price, volume);
        self.extended = None;
        self.turn();
    }

    /// One step on before or after hours.
    pub(crate) fn step_extended(&mut self) {
        self.extended = Some(self.next_after(self.extended.unwrap_or(self.day.close)));
        self.turn();
    }

    fn next_after(&mut self, price: Decimal) -> Decimal {
        let drift = Decimal::new(self.rng.random_range(-STEP_MAX..=STEP_MAX), 6);
        let smallest = Decimal::new(1, self.scale);
        (price + price * drift).round_dp(self.scale).max(smallest)
    }

    fn turn(&mut self) {
        self.way = match self.rng.random_range(0..3) {
            0 => Way::Trimmed,
            1 => Way::Padded,
            _ => Way::AsIs,
        };
    }

    pub(crate) fn price(&self) -> Price {
        Price::Walked {
            value: self.day.close,
            way: self.way,
        }
    }

    pub(crate) fn extended_price(&self) -> Option<Price> {
        let value = self.extended?;
        Some(Price::Walked { value, way: self.way })
    }

    /// Half of the distance between bid and ask.
    pub(crate) fn half_spread(&self) -> Decimal {
        Decimal::new(2, self.scale)
    }

    pub(crate) fn day(&self) -> &Day {
        &self.day
    }
}

/// Where a walk begins: at the instrument's own first price, or at one that follows from its seed.
pub(super) fn start_price(instrument: &Instrument, rng: &mut ChaCha8Rng) -> Decimal {
    let derived = Decimal::new(rng.random_range(1_000..100_000), 2);
    instrument.start_price.unwrap_or(derived)
}

/// The walk's own seed: the run's, and the symbol folded into the rest of the key.
pub(super) fn seed_of(seed: u64, symbol: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let (run, name) = key.split_at_mut(8);
    run.copy_from_slice(&seed.to_le_bytes());
    let places = name.len();
    for (at, byte) in symbol.bytes().enumerate() {
        // rotated by the turn, so that `AAAA…` longer than the key does not cancel itself out
        let turn = u32::try_from(at / places % 8).unwrap_or_default();
        name[at % places] ^= byte.rotate_left(turn);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Listing;

    fn prices(seed: u64, symbol: &str, steps: usize) -> Vec<String> {
        let instrument = Instrument::find(symbol, Listing::Plausible).unwrap();
        let mut walk = Walk::new(seed, symbol, &instrument);
        (0..steps)
            .map(|_| {
                walk.step();
                walk.price().padded(5)
            })
            .collect()
    }

    #[test]
    fn a_seed_gives_one_walk_for_a_symbol() {
        assert_eq!(prices(7, "AAPL", 100), prices(7, "AAPL", 100));
        assert_ne!(prices(7, "AAPL", 100), prices(8, "AAPL", 100));
        assert_ne!(prices(7, "XYZ", 1), prices(7, "XZY", 1));
    }

    #[test]
    fn a_walk_moves_stays_positive_and_near_its_start() {
        for symbol in ["AAPL", "EUR/USD", "BTC/USD", "ETH/BTC", "USD/JPY", "XYZ"] {
            let prices = prices(1, symbol, 5_000);
            let distinct: std::collections::BTreeSet<_> = prices.iter().collect();
            assert!(distinct.len() > 10, "{symbol} stands still");
            assert!(prices.iter().all(|price| !price.starts_with('-')), "{symbol}");
        }
        let last: Decimal = prices(1, "AAPL", 1_000).last().unwrap().parse().unwrap();
        assert!(last > Decimal::from(200) && last < Decimal::from(500), "{last}");
    }
}
