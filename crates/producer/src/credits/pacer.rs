//! The only place that waits: for the next poll's time, for credits, and after failures.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use pipeline_runtime::systemd;
use tracing::{info, warn};

use super::governor::{CreditGovernor, WaitReason, until_midnight};
use super::schedule::{Budget, Demand, Pace, PaceSetter};
use crate::clock::{Clock, Moment};

/// Longest sleep in one piece: after it the clocks are read anew, and systemd hears that the loop is alive.
const MAX_SLEEP: Duration = Duration::from_secs(10);

/// Shorter waits for credits are not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// After a failed poll: 1 s, doubled up to a minute, and up to as much again at random.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_max_delay(Duration::from_mins(1))
    .with_factor(2.0)
    .with_jitter()
    .without_max_times();

#[derive(Debug)]
pub(crate) struct Pacer {
    clock: Clock,
    pub(crate) governor: CreditGovernor,
    interval: Duration,
    /// When the next poll may start.
    due: Duration,
    backoff: Option<ExponentialBackoff>,
    told: Vec<PaceSetter>,
}

impl Pacer {
    pub(crate) fn new(clock: Clock, interval: Duration) -> Self {
        let now = clock.now();
        Self {
            clock,
            governor: CreditGovernor::new(now),
            interval,
            due: now.monotonic,
            backoff: None,
            told: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Waits for the time of the next poll.
    pub(crate) async fn until_due(&self) {
        loop {
            let wait = self.due.saturating_sub(self.clock.now().monotonic);
            if wait.is_zero() {
                break;
            }
            sleep(wait).await;
        }
    }

    /// Waits until the plan has the credits of one call, and takes them.
    pub(crate) async fn credits(&mut self, credits: u32) {
        let mut told = None;
        while let Err(refusal) = self.governor.reserve(credits, self.clock.now()) {
            if told != Some(refusal.reason) && refusal.wait > WORTH_TELLING {
                told = Some(refusal.reason);
                let wait = humantime::format_duration(Duration::from_secs(refusal.wait.as_secs()));
                let reason = match refusal.reason {
                    WaitReason::Minute => "those of the last 60 s are used",
                    WaitReason::Day => "those of this UTC day are used",
                    WaitReason::Refused => "Twelve Data refused a call for want of credits",
                };
                info!(credits, %wait, "waiting for credits: {reason}");
            }
            sleep(refusal.wait).await;
        }
    }

    /// Sets the time of the poll after one that began at `started`.
    pub(crate) fn schedule(&mut self, started: Moment, is_success: bool, demand: Demand) {
        let now = self.clock.now();
        let pace = self.pace(demand, now);
        self.due = started.monotonic.saturating_add(pace.interval);
        if is_success {
            self.backoff = None;
        } else {
            let delay = self.next_delay();
            self.due = self.due.max(now.monotonic + delay);
        }
    }

    /// What to wait after one more failure in a row.
    pub(crate) fn next_delay(&mut self) -> Duration {
        self.backoff
            .get_or_insert_with(|| BACKOFF.build())
            .next()
            .unwrap_or(MAX_SLEEP)
    }

    /// Waits after a failure of what is no poll.
    pub(crate) async fn after_failure(&mut self) {
        self.due = self.clock.now().monotonic + self.next_delay();
        self.until_due().await;
    }

    pub(crate) fn recovered(&mut self) {
        self.backoff = None;
    }

    /// The pace that the credits allow; says so once if it is slower than asked.
    pub(crate) fn pace(&mut self, demand: Demand, now: Moment) -> Pace {
        let budget = Budget {
            plan: self.governor.plan(),
            left_this_minute: self.governor.left_this_minute(),
            left_today: self.governor.left_today(),
            until_midnight: until_midnight(now.utc),
        };
        let pace = Pace::of(demand, budget);
        self.tell(pace, demand);
        pace
    }

    fn tell(&mut self, pace: Pace, demand: Demand) {
        if pace.set_by == PaceSetter::User || self.told.contains(&pace.set_by) {
            return;
        }
        self.told.push(pace.set_by);
        let whole_seconds = Duration::from_secs(pace.interval.as_secs());
        let every = humantime::format_duration(whole_seconds.max(Duration::from_secs(1)));
        let asked = humantime::format_duration(self.interval);
        let plan = self.governor.plan();
        let credits_per_poll = demand.credits_per_poll;
        match pace.set_by {
            PaceSetter::User => {}
            PaceSetter::Minute => warn!(
                every = %every, %asked, credits_per_poll, credits_per_minute = plan.per_minute,
                "polling slower than asked: the plan has no more credits a minute; fewer symbols, a longer \
                 interval or a larger plan would change it"
            ),
            PaceSetter::Day => warn!(
                every = %every, %asked, credits_per_poll, credits_per_day = plan.per_day,
                "polling slower than asked: the credits left of this UTC day are spread over its rest; fewer \
                 symbols, a number of samples that fits into the day or a larger plan would change it"
            ),
        }
    }
}

async fn sleep(wait: Duration) {
    systemd::alive();
    tokio::time::sleep(wait.min(MAX_SLEEP)).await;
    systemd::alive();
}
