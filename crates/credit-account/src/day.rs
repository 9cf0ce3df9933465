//! The credits of each UTC day, and which day it is for the vendor.

use alloc::collections::BTreeMap;
use core::time::Duration;

use jiff::Timestamp;

use crate::Moment;

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// How far off this host's clock may be before the vendor's was heard.
const UNHEARD: Duration = Duration::from_secs(5);

/// A `Date` has whole seconds, and who writes it need not be who counts.
const HEARD: Duration = Duration::from_secs(1);

/// Days that are remembered: today, yesterday, and those that a wrong clock took for today.
const REMEMBERED: usize = 8;

/// A UTC day, counted from 1970.
pub(crate) type Day = i64;

/// The vendor's clock, as it can be known: from the `Date` of its latest reply and the monotonic clock since then,
/// so that a wall clock that is wrong or jumps moves no midnight. Before the first reply it is this host's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VendorClock {
    /// What it read at least when the monotonic clock read `at`.
    pub(crate) earliest: Timestamp,
    /// How much more it may have read.
    pub(crate) spread: Duration,
    pub(crate) at: Duration,
    pub(crate) is_heard: bool,
}

impl VendorClock {
    pub(crate) fn unheard(now: Moment) -> Self {
        Self {
            earliest: sub(now.utc, UNHEARD),
            spread: UNHEARD * 2,
            at: now.monotonic,
            is_heard: false,
        }
    }

    /// A reply to a call that was sent at `sent` said `date`.
    pub(crate) fn hear(&mut self, date: Timestamp, sent: Duration, now: Moment) {
        *self = Self {
            earliest: sub(date, HEARD),
            spread: HEARD * 3 + now.monotonic.saturating_sub(sent),
            at: now.monotonic,
            is_heard: true,
        };
    }

    /// Before the first reply the wall clock is followed.
    pub(crate) fn follow(&mut self, now: Moment) {
        if !self.is_heard {
            *self = Self::unheard(now);
        }
    }

    /// The time that it is by now at least.
    pub(crate) fn earliest(&self, now: Duration) -> Timestamp {
        add(self.earliest, now.saturating_sub(self.at))
    }

    /// The time that it is by now at most.
    pub(crate) fn latest(&self, now: Duration) -> Timestamp {
        add(self.earliest(now), self.spread)
    }

    /// Until the vendor's day is over for certain.
    pub(crate) fn until_midnight(&self, now: Duration) -> Duration {
        let into = self
            .earliest(now)
            .as_millisecond()
            .rem_euclid(24 * 60 * 60 * 1000);
        DAY.saturating_sub(Duration::from_millis(into.unsigned_abs()))
    }

    /// The days that it may be.
    pub(crate) fn days(&self, now: Duration) -> Today {
        Today {
            first: day_of(self.earliest(now)),
            last: day_of(self.latest(now)),
        }
    }
}

/// The day that it is: one of two around midnight, and rarely more, of which the ones between matter to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Today {
    pub(crate) first: Day,
    pub(crate) last: Day,
}

impl Today {
    pub(crate) fn contains(self, day: Day) -> bool {
        day == self.first || day == self.last
    }

    /// One or two.
    pub(crate) fn iter(self) -> impl Iterator<Item = Day> {
        let other = (self.last != self.first).then_some(self.last);
        core::iter::once(self.first).chain(other)
    }
}

/// Credits spent, by UTC day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Days(BTreeMap<Day, u32>);

impl Days {
    pub(crate) fn spent(&self, day: Day) -> u32 {
        self.0.get(&day).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, day: Day, credits: u32) {
        let spent = self.0.entry(day).or_default();
        *spent = spent.saturating_add(credits);
        while self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
    }

    pub(crate) fn take(&mut self, day: Day, credits: u32) {
        if let Some(spent) = self.0.get_mut(&day) {
            *spent = spent.saturating_sub(credits);
        }
    }

    pub(crate) fn raise(&mut self, day: Day, credits: u32) {
        self.set(day, self.spent(day).max(credits));
    }

    pub(crate) fn set(&mut self, day: Day, credits: u32) {
        self.0.insert(day, credits);
        self.add(day, 0);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Day, u32)> {
        self.0.iter().map(|(day, credits)| (*day, *credits))
    }
}

pub(crate) fn day_of(utc: Timestamp) -> Day {
    utc.as_second().div_euclid(24 * 60 * 60)
}

fn add(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn sub(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}
