//! What is said of polls: in the log when something changes, and at any time in a sentence.

use std::time::Duration;

use credit_account::{Demand, Moment, Pace, PaceSetter, Plan, Wait, WaitReason};
use metrics::gauge;
use tracing::{info, warn};

use super::{Counts, Desk};
use crate::source::hours::Turn;

/// Shorter waits for credits are not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(2);

impl Desk {
    /// The state in a sentence.
    pub(in crate::source) fn status(&self, now: Moment) -> String {
        let refused = self.agenda.refused().count();
        let resting = self.hours.resting(self.agenda.good(), now);
        let polled = self.agenda.good().count().saturating_sub(resting);
        let mut status = match (self.outage.reason(), self.account.refused_for(now.monotonic)) {
            (Some(reason), _) => format!("calls fail: {reason}"),
            (None, Some(wait)) => format!("no credits for {}", in_words(wait.wait)),
            (None, None) if polled == 0 && resting > 0 => "all markets are closed".to_owned(),
            (None, None) => format!("{polled} symbols polled"),
        };
        if let Some(pace) = self.told_pace.filter(|_| polled > 0) {
            let by = match pace.set_by {
                PaceSetter::User => "as asked",
                PaceSetter::Minute => "by the plan's credits a minute",
                PaceSetter::Day => "by the plan's credits a day",
            };
            status = format!("{status} every {} {by}", in_words(pace.round));
        }
        for (count, what) in [(resting, "rest, as their market is closed"), (refused, "refused")] {
            if count > 0 {
                status = format!("{status}, {count} {what}");
            }
        }
        let Counts {
            polls, failed_polls, ..
        } = self.counts;
        let spent = self.account.spent_today(now);
        let of_plan = match self.account.plan().per_day {
            Some(per_day) => format!(" of {per_day}"),
            None => String::new(),
        };
        format!("{status}; {spent}{of_plan} credits used today; {polls} polls, {failed_polls} failed")
    }

    pub(in crate::source) fn tell_wait(&mut self, wait: Wait, now: Moment) {
        let reason = match wait.reason {
            WaitReason::Pace => return,
            WaitReason::Minute => "those of the last 60 s are used",
            WaitReason::Day => "those of this UTC day are used",
            WaitReason::MinuteRefused | WaitReason::DayRefused => {
                "Twelve Data refused a call for want of credits"
            }
        };
        if self.told_wait != Some(wait.reason) && wait.wait > WORTH_TELLING {
            self.told_wait = Some(wait.reason);
            let left_today = self.account.left_today(now);
            info!(wait = %in_words(wait.wait), left_today, "waiting for credits: {reason}");
        }
    }

    /// Says what the pace is and why, if it is another than was said before.
    pub(super) fn tell_pace(&mut self, demand: &Demand, now: Moment) {
        let pace = self.account.pace(demand, now);
        if self.told_pace.is_some_and(|told| is_like(told, pace)) {
            return;
        }
        let was_slow = self.told_pace.is_some_and(|told| told.set_by != PaceSetter::User);
        self.told_pace = Some(pace);
        let (every, asked) = (in_words(pace.round), humantime::format_duration(self.interval));
        let (symbols, plan) = (demand.symbols, self.account.plan());
        match pace.set_by {
            PaceSetter::User if was_slow => info!(every = %every, symbols, "polling as often as asked again"),
            PaceSetter::User => {}
            PaceSetter::Minute => warn!(
                every = %every, %asked, symbols, credits_per_minute = plan.per_minute,
                "polling slower than asked: the plan has no more credits a minute; fewer symbols, a longer \
                 interval or a larger plan would change it"
            ),
            PaceSetter::Day => warn!(
                every = %every, %asked, symbols, credits_per_day = plan.per_day,
                "polling slower than asked: the credits left of this UTC day are spread over the hours in which \
                 prices move; fewer symbols, a number of samples that fits into the day or a larger plan would \
                 change it"
            ),
        }
    }

    /// Credits, for whoever watches.
    pub(super) fn show_credits(&self, now: Moment) {
        let Plan { per_minute, per_day } = self.account.plan();
        gauge!("quote_producer_plan_credits_per_minute").set(f64::from(per_minute));
        gauge!("quote_producer_credits_left_this_minute").set(f64::from(self.account.left_this_minute()));
        gauge!("quote_producer_credits_spent_today").set(f64::from(self.account.spent_today(now)));
        if let (Some(per_day), Some(left)) = (per_day, self.account.left_today(now)) {
            gauge!("quote_producer_plan_credits_per_day").set(f64::from(per_day));
            gauge!("quote_producer_credits_left_today").set(f64::from(left));
        }
    }

    pub(super) fn tell_assumed(&self, reason: &str) {
        let plan = self.account.plan();
        warn!(
            credits_per_minute = plan.per_minute,
            credits_per_day = plan.per_day,
            source = ?self.account.plan_source(),
            "`/api_usage` does not tell the plan, to be asked again later: {reason}"
        );
    }
}

/// Whether the pace is set by the same and differs by no more than a quarter, as what is left of a day is spread anew
/// all the time.
fn is_like(told: Pace, pace: Pace) -> bool {
    told.set_by == pace.set_by && told.round.abs_diff(pace.round) <= told.round / 4
}

pub(super) fn tell_turn(turn: &Turn) {
    let Turn {
        market,
        is_open,
        turns_in,
    } = turn;
    let until = turns_in.map(in_words);
    match (is_open, until) {
        (true, Some(until)) => info!(market, closes_in = until, "the market is open"),
        (true, None) => info!(market, "the market is open"),
        (false, Some(until)) => info!(market, opens_in = until, "the market is closed: its symbols rest"),
        (false, None) => info!(market, "the market is closed: its symbols rest"),
    }
}

fn in_words(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs().max(1))).to_string()
}
