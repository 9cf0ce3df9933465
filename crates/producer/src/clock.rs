use std::time::{Duration, Instant};

use jiff::Timestamp;

/// One point in time, by both clocks: durations are measured by the one that never jumps, days and minutes
/// are the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since the process started.
    pub(crate) monotonic: Duration,
    /// The wall clock.
    pub(crate) utc: Timestamp,
}

/// The only reader of the clocks; everything else gets a [`Moment`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment {
            monotonic: self.started.elapsed(),
            utc: Timestamp::now(),
        }
    }
}
