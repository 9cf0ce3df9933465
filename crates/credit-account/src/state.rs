//! The account and the schedule as they outlive the process: plain values, which the next version can read.
//!
//! Times are relative to the moment at which the state was taken, as the next process has another clock, perhaps on
//! a host that was restarted.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use twelve_data::Exhausted;

use crate::account::RefusedUntil;
use crate::day::{DAY, Day, VendorClock};
use crate::minute::{PAST_WINDOW, WINDOW};
use crate::plan::PlanBook;
use crate::{Account, Moment, Plan, PlanSource, Schedule};

/// A call whose process died ended by then: no request takes longer.
const CALL_MAX: Duration = Duration::from_secs(40);

/// No interval is longer.
const DUE_MAX: Duration = Duration::from_hours(366 * 24);

/// The account, to be kept. Fields that are not known are not read; those that are missing have their defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// The wall clock when this was taken.
    utc: Timestamp,
    /// The time since the host's start when this was taken.
    monotonic_ms: u64,
    /// The vendor's clock then, if it was heard: at least and at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor_utc: Option<(Timestamp, Timestamp)>,
    plan: Plan,
    #[serde(default)]
    plan_source: PlanSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask_usage_in_ms: Option<u64>,
    #[serde(default)]
    ask_usage_delay_ms: u64,
    /// Calls of the last minute that ended, and for how long the window has no room for them.
    #[serde(default)]
    ended: Vec<Held>,
    /// Calls that have not ended, and how long ago they were sent.
    #[serde(default)]
    in_flight: Vec<Sent>,
    /// Credits by UTC day, counted from 1970.
    #[serde(default)]
    days: BTreeMap<Day, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<RefusedFor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    for_ms: u64,
    credits: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    ago_ms: u64,
    credits: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RefusedFor {
    is_for_the_day: bool,
    for_ms: u64,
}

/// The schedule, to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleState {
    due_in_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    round_due_in_ms: Option<i64>,
}

impl AccountState {
    /// How long ago this was taken, at least. By the clock since the host's start if it can be the same start, and
    /// by the wall clock; the lesser holds, as what was spent then counts the longer.
    #[must_use]
    pub fn age(&self, now: Moment) -> Duration {
        let by_wall = self.age_by_wall(now);
        self.age_by_start(now)
            .map_or(by_wall, |by_start| by_start.min(by_wall))
    }

    fn age_by_wall(&self, now: Moment) -> Duration {
        Duration::try_from(now.utc.duration_since(self.utc)).unwrap_or_default()
    }

    fn age_by_start(&self, now: Moment) -> Option<Duration> {
        now.monotonic
            .checked_sub(Duration::from_millis(self.monotonic_ms))
    }

    /// The vendor's clock, as it goes on from what was known of it.
    fn vendor_clock(&self, now: Moment) -> Option<VendorClock> {
        let (earliest, latest) = self.vendor_utc?;
        let age = self.age(now);
        let age_max = self
            .age_by_start(now)
            .unwrap_or_default()
            .max(self.age_by_wall(now));
        let spread = Duration::try_from(latest.duration_since(earliest)).unwrap_or_default();
        Some(VendorClock {
            earliest: earliest.checked_add(age).unwrap_or(Timestamp::MAX),
            spread: spread.saturating_add(age_max.saturating_sub(age)),
            at: now.monotonic,
            is_heard: true,
        })
    }
}

impl Account {
    /// The account as it is now.
    #[must_use]
    pub fn state(&self, now: Moment) -> AccountState {
        let at = now.monotonic;
        AccountState {
            utc: now.utc,
            monotonic_ms: millis(at),
            vendor_utc: self
                .vendor
                .is_heard
                .then(|| (self.vendor.earliest(at), self.vendor.latest(at))),
            plan: self.book.plan,
            plan_source: self.book.source,
            ask_usage_in_ms: self.book.ask_at.map(|ask_at| millis(ask_at.saturating_sub(at))),
            ask_usage_delay_ms: millis(self.book.ask_delay),
            ended: self
                .minute
                .ended()
                .map(|ended| Held {
                    // one more, as what is less than a millisecond is cut off
                    for_ms: millis(ended.free_at.saturating_sub(at)).saturating_add(1),
                    credits: ended.credits,
                })
                .collect(),
            in_flight: self
                .minute
                .in_flight()
                .iter()
                .map(|call| Sent {
                    ago_ms: millis(at.saturating_sub(call.sent)),
                    credits: call.credits,
                })
                .collect(),
            days: self.days.iter().collect(),
            refused: self.refused.map(|refused| RefusedFor {
                is_for_the_day: refused.of == Exhausted::Day,
                for_ms: millis(refused.at.saturating_sub(at)),
            }),
        }
    }

    /// The account of a process that is gone. Its calls that had not ended are taken as sent.
    #[must_use]
    pub fn restore(state: &AccountState, now: Moment) -> Self {
        let age = state.age(now);
        let at = now.monotonic;
        let hence = |milliseconds| at + Duration::from_millis(milliseconds).min(DAY).saturating_sub(age);
        let plan = Plan {
            per_minute: state.plan.per_minute.max(1),
            ..state.plan
        };
        let mut book = PlanBook::known(plan, state.plan_source, state.ask_usage_in_ms.map(hence));
        book.ask_delay = Duration::from_millis(state.ask_usage_delay_ms).min(DAY);
        let mut account = Self::of(book, now);
        if let Some(vendor) = state.vendor_clock(now) {
            account.vendor = vendor;
        }

        let mut held: Vec<(Duration, u32)> = Vec::new();
        for ended in &state.ended {
            held.push((
                Duration::from_millis(ended.for_ms).saturating_sub(age),
                ended.credits,
            ));
        }
        for call in &state.in_flight {
            let sent_ago = age + Duration::from_millis(call.ago_ms);
            let ended_ago = sent_ago.saturating_sub(CALL_MAX);
            held.push(((WINDOW + PAST_WINDOW).saturating_sub(ended_ago), call.credits));
        }
        held.sort_unstable();
        for (time_left, credits) in held {
            account.minute.hold(credits, at + time_left.min(WINDOW * 2));
        }
        for (day, credits) in &state.days {
            account.days.set(*day, *credits);
        }
        account.refused = state.refused.map(|refused| RefusedUntil {
            of: if refused.is_for_the_day {
                Exhausted::Day
            } else {
                Exhausted::Minute
            },
            at: hence(refused.for_ms),
        });
        // a call that was under way over midnight counts in the day that it ended in, too
        let in_flight = state
            .in_flight
            .iter()
            .fold(0_u32, |sum, call| sum.saturating_add(call.credits));
        let last = account.vendor.days(at).last;
        if in_flight > 0 && account.days.spent(last) == 0 {
            account.days.add(last, in_flight);
        }
        account
    }
}

impl Schedule {
    /// The schedule as it is now.
    #[must_use]
    pub fn state(&self, now: Moment) -> ScheduleState {
        ScheduleState {
            due_in_ms: millis_until(self.due, now),
            round_due_in_ms: self.round_due.map(|due| millis_until(due, now)),
        }
    }

    /// The schedule of a process that is gone, whose account was kept with it.
    #[must_use]
    pub fn restore(state: ScheduleState, account: &AccountState, now: Moment) -> Self {
        let age = account.age(now);
        let when = |in_ms: i64| {
            let distance = Duration::from_millis(in_ms.unsigned_abs());
            if in_ms < 0 {
                now.monotonic.saturating_sub(age + distance)
            } else {
                (now.monotonic + distance.min(DUE_MAX)).saturating_sub(age)
            }
        };
        Self {
            due: when(state.due_in_ms),
            round_due: state.round_due_in_ms.map(when),
        }
    }
}

fn millis_until(when: Duration, now: Moment) -> i64 {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match when.checked_sub(now.monotonic) {
        Some(ahead) => millis(ahead),
        None => -millis(now.monotonic.saturating_sub(when)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
impl AccountState {
    pub(crate) fn forget_calls_in_flight(&mut self) {
        self.in_flight.clear();
    }
}
