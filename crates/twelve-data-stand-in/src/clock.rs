use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::lock::locked;

/// Where the stand-in reads the time: the machine's clock, or one that a test moves by hand; either may be made to go
/// wrong. Copies are one clock.
#[derive(Clone, Default)]
pub struct Clock {
    source: Source,
    ahead: Arc<Mutex<SignedDuration>>,
}

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `start` until its hands are moved.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Self, ClockHands) {
        let time = Arc::new(Mutex::new(start));
        let clock = Self {
            source: Source::Manual(Arc::clone(&time)),
            ahead: Arc::default(),
        };
        (clock, ClockHands(time))
    }

    /// Has it go wrong by so much from now on, for all that the vendor says and counts: `Date`, credits, market hours.
    pub fn set_ahead(&self, by: SignedDuration) {
        *locked(&self.ahead) = by;
    }

    pub(crate) fn now(&self) -> Timestamp {
        let time = match &self.source {
            Source::System => Timestamp::now(),
            Source::Manual(time) => *locked(time),
        };
        time.checked_add(*locked(&self.ahead)).unwrap_or(time)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::System => "Clock::system",
            Source::Manual(_) => "Clock::manual",
        })
    }
}

/// Moves a [`Clock::manual`].
#[derive(Clone, Debug)]
pub struct ClockHands(Arc<Mutex<Timestamp>>);

impl ClockHands {
    /// Moves the clock on, at most to the last moment that a [`Timestamp`] can hold.
    pub fn advance(&self, by: Duration) {
        let mut time = locked(&self.0);
        *time = time.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}
