use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::time::ClockId;

pub(crate) use credit_account::Moment;

/// The only reader of the clocks; everything else gets a [`Moment`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// For how long the host had been running by then, which is how the next process knows the time since this one.
    host_ran: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        #[cfg(target_os = "linux")]
        const SINCE_START: ClockId = ClockId::CLOCK_BOOTTIME;
        #[cfg(not(target_os = "linux"))]
        const SINCE_START: ClockId = ClockId::CLOCK_MONOTONIC;
        Self {
            started: Instant::now(),
            host_ran: SINCE_START.now().map(Duration::from).unwrap_or_default(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment {
            monotonic: self.host_ran + self.started.elapsed(),
            utc: Timestamp::now(),
        }
    }
}
