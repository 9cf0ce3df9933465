//! How fast the credits may be spent.

use core::time::Duration;

use crate::{Account, Moment};

/// The day's last call is due so long before its end, as it may have to wait for the minute.
const BEFORE_MIDNIGHT: Duration = Duration::from_secs(75);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// From one round to the next one.
    pub interval: Duration,
    /// Symbols of one round, each a credit.
    pub symbols: u32,
    /// Those of the round that were asked for already.
    pub asked: u32,
    /// Rounds still to do, this one included, if there is an end.
    pub rounds_left: Option<u64>,
    /// For how long each symbol's price can still move until the vendor's day ends, added up over the symbols,
    /// also those that are not asked for at present.
    pub open_time: Duration,
    /// Credits of the day that rounds may not have.
    pub kept_back: u32,
}

impl Demand {
    /// Symbols of the round that are still to be asked for.
    #[must_use]
    pub fn rest(&self) -> u32 {
        self.symbols.saturating_sub(self.asked)
    }

    /// What is left to ask for after a call for so many symbols, which may have begun the next round.
    #[must_use]
    pub fn after(&self, credits: u32) -> Self {
        let asked = self.asked.saturating_add(credits);
        let rounds = asked / self.symbols.max(1);
        Self {
            asked: asked - rounds * self.symbols.max(1),
            rounds_left: self.rounds_left.map(|left| left.saturating_sub(rounds.into())),
            ..*self
        }
    }

    fn fits_in(&self, credits: u32) -> bool {
        self.rounds_left.is_some_and(|rounds| {
            let all = rounds.saturating_mul(self.symbols.into());
            all.saturating_sub(self.asked.into()) <= credits.into()
        })
    }
}

/// The speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one round's start to the next one's.
    pub round: Duration,
    /// What it comes from.
    pub set_by: PaceSetter,
    /// From one credit to the next one within a round.
    pub(crate) credit: Duration,
    /// Whether rounds follow each other as their credits do. Else a round's calls are close together.
    pub(crate) is_continuous: bool,
}

impl Pace {
    /// For how many symbols the next call asks: where rounds follow each other, one call may end a round and begin
    /// the next one, so that calls are not split again and again.
    pub(crate) fn whole_call(&self, demand: &Demand) -> u32 {
        if self.is_continuous && demand.rounds_left.is_none_or(|rounds| rounds > 1) {
            demand.symbols
        } else {
            demand.rest()
        }
    }
}

/// What the pace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaceSetter {
    /// The interval that the user asked for.
    User,
    /// The plan's credits a minute.
    Minute,
    /// The plan's credits a day, spread over what is left of the hours in which prices move.
    Day,
}

impl Account {
    /// The pace that the credits allow.
    #[must_use]
    pub fn pace(&self, demand: &Demand, now: Moment) -> Pace {
        let symbols = demand.symbols.max(1);
        let minute = if demand.fits_in(self.left_this_minute()) {
            Duration::ZERO
        } else {
            self.credit_cycle() / self.plan().per_minute.max(1)
        };
        let left = self
            .left_today(now)
            .map(|left| left.saturating_sub(demand.kept_back))
            .filter(|left| !demand.fits_in(*left));
        let compact = minute * symbols;
        let share = left.map(|left| self.day_share(demand, left, compact, now));
        let day = share.map_or(Duration::ZERO, |share| share.round);
        let paces = [
            (demand.interval, PaceSetter::User),
            (compact, PaceSetter::Minute),
            (day, PaceSetter::Day),
        ];
        // of equal ones the first: the user's wish is no restraint
        let (round, set_by) = paces
            .into_iter()
            .reduce(|slowest, pace| if pace.0 > slowest.0 { pace } else { slowest })
            .unwrap_or(paces[0]);
        let (credit, is_continuous) = match (set_by, share) {
            (PaceSetter::User, _) => (Duration::ZERO, false),
            // a round takes so long that it is no moment, or is more than the day has
            (PaceSetter::Day, Some(share)) if left < Some(symbols) || day < compact * 4 => {
                (share.credit, true)
            }
            (PaceSetter::Day, _) => (minute, false),
            (PaceSetter::Minute, _) => (minute, true),
        };
        Pace {
            round,
            set_by,
            credit,
            is_continuous,
        }
    }

    /// Spreads what is left of the day; a round whose calls are close together takes `compact`.
    fn day_share(&self, demand: &Demand, left: u32, compact: Duration, now: Moment) -> DayShare {
        if left == 0 {
            let wait = self.until_midnight(now);
            return DayShare {
                round: wait,
                credit: wait,
            };
        }
        let symbols = demand.symbols.max(1);
        // each symbol's share of the open time, divided by the times that it can be asked for
        let share = (demand.open_time / symbols).saturating_sub(BEFORE_MIDNIGHT);
        DayShare {
            // the last one ends before the day does
            round: share.saturating_sub(compact) * symbols / left.max(symbols),
            // counting the call that was sent just now, whose time it is
            credit: share / left.saturating_add(symbols.min(self.plan().per_minute)),
        }
    }
}

/// The day's credits, spread.
#[derive(Clone, Copy)]
struct DayShare {
    round: Duration,
    credit: Duration,
}
