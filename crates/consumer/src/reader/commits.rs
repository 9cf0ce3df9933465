use std::collections::BTreeMap;

use pipeline_runtime::kafka::TopicName;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tracing::warn;
use uuid::Uuid;

use crate::assignment::CommitNote;
use crate::kafka::GroupConsumer;

/// The group's commits: a hint for a fast start, as the chain in the bucket is the truth.
pub(super) struct Commits {
    topic: TopicName,
    layout: Uuid,
    /// The newest slot of each partition that is ours.
    newest: BTreeMap<i32, CommitNote>,
}

impl Commits {
    pub(super) fn new(topic: TopicName, layout: Uuid) -> Self {
        Self {
            topic,
            layout,
            newest: BTreeMap::new(),
        }
    }

    /// Commits the end of a slot without waiting.
    pub(super) fn commit(&mut self, consumer: &GroupConsumer, partition: i32, start: i64, end: i64) {
        let note = CommitNote {
            layout: self.layout,
            start,
            end,
        };
        self.newest.insert(partition, note);
        let committed = self
            .list([(&partition, &note)])
            .and_then(|offsets| consumer.commit(&offsets, CommitMode::Async));
        if let Err(error) = committed {
            warn!(partition, end, %error, "an offset was not committed");
        }
    }

    /// Commits all newest slots once more if the broker did not take one, as while the group is rebalanced. A partition
    /// that gets no more records would show a lag for as long.
    pub(super) fn repeat_failed(&self, consumer: &GroupConsumer) {
        if self.newest.is_empty() || !consumer.context().take_failed_commit() {
            return;
        }
        let committed = self
            .list(&self.newest)
            .and_then(|offsets| consumer.commit(&offsets, CommitMode::Async));
        if let Err(error) = committed {
            warn!(%error, "the offsets were not committed");
        }
    }

    /// Commits all newest slots and waits for the broker.
    pub(super) fn commit_and_wait(&self, consumer: &GroupConsumer) {
        if self.newest.is_empty() {
            return;
        }
        let committed = self
            .list(&self.newest)
            .and_then(|offsets| consumer.commit(&offsets, CommitMode::Sync));
        if let Err(error) = committed {
            warn!(%error, "the offsets were not committed; the chain in the bucket tells where to go on");
        }
    }

    pub(super) fn forget(&mut self, partition: i32) {
        self.newest.remove(&partition);
    }

    fn list<'a>(
        &self,
        notes: impl IntoIterator<Item = (&'a i32, &'a CommitNote)>,
    ) -> KafkaResult<TopicPartitionList> {
        let mut offsets = TopicPartitionList::new();
        for (partition, note) in notes {
            let mut offset = offsets.add_partition(self.topic.as_str(), *partition);
            offset.set_offset(Offset::Offset(note.end + 1))?;
            offset.set_metadata(note.to_string());
        }
        Ok(offsets)
    }
}
