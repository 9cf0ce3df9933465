use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pipeline_runtime::kafka::TopicName;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::kafka::GroupConsumer;
use slot_protocol::CommitNote;

/// A group that is rebalanced takes no commit for a while.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The group's commits: a hint for a fast start, as the chain in the bucket is the truth. One is under way at a time, and
/// what the broker does not take is committed again: on a partition that gets no more records, no later commit would make
/// good for it, and its lag would stay.
pub(super) struct Commits {
    topic: TopicName,
    layout: Uuid,
    /// The newest slot of each partition that is ours, unless it is committed or under way.
    owed: BTreeMap<i32, CommitNote>,
    under_way: Option<BTreeMap<i32, CommitNote>>,
    failed_at: Option<Instant>,
}

impl Commits {
    pub(super) fn new(topic: TopicName, layout: Uuid) -> Self {
        Self {
            topic,
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
    pub(super) fn next(&mut self, now: Instant) -> Option<TopicPartitionList> {
        let is_pausing = self
            .failed_at
            .is_some_and(|failed_at| now.saturating_duration_since(failed_at) < PAUSE_AFTER_FAILURE);
        if self.owed.is_empty() || self.under_way.is_some() || is_pausing {
            return None;
        }
        let notes = std::mem::take(&mut self.owed);
        match self.offsets(&notes) {
            Ok(offsets) => {
                self.under_way = Some(notes);
                Some(offsets)
            }
            Err(error) => {
                warn!(%error, "offsets cannot be committed; the chain in the bucket tells where to go on");
                None
            }
        }
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

    /// Commits all that is owed and waits for the broker.
    pub(super) fn commit_and_wait(&self, consumer: &GroupConsumer) {
        let mut notes = self.under_way.clone().unwrap_or_default();
        notes.extend(&self.owed);
        if notes.is_empty() {
            return;
        }
        let committed = self
            .offsets(&notes)
            .and_then(|offsets| consumer.commit(&offsets, CommitMode::Sync));
        if let Err(error) = committed {
            warn!(%error, "the offsets were not committed; the chain in the bucket tells where to go on");
        }
    }

    /// Whoever owns the partition now commits for it.
    pub(super) fn forget(&mut self, partition: i32) {
        self.owed.remove(&partition);
        if let Some(under_way) = &mut self.under_way {
            under_way.remove(&partition);
        }
    }

    fn offsets(&self, notes: &BTreeMap<i32, CommitNote>) -> KafkaResult<TopicPartitionList> {
        let mut offsets = TopicPartitionList::new();
        for (partition, note) in notes {
            let mut offset = offsets.add_partition(self.topic.as_str(), *partition);
            offset.set_offset(Offset::Offset(note.end + 1))?;
            offset.set_metadata(note.to_string());
        }
        Ok(offsets)
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::{KafkaError, RDKafkaErrorCode};

    use super::*;

    const REBALANCED: KafkaError = KafkaError::ConsumerCommit(RDKafkaErrorCode::IllegalGeneration);

    fn commits() -> Commits {
        Commits::new("t".parse().unwrap(), Uuid::from_u128(7))
    }

    /// Partitions and offsets of the commit that is due.
    fn next(commits: &mut Commits, now: Instant) -> Vec<(i32, i64)> {
        let offsets = commits.next(now);
        let offsets = offsets.iter().flat_map(TopicPartitionList::elements);
        offsets
            .map(|it| (it.partition(), it.offset().to_raw().unwrap()))
            .collect()
    }

    #[test]
    fn what_is_owed_while_a_commit_is_under_way_comes_in_the_next() {
        let (mut commits, now) = (commits(), Instant::now());
        assert_eq!(next(&mut commits, now), []);
        commits.owe(0, 0, 9);
        assert_eq!(next(&mut commits, now), [(0, 10)]);
        commits.owe(0, 10, 19);
        commits.owe(0, 20, 29);
        commits.owe(1, 0, 4);
        assert_eq!(next(&mut commits, now), []);
        commits.answered(Ok(()), now);
        assert_eq!(next(&mut commits, now), [(0, 30), (1, 5)]);
        commits.answered(Ok(()), now);
        assert_eq!(next(&mut commits, now), []);
    }

    #[test]
    fn what_the_broker_does_not_take_is_committed_again_unless_newer_is_owed_or_it_is_ours_no_more() {
        let (mut commits, now) = (commits(), Instant::now());
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
