use std::time::Instant;

use jiff::Timestamp;

pub(crate) use credit_account::Moment;

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
