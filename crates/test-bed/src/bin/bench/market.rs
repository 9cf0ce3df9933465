//! Made-up prices of well-known instruments: a random walk each, the same in each run.

use jiff::Timestamp;
use quote_model::{Channel, Decimal, Symbol, Tick, Version};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::error::Error;

/// Each partition needs a symbol of its own.
pub(crate) const PARTITIONS_MAX: i64 = 16;
const SEED: u64 = 12;
const PRODUCER: &str = "ip-10-0-1-12";
/// Prices have five decimals.
const UNIT: i64 = 100_000;

const CURRENCY: &str = "Physical Currency";

struct Instrument {
    symbol: &'static str,
    exchange: &'static str,
    mic_code: Option<&'static str>,
    kind: &'static str,
    /// Of what is bought, for a pair.
    currency_base: Option<&'static str>,
    currency: &'static str,
    start_price: i64,
    /// The least by which the price changes.
    increment: i64,
}

impl Instrument {
    /// Whether a quote has a bid and an ask: the vendor gives them for currencies.
    fn has_book(&self) -> bool {
        self.kind == CURRENCY
    }
}

const fn stock(symbol: &'static str, mic_code: &'static str, start_price: i64) -> Instrument {
    Instrument {
        symbol,
        exchange: if mic_code.len() == 4 && mic_code.as_bytes()[3] == b'S' {
            "NASDAQ"
        } else {
            "NYSE"
        },
        mic_code: Some(mic_code),
        kind: "Common Stock",
        currency_base: None,
        currency: "USD",
        start_price,
        increment: 10,
    }
}

const fn pair(symbol: &'static str, base: &'static str, quote: &'static str, start_price: i64) -> Instrument {
    Instrument {
        symbol,
        exchange: "Forex",
        mic_code: None,
        kind: CURRENCY,
        currency_base: Some(base),
        currency: quote,
        start_price,
        increment: 1,
    }
}

const fn coin(symbol: &'static str, base: &'static str, start_price: i64) -> Instrument {
    Instrument {
        symbol,
        exchange: "Coinbase Pro",
        mic_code: None,
        kind: "Digital Currency",
        currency_base: Some(base),
        currency: "US Dollar",
        start_price,
        increment: 1000,
    }
}

const INSTRUMENTS: &[Instrument] = &[
    stock("AAPL", "XNGS", 231 * UNIT),
    stock("MSFT", "XNGS", 512 * UNIT),
    stock("NVDA", "XNGS", 184 * UNIT),
    stock("AMZN", "XNGS", 228 * UNIT),
    stock("GOOGL", "XNGS", 281 * UNIT),
    stock("TSLA", "XNGS", 402 * UNIT),
    stock("JPM", "XNYS", 303 * UNIT),
    stock("KO", "XNYS", 71 * UNIT),
    stock("XOM", "XNYS", 117 * UNIT),
    stock("DIS", "XNYS", 104 * UNIT),
    pair("EUR/USD", "Euro", "US Dollar", 116_640),
    pair("GBP/USD", "British Pound", "US Dollar", 131_250),
    pair("USD/JPY", "US Dollar", "Japanese Yen", 15_432_000),
    pair("USD/CHF", "US Dollar", "Swiss Franc", 80_115),
    coin("BTC/USD", "Bitcoin", 86_575 * UNIT),
    coin("ETH/USD", "Ethereum", 2_812 * UNIT),
];

struct Quote {
    instrument: &'static Instrument,
    price: i64,
    day_volume: u64,
}

/// Where and when the ticks are.
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) partitions: u16,
    pub(crate) begin: Timestamp,
    /// From one tick to the next, about.
    pub(crate) interval_ns: u32,
}

pub(crate) struct Market {
    session: Session,
    quotes: Vec<Quote>,
    rng: ChaCha8Rng,
    seq: u64,
}

/// A tick as Kafka gets it.
pub(crate) struct Record {
    /// All of one symbol go to the same, and all partitions get as many.
    pub(crate) partition: u16,
    pub(crate) key: &'static str,
    pub(crate) timestamp_ms: i64,
    pub(crate) value: Vec<u8>,
}

impl Market {
    pub(crate) fn open(session: Session) -> Self {
        let quotes = INSTRUMENTS.iter().map(|instrument| Quote {
            instrument,
            price: instrument.start_price,
            day_volume: 0,
        });
        Self {
            session,
            quotes: quotes.collect(),
            rng: ChaCha8Rng::seed_from_u64(SEED),
            seq: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Record, Error> {
        let partitions = usize::from(self.session.partitions);
        let partition = u16::try_from(self.seq % u64::from(self.session.partitions)).unwrap_or_default();
        let symbols_there = (INSTRUMENTS.len() - usize::from(partition)).div_ceil(partitions);
        let index = usize::from(partition) + partitions * self.rng.random_range(0..symbols_there);
        let Quote {
            instrument,
            price,
            day_volume,
        } = &mut self.quotes[index];
        *price += instrument.increment * self.rng.random_range(-40..=40);
        *price = (*price).clamp(instrument.start_price / 2, instrument.start_price * 2);
        *day_volume += self.rng.random_range(0..500);
        let spread = instrument.increment * self.rng.random_range(1..=3);
        let after_begin = u64::from(self.session.interval_ns) * self.seq
            + u64::from(self.rng.random_range(0..self.session.interval_ns));
        let ts_recv = self.session.begin + std::time::Duration::from_nanos(after_begin);
        let is_pair = instrument.currency_base.is_some();
        let tick = Tick {
            v: Version,
            symbol: Symbol::parse(instrument.symbol)?,
            price: decimal(*price)?,
            ts_recv,
            ts_event: None,
            channel: Channel::RestQuote,
            producer: PRODUCER.into(),
            session: self.session.id,
            seq: self.seq,
            exchange: Some(instrument.exchange.into()),
            mic_code: instrument.mic_code.map(Into::into),
            instrument_type: Some(instrument.kind.into()),
            currency: (!is_pair).then(|| instrument.currency.into()),
            currency_base: instrument.currency_base.map(Into::into),
            currency_quote: is_pair.then(|| instrument.currency.into()),
            bid: instrument
                .has_book()
                .then(|| decimal(*price - spread))
                .transpose()?,
            ask: instrument
                .has_book()
                .then(|| decimal(*price + spread))
                .transpose()?,
            day_volume: Some(Decimal::parse(day_volume.to_string())?),
        };
        self.seq += 1;
        Ok(Record {
            partition,
            key: instrument.symbol,
            timestamp_ms: ts_recv.as_millisecond(),
            value: tick.encode()?,
        })
    }
}

fn decimal(price: i64) -> Result<Decimal<'static>, quote_model::Error> {
    Decimal::parse(format!("{}.{:05}", price / UNIT, price % UNIT))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_partition_gets_as_many_and_each_symbol_keeps_to_one() {
        for partitions in [1, 3, 4, 16] {
            let mut market = Market::open(Session {
                id: Uuid::nil(),
                partitions,
                begin: Timestamp::UNIX_EPOCH,
                interval_ns: 300_000,
            });
            let (mut counts, mut of_symbol) = (BTreeMap::new(), BTreeMap::new());
            let mut last = Timestamp::UNIX_EPOCH;
            for seq in 0..48 * u64::from(partitions) {
                let record = market.next().unwrap();
                let tick = Tick::decode(&record.value).unwrap();
                assert_eq!(tick.seq, seq);
                assert_eq!(tick.symbol.as_str(), record.key);
                assert!((240..380).contains(&record.value.len()));
                assert!(tick.ts_recv >= last);
                last = tick.ts_recv;
                *counts.entry(record.partition).or_insert(0) += 1;
                assert_eq!(
                    *of_symbol.entry(record.key).or_insert(record.partition),
                    record.partition
                );
            }
            assert!(counts.len() == usize::from(partitions) && counts.values().all(|count| *count == 48));
        }
    }
}
