use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaResult;
use slot_protocol::CommitNote;
use tracing::debug;
use uuid::Uuid;

/// A group that is rebalanced takes no commit for a while.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The group's commits: a hint for a fast start, as the chain in the bucket is the truth. One is under way at a time, and
/// what the broker does not take is committed again: on a partition that gets no more records, no later commit would make
/// good for it, and its lag would stay.
pub(super) struct Commits {
    layout: Uuid,
    /// The newest slot of each partition that is ours, unless it is committed or under way.
    owed: BTreeMap<i32, CommitNote>,
    under_way: Option<BTreeMap<i32, CommitNote>>,
    failed_at: Option<Instant>,
}

impl Commits {
    pub(super) fn new(layout: Uuid) -> Self {
        Self {
            layout,
            owed: BTreeMap::new(),
            under_way: None,
            failed_at: None,
        }
    }

    /// The end of a slot is to be committed.
    pub(super) fn owe(&mut self, partition: i32, start: i64, end: i64) {
        let note = CommitNote {
            layout: self.layout,
            start,
            end,
        };
        self.owed.insert(partition, note);
    }

    /// What is to be committed now, if anything. To be answered by [`Commits::answered`].
    pub(super) fn next(&mut self, now: Instant) -> Option<BTreeMap<i32, CommitNote>> {
        let is_pausing = self
            .failed_at
            .is_some_and(|failed_at| now.saturating_duration_since(failed_at) < PAUSE_AFTER_FAILURE);
        if self.owed.is_empty() || self.under_way.is_some() || is_pausing {
            return None;
        }
        let notes = std::mem::take(&mut self.owed);
        self.under_way = Some(notes.clone());
        Some(notes)
    }

    /// What became of [`Commits::next`].
    pub(super) fn answered(&mut self, committed: KafkaResult<()>, now: Instant) {
        let notes = self.under_way.take().unwrap_or_default();
        self.failed_at = None;
        if let Err(error) = committed {
            debug!(%error, "offsets were not committed, they are tried again");
            self.failed_at = Some(now);
            for (partition, note) in notes {
                self.owed.entry(partition).or_insert(note);
            }
        }
    }

    /// Whether nothing is owed or under way.
    pub(super) fn are_settled(&self) -> bool {
        self.owed.is_empty() && self.under_way.is_none()
    }

    /// Whoever owns the partition now commits for it.
    pub(super) fn forget(&mut self, partition: i32) {
        self.owed.remove(&partition);
        if let Some(under_way) = &mut self.under_way {
            under_way.remove(&partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::{KafkaError, RDKafkaErrorCode};

    use super::*;
    use crate::clock::Clock;
    use crate::reader::simulation::background::StandingClock;

    const REBALANCED: KafkaError = KafkaError::ConsumerCommit(RDKafkaErrorCode::IllegalGeneration);

    fn commits() -> Commits {
        Commits::new(Uuid::from_u128(7))
    }

    /// Partitions and offsets of the commit that is due.
    fn next(commits: &mut Commits, now: Instant) -> Vec<(i32, i64)> {
        let notes = commits.next(now).unwrap_or_default();
        notes
            .iter()
            .map(|(partition, note)| (*partition, note.end + 1))
            .collect()
    }

    #[test]
    fn what_is_owed_while_a_commit_is_under_way_comes_in_the_next() {
        let (mut commits, now) = (commits(), StandingClock::new().now());
        assert_eq!(next(&mut commits, now), []);
        commits.owe(0, 0, 9);
        assert_eq!(next(&mut commits, now), [(0, 10)]);
        commits.owe(0, 10, 19);
        commits.owe(0, 20, 29);
        commits.owe(1, 0, 4);
        assert_eq!(next(&mut commits, now), []);
        commits.answered(Ok(()), now);
        assert_eq!(next(&mut commits, now), [(0, 30), (1, 5)]);
        assert!(!commits.are_settled());
        commits.answered(Ok(()), now);
        assert_eq!(next(&mut commits, now), []);
        assert!(commits.are_settled());
    }

    #[test]
    fn what_the_broker_does_not_take_is_committed_again_unless_newer_is_owed_or_it_is_ours_no_more() {
        let (mut commits, now) = (commits(), StandingClock::new().now());
        for partition in 0..3 {
            commits.owe(partition, 0, 9);
        }
        assert_eq!(next(&mut commits, now).len(), 3);
        commits.owe(1, 10, 19);
        commits.forget(2);
        commits.answered(Err(REBALANCED), now);
        assert_eq!(next(&mut commits, now), []);
        let later = now + PAUSE_AFTER_FAILURE;
        assert_eq!(next(&mut commits, later), [(0, 10), (1, 20)]);
    }
}
