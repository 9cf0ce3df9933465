//! The credit governor: never more than the plan's credits in any 60 s, nor in a UTC day.
//!
//! Whether the vendor counts by the clock's minute or by the last 60 s is not documented; what holds in any
//! 60 s holds in both. A call counts from before it is sent until 60 s after it ended, as nobody outside can
//! know when in between the vendor counted it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use twelve_data::{CreditHeaders, Exhausted, Usage};

use crate::clock::Moment;

const WINDOW: Duration = Duration::from_mins(1);

/// Added to the window's end, so that two calls exactly 60 s apart do not share a window.
const PAST_WINDOW: Duration = Duration::from_millis(1);

/// Added to a minute's end after a refusal, for two clocks that differ.
const PAST_MINUTE: Duration = Duration::from_millis(1500);

/// Added to a day's end, for two clocks that differ.
const PAST_DAY: Duration = Duration::from_secs(5);

/// A refusal "for the day" so soon after midnight speaks of yesterday, by the vendor's clock.
const DAY_IS_YOUNG: Duration = Duration::from_mins(10);

const DAY: Duration = Duration::from_hours(24);

/// What the plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) per_minute: u32,
    /// Only the free plan has it.
    pub(crate) per_day: Option<u32>,
}

impl Plan {
    /// The free plan.
    pub(crate) const BASIC: Self = Self {
        per_minute: 8,
        per_day: Some(800),
    };
}

/// Why no credits can be had, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) reason: WaitReason,
    pub(crate) wait: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitReason {
    /// The last 60 s used them up.
    Minute,
    /// This UTC day used them up.
    Day,
    /// The vendor refused a call.
    Refused,
}

/// Grants credits. Knows no clock: each call is told the time.
#[derive(Debug)]
pub(crate) struct CreditGovernor {
    plan: Plan,
    /// Whether `plan` is only an assumption, which a reply's headers may mend.
    is_plan_assumed: bool,
    in_flight: u32,
    /// When which calls ended, oldest first.
    spent: VecDeque<(Duration, u32)>,
    day: i64,
    spent_today: u32,
    refused_until: Option<Timestamp>,
}

impl CreditGovernor {
    /// Starts with the free plan's credits, until the plan is known.
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            plan: Plan::BASIC,
            is_plan_assumed: true,
            in_flight: 0,
            spent: VecDeque::new(),
            day: day_of(now.utc),
            spent_today: 0,
            refused_until: None,
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan
    }

    /// Takes the credits of one call, which is then in flight, or says how long to wait before asking again.
    pub(crate) fn reserve(&mut self, credits: u32, now: Moment) -> Result<(), Wait> {
        self.forget_the_past(now);
        if let Some(until) = self.refused_until {
            return Err(Wait {
                reason: WaitReason::Refused,
                wait: until.duration_since(now.utc).unsigned_abs(),
            });
        }
        if self.left_today().is_some_and(|left| left < credits) {
            return Err(Wait {
                reason: WaitReason::Day,
                wait: until_midnight(now.utc) + PAST_DAY,
            });
        }
        if let Some(wait) = self.until_minute_has(credits, now) {
            return Err(Wait {
                reason: WaitReason::Minute,
                wait,
            });
        }
        self.in_flight += credits;
        self.spent_today = self.spent_today.saturating_add(credits);
        Ok(())
    }

    /// The call ended, in whatever way: it may have been counted until this very moment.
    pub(crate) fn settle(&mut self, credits: u32, headers: CreditHeaders, now: Moment) {
        self.in_flight = self.in_flight.saturating_sub(credits);
        self.spent.push_back((now.monotonic, credits));
        let day_before = self.day;
        self.forget_the_past(now);
        if self.day != day_before {
            // sent yesterday, ended today: counted by either
            self.spent_today = self.spent_today.saturating_add(credits);
        }
        if let CreditHeaders {
            used: Some(used),
            left: Some(left @ 1..),
        } = headers
            && self.is_plan_assumed
        {
            self.plan.per_minute = used.saturating_add(left);
        }
        let left = match headers {
            CreditHeaders { left: Some(left), .. } => Some(left),
            CreditHeaders { used: Some(used), .. } => Some(self.plan.per_minute.saturating_sub(used)),
            CreditHeaders { .. } => None,
        };
        if let Some(left) = left {
            self.count_others(self.left_this_minute().saturating_sub(left), now);
        }
    }

    /// Takes what `/api_usage` says: the plan, and what was used before this process started.
    pub(crate) fn learn(&mut self, usage: Usage, now: Moment) {
        self.plan = Plan {
            per_minute: usage.plan_limit,
            per_day: usage.plan_daily_limit,
        };
        self.is_plan_assumed = false;
        self.forget_the_past(now);
        self.count_others(usage.current_usage.saturating_sub(self.spent_this_minute()), now);
        self.spent_today = self.spent_today.max(usage.daily_usage.unwrap_or(0));
    }

    /// The vendor refused a call with 429.
    pub(crate) fn refuse(&mut self, exhausted: Exhausted, retry_after: Option<Duration>, now: Moment) {
        let to_midnight = until_midnight(now.utc);
        let wait = match exhausted {
            Exhausted::Day if DAY.saturating_sub(to_midnight) >= DAY_IS_YOUNG => to_midnight + PAST_DAY,
            _ => until_next_minute(now.utc) + PAST_MINUTE,
        };
        let wait = wait.max(retry_after.unwrap_or_default());
        self.refused_until = now.utc.checked_add(wait).ok();
    }

    /// Credits that a call could have at once, the day's not regarded.
    pub(crate) fn left_this_minute(&self) -> u32 {
        self.plan.per_minute.saturating_sub(self.spent_this_minute())
    }

    /// Credits that the UTC day has left, if the plan has an allowance for the day.
    pub(crate) fn left_today(&self) -> Option<u32> {
        self.plan
            .per_day
            .map(|per_day| per_day.saturating_sub(self.spent_today))
    }

    fn spent_this_minute(&self) -> u32 {
        self.spent
            .iter()
            .fold(self.in_flight, |sum, (_, credits)| sum.saturating_add(*credits))
    }

    /// Counts credits that somebody else used, with the same key.
    fn count_others(&mut self, credits: u32, now: Moment) {
        if credits > 0 {
            self.spent.push_back((now.monotonic, credits));
            self.spent_today = self.spent_today.saturating_add(credits);
        }
    }

    fn until_minute_has(&self, credits: u32, now: Moment) -> Option<Duration> {
        let mut left = self.left_this_minute();
        if left >= credits {
            return None;
        }
        let mut free_at = now.monotonic + WINDOW;
        for (at, freed) in &self.spent {
            left = left.saturating_add(*freed);
            free_at = *at + WINDOW + PAST_WINDOW;
            if left >= credits {
                break;
            }
        }
        Some(free_at.saturating_sub(now.monotonic))
    }

    fn forget_the_past(&mut self, now: Moment) {
        while let Some((at, _)) = self.spent.front()
            && now.monotonic.saturating_sub(*at) > WINDOW
        {
            self.spent.pop_front();
        }
        let today = day_of(now.utc);
        // a wall clock set back over midnight gives no second allowance; one that was wrong by days is mended
        if today > self.day || today < self.day - 1 {
            self.day = today;
            self.spent_today = self.in_flight;
        }
        self.refused_until = self.refused_until.filter(|until| *until > now.utc);
    }
}

fn day_of(utc: Timestamp) -> i64 {
    utc.as_second().div_euclid(24 * 60 * 60)
}

/// Until the UTC day ends.
pub(crate) fn until_midnight(utc: Timestamp) -> Duration {
    until_multiple_of(24 * 60 * 60, utc)
}

fn until_next_minute(utc: Timestamp) -> Duration {
    until_multiple_of(60, utc)
}

fn until_multiple_of(seconds: i64, utc: Timestamp) -> Duration {
    let into = Duration::from_millis(utc.as_millisecond().rem_euclid(seconds * 1000).unsigned_abs());
    Duration::from_secs(seconds.unsigned_abs()).saturating_sub(into)
}

#[cfg(test)]
mod tests;
