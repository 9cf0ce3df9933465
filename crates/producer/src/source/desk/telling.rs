//! What is said of polls: in the log when something changes, and at any time in a sentence.

use std::time::Duration;

use credit_account::{Demand, Moment, PaceSetter, Wait, WaitReason};
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
        for (count, what) in [(resting, "rest, as their market is closed"), (refused, "refused")] {
            if count > 0 {
                status = format!("{status}, {count} {what}");
            }
        }
        let Counts {
            polls, failed_polls, ..
        } = self.counts;
        format!("{status}; {polls} polls, {failed_polls} failed")
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

    /// Says once if the pace is slower than asked.
    pub(super) fn tell_pace(&mut self, demand: &Demand, now: Moment) {
        let pace = self.account.pace(demand, now);
        if pace.set_by == PaceSetter::User || self.told_pace.contains(&pace.set_by) {
            return;
        }
        self.told_pace.push(pace.set_by);
        let (every, asked) = (in_words(pace.round), humantime::format_duration(self.interval));
        let (symbols, plan) = (demand.symbols, self.account.plan());
        match pace.set_by {
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
