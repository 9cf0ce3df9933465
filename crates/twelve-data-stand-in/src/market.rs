//! From a symbol as requested to its next price: walked, or replayed from a file.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::Error;
use crate::day::Day;
use crate::figures::Price;
use crate::instruments::{Class, Instrument, Listing};
use crate::lock::locked;
use crate::replay::{Replay, ReplayProgress, Row};
use crate::walk::Walk;

/// One price of one instrument, and what is known with it.
pub(crate) struct Observation {
    pub(crate) instrument: Instrument,
    pub(crate) price: Price,
    /// Bid and ask, for classes that have them.
    pub(crate) spread: Option<(String, String)>,
    pub(crate) time: Timestamp,
    pub(crate) day: Day,
}

impl Observation {
    pub(crate) fn is_replayed(&self) -> bool {
        matches!(self.price, Price::Replayed(_))
    }
}

/// Why a symbol has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    Unknown,
    NotInPlan,
    /// Its replay is over.
    Ended,
}

pub(crate) struct Market {
    seed: u64,
    listing: Listing,
    plan_gated: BTreeSet<String>,
    walks: Mutex<HashMap<String, Walk>>,
    replay: Option<RunningReplay>,
}

struct RunningReplay {
    replay: Replay,
    position: Mutex<Position>,
}

struct Position {
    served: usize,
    day: Day,
}

/// Whether looking at a price moves it on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    On,
    Stay,
}

impl Market {
    pub(crate) fn new(
        seed: u64,
        listing: Listing,
        plan_gated: BTreeSet<String>,
        replay: Option<Replay>,
    ) -> Result<Self, Error> {
        let replay = replay.map(RunningReplay::new).transpose()?;
        Ok(Self {
            seed,
            listing,
            plan_gated,
            walks: Mutex::default(),
            replay,
        })
    }

    /// The instrument behind a symbol, if this plan has it.
    pub(crate) fn instrument(&self, symbol: &str) -> Result<Instrument, Unavailable> {
        if self.plan_gated.contains(symbol) {
            return Err(Unavailable::NotInPlan);
        }
        let listing = match self.replay_of(symbol) {
            Some(_) => Listing::Plausible,
            None => self.listing,
        };
        Instrument::find(symbol, listing).ok_or(Unavailable::Unknown)
    }

    /// The next price: a step of the walk or the next line of the file, which nobody else gets.
    pub(crate) fn next(&self, symbol: &str, now: Timestamp) -> Result<Observation, Unavailable> {
        self.observe(symbol, now, Move::On)
    }

    /// What a reply that holds no usable price is written from: nothing is used up.
    pub(crate) fn peek(&self, symbol: &str, now: Timestamp) -> Result<Observation, Unavailable> {
        self.observe(symbol, now, Move::Stay)
    }

    pub(crate) fn replay_progress(&self) -> Option<ReplayProgress> {
        self.replay.as_ref().map(|running| ReplayProgress {
            symbol: running.replay.symbol().to_owned(),
            served: locked(&running.position).served,
            total: running.replay.rows().len(),
        })
    }

    fn observe(&self, symbol: &str, now: Timestamp, step: Move) -> Result<Observation, Unavailable> {
        let instrument = self.instrument(symbol)?;
        match self.replay_of(symbol) {
            Some(running) => running.observe(instrument, step).ok_or(Unavailable::Ended),
            None => Ok(self.walked(symbol, instrument, now, step)),
        }
    }

    fn replay_of(&self, symbol: &str) -> Option<&RunningReplay> {
        self.replay
            .as_ref()
            .filter(|running| running.replay.symbol() == symbol)
    }

    fn walked(&self, symbol: &str, instrument: Instrument, time: Timestamp, step: Move) -> Observation {
        let mut walks = locked(&self.walks);
        let walk = walks
            .entry(symbol.to_owned())
            .or_insert_with(|| Walk::new(self.seed, symbol, &instrument));
        if step == Move::On {
            walk.step();
        }
        let close = walk.day().close;
        let half = match instrument.class {
            Class::Equity(_) => None,
            Class::Forex(_) => Some(walk.half_spread()),
            Class::Crypto(_) => Some(Decimal::ZERO),
        };
        Observation {
            price: walk.price(),
            spread: half.map(|half| ((close - half).to_string(), (close + half).to_string())),
            time,
            day: walk.day().clone(),
            instrument,
        }
    }
}

impl RunningReplay {
    fn new(replay: Replay) -> Result<Self, Error> {
        let symbol = replay.symbol();
        let (Some(_), Some(first)) = (
            Instrument::find(symbol, Listing::Plausible),
            replay.rows().first(),
        ) else {
            return Err(Error::ReplaySymbol {
                symbol: symbol.to_owned(),
            });
        };
        let day = Day::opened_at(first.value);
        Ok(Self {
            replay,
            position: Mutex::new(Position { served: 0, day }),
        })
    }

    fn observe(&self, instrument: Instrument, step: Move) -> Option<Observation> {
        let mut position = locked(&self.position);
        let row: &Row = self.replay.rows().get(position.served)?;
        if step == Move::On {
            position.served += 1;
            position.day.trade(row.value, row.volume);
        }
        Some(Observation {
            instrument,
            price: Price::Replayed(row.bid.clone()),
            spread: Some((row.bid.clone(), row.ask.clone())),
            time: row.time,
            day: position.day.clone(),
        })
    }
}
