use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use pipeline_runtime::exit::with_causes;
use tracing::{info, warn};

use crate::http::CallError;

/// After a failed call: 1 s, doubled each time, and up to as much again at random.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait, where calls come as often otherwise.
const LEAST_WAIT_MAX: Duration = Duration::from_mins(1);

/// While calls fail it is told again after so long.
const TOLD_AGAIN: Duration = Duration::from_mins(10);

/// Calls that bring nothing: how long to wait for the next one, and what to say meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    present: Option<Present>,
}

#[derive(Debug)]
struct Present {
    since: Duration,
    told: Duration,
    calls: u64,
    reason: String,
    backoff: ExponentialBackoff,
}

impl Outage {
    /// A call failed. Gives the wait before the next one, which is no longer than `pace` or a minute: after that
    /// the calls of an outage cost what others would.
    pub(crate) fn failed(&mut self, error: &CallError, pace: Duration, now: Duration) -> Duration {
        let reason = with_causes(error);
        let wait_max = pace.max(LEAST_WAIT_MAX);
        let present = self.present.get_or_insert_with(|| Present {
            since: now,
            told: now,
            calls: 0,
            reason: String::new(),
            backoff: ExponentialBuilder::new()
                .with_min_delay(FIRST_WAIT)
                .with_max_delay(wait_max)
                .with_factor(2.0)
                .with_jitter()
                .without_max_times()
                .build(),
        });
        present.calls += 1;
        let wait = present.backoff.next().unwrap_or(wait_max).min(wait_max);
        let again_in = humantime::format_duration(Duration::from_millis(
            u64::try_from(wait.as_millis() / 100 * 100).unwrap_or_default(),
        ));
        if present.reason != reason {
            warn!(%again_in, "poll failed, to be tried again: {reason}");
            present.reason = reason;
            present.told = now;
        } else if now.saturating_sub(present.told) >= TOLD_AGAIN {
            let since =
                humantime::format_duration(Duration::from_secs(now.saturating_sub(present.since).as_secs()));
            warn!(calls = present.calls, %since, "polls go on failing: {}", present.reason);
            present.told = now;
        }
        wait
    }

    /// A call was answered.
    pub(crate) fn ended(&mut self, now: Duration) {
        if let Some(Present { since, calls, .. }) = self.present.take() {
            let lasted = humantime::format_duration(Duration::from_secs(now.saturating_sub(since).as_secs()));
            info!(failed_calls = calls, %lasted, "Twelve Data answers again");
        }
    }

    /// Why calls fail at present.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.present.as_ref().map(|present| present.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_to_the_pace_and_begin_anew() {
        let mut outage = Outage::default();
        let error = CallError::Transport("x".to_owned());
        let pace = Duration::from_secs(216);
        let waits: Vec<_> = (0..12)
            .map(|_| outage.failed(&error, pace, Duration::ZERO))
            .collect();
        assert!(waits[0] >= FIRST_WAIT && waits[0] <= FIRST_WAIT * 2, "{waits:?}");
        assert!(
            waits[3] >= Duration::from_secs(8) && waits[3] <= Duration::from_secs(16),
            "{waits:?}"
        );
        assert_eq!(waits[11], pace);
        outage.ended(Duration::ZERO);
        assert!(outage.failed(&error, pace, Duration::ZERO) <= FIRST_WAIT * 2);
        for _ in 0..12 {
            assert!(outage.failed(&error, Duration::ZERO, Duration::ZERO) <= pace);
        }
    }
}
