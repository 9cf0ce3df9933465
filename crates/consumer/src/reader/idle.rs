use std::time::{Duration, Instant};

use super::{Consuming, Reader};
use crate::events;
use crate::kafka::Log;

/// A rebalance takes less, but for a member that died: its session times out first.
const PATIENCE: Duration = Duration::from_mins(1);
const REPEAT_INTERVAL: Duration = Duration::from_mins(10);

/// Since when no partition is ours, and when that is to be told.
#[derive(Debug, Default)]
pub(super) struct Idle {
    tell_at: Option<Instant>,
}

impl Idle {
    /// Whether it is to be told now that nothing is assigned.
    pub(super) fn is_to_be_told(&mut self, is_idle: bool, now: Instant) -> bool {
        if !is_idle {
            self.tell_at = None;
            return false;
        }
        let tell_at = *self.tell_at.get_or_insert(now + PATIENCE);
        let is_due = now >= tell_at;
        if is_due {
            self.tell_at = Some(now + REPEAT_INTERVAL);
        }
        is_due
    }
}

impl<L: Log> Reader<L, Consuming> {
    /// Says, seldom, that no partition is ours.
    pub(super) fn tell_idleness(&mut self) {
        let is_idle = self.partitions.is_empty() && self.state.unlocated.is_empty();
        if self.state.idle.is_to_be_told(is_idle, self.round_began_at) {
            events::nothing_assigned(&self.settings.group, &self.writing.requests.source().topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn only_what_lasts_is_told_and_then_seldom() {
        let mut idle = Idle::default();
        let begin = SystemClock.now();
        let mut tells = |is_idle, seconds| {
            let now = begin + Duration::from_secs(seconds);
            idle.is_to_be_told(is_idle, now)
        };
        assert!(!tells(true, 0));
        assert!(!tells(false, 59));
        assert!(!tells(true, 60));
        assert!(tells(true, 120));
        assert!(!tells(true, 121));
        assert!(tells(true, 720));
    }
}
