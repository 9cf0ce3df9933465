use core::time::Duration;

use jiff::Timestamp;

/// One point in time, by both clocks: waits are measured by the one that never jumps, days are the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the host started, sleep included.
    pub monotonic: Duration,
    /// The wall clock, which may be wrong and may jump.
    pub utc: Timestamp,
}
