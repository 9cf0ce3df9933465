//! From a symbol as requested to its next price: walked, or replayed from a file.

mod bars;
mod day;
mod figures;
mod hours;
mod instruments;
mod replay;
mod walk;

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

pub(crate) use self::bars::{Bar, Bars};
pub(crate) use self::day::Day;
pub(crate) use self::figures::{DEFAULT_PLACES, Price, Way, written};
pub use self::hours::MarketHours;
pub(crate) use self::hours::{Calendar, Session, zone_of};
pub(crate) use self::instruments::{Class, EQUITIES, Instrument, Listing, VENUES, mic_of, venue_of};
pub(crate) use self::replay::Row;
pub use self::replay::{Replay, ReplayProgress};
use self::walk::Walk;
use crate::Error;
use crate::lock::locked;

/// Which instruments there are, and how their prices go.
#[derive(Clone, Debug, Default)]
pub struct MarketConfig {
    /// Begins the random walks: one seed, one walk for each symbol.
    pub seed: u64,
    /// Whether symbols outside the stand-in's own short list are unknown.
    pub known_only: bool,
    /// Symbols that the plan does not hold, as they will be requested.
    pub plan_gated: BTreeSet<String>,
    /// Real ticks to serve for one symbol in place of a walk.
    pub replay: Option<Replay>,
    /// When prices move. A price of a closed market stays as it is.
    pub hours: MarketHours,
    /// Days on which exchanges do not open, where [`MarketConfig::hours`] has them close at all.
    pub holidays: BTreeSet<Date>,
}

/// One price of one instrument, and what is known with it.
pub(crate) struct Observation {
    pub(crate) instrument: Instrument,
    pub(crate) price: Price,
    /// Of now, before or after hours, if that was asked for.
    pub(crate) extended_price: Option<Price>,
    /// Bid and ask, for classes that have them.
    pub(crate) spread: Option<(String, String)>,
    /// When it was made: now, or before, where the market is closed.
    pub(crate) time: Timestamp,
    pub(crate) day: Day,
    pub(crate) session: Session,
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
    pub(crate) calendar: Calendar,
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
    Extended,
    Stay,
}

impl Market {
    pub(crate) fn new(config: MarketConfig) -> Result<Self, Error> {
        Ok(Self {
            calendar: Calendar::new(config.hours, config.holidays)?,
            seed: config.seed,
            listing: if config.known_only {
                Listing::KnownOnly
            } else {
                Listing::Plausible
            },
            plan_gated: config.plan_gated,
            walks: Mutex::default(),
            replay: config.replay.map(RunningReplay::new).transpose()?,
        })
    }

    /// Begins the random walks.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
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

    /// The next price: a step of the walk or the next line of the file, which nobody else gets. While the market is
    /// closed a walk stands; `extended` has it go on before and after hours.
    pub(crate) fn next(
        &self,
        symbol: &str,
        now: Timestamp,
        extended: bool,
    ) -> Result<Observation, Unavailable> {
        let instrument = self.instrument(symbol)?;
        let session = self.calendar.session_of(&instrument, now);
        let step = if session.is_open {
            Move::On
        } else if extended && session.is_extended {
            Move::Extended
        } else {
            Move::Stay
        };
        self.observe(symbol, instrument, session, step)
    }

    /// Whether prices of a symbol move now.
    pub(crate) fn is_open(&self, symbol: &str, now: Timestamp) -> bool {
        self.instrument(symbol)
            .is_ok_and(|instrument| self.calendar.session_of(&instrument, now).is_open)
    }

    /// What a reply that holds no usable price is written from: nothing is used up.
    pub(crate) fn peek(&self, symbol: &str, now: Timestamp) -> Result<Observation, Unavailable> {
        let instrument = self.instrument(symbol)?;
        let session = self.calendar.session_of(&instrument, now);
        self.observe(symbol, instrument, session, Move::Stay)
    }

    pub(crate) fn replay_progress(&self) -> Option<ReplayProgress> {
        self.replay.as_ref().map(|running| ReplayProgress {
            symbol: running.replay.symbol().to_owned(),
            served: locked(&running.position).served,
            total: running.replay.rows().len(),
        })
    }

    fn observe(
        &self,
        symbol: &str,
        instrument: Instrument,
        session: Session,
        step: Move,
    ) -> Result<Observation, Unavailable> {
        match self.replay_of(symbol) {
            Some(running) => running
                .observe(instrument, session, step)
                .ok_or(Unavailable::Ended),
            None => Ok(self.walked(symbol, instrument, session, step)),
        }
    }

    fn replay_of(&self, symbol: &str) -> Option<&RunningReplay> {
        self.replay
            .as_ref()
            .filter(|running| running.replay.symbol() == symbol)
    }

    fn walked(&self, symbol: &str, instrument: Instrument, session: Session, step: Move) -> Observation {
        let mut walks = locked(&self.walks);
        let walk = walks
            .entry(symbol.to_owned())
            .or_insert_with(|| Walk::new(self.seed, symbol, &instrument));
        match step {
            Move::On => walk.step(),
            Move::Extended => walk.step_extended(),
            Move::Stay => {}
        }
        let close = walk.day().close;
        let half = match instrument.class {
            Class::Equity(_) => None,
            Class::Forex(_) => Some(walk.half_spread()),
            Class::Crypto(_) => Some(Decimal::ZERO),
        };
        Observation {
            price: walk.price(),
            extended_price: walk.extended_price().filter(|_| step == Move::Extended),
            spread: half.map(|half| ((close - half).to_string(), (close + half).to_string())),
            time: session.last_trade,
            day: walk.day().clone(),
            session,
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

    fn observe(&self, instrument: Instrument, session: Session, step: Move) -> Option<Observation> {
        let mut position = locked(&self.position);
        let row: &Row = self.replay.rows().get(position.served)?;
        if step == Move::On {
            position.served += 1;
            position.day.trade(row.value, row.volume);
        }
        Some(Observation {
            instrument,
            price: Price::Replayed(row.bid.clone()),
            extended_price: None,
            spread: Some((row.bid.clone(), row.ask.clone())),
            time: row.time,
            day: position.day.clone(),
            session,
        })
    }
}
