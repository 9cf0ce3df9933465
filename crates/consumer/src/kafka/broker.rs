use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use pipeline_runtime::kafka::{TopicName, topic_id};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use slot_protocol::{CommitNote, LogRange};

use super::group::GroupConsumer;

const TIMEOUT: Duration = Duration::from_secs(10);

/// What the topic's broker is asked in the background, once each.
pub(crate) trait Broker: Send + Sync {
    /// Kafka's id of the topic, if the broker says it in time.
    fn topic_id(&self, timeout: Duration) -> BoxFuture<'_, Option<String>>;

    /// What the group committed for each of the partitions.
    fn committed(&self, partitions: Vec<i32>) -> BoxFuture<'_, KafkaResult<Vec<Committed>>>;

    /// The offsets that a partition's log holds.
    fn log_range(&self, partition: i32) -> BoxFuture<'_, KafkaResult<LogRange>>;

    /// Commits the end of a slot for each of the partitions.
    fn commit(&self, notes: BTreeMap<i32, CommitNote>) -> BoxFuture<'_, KafkaResult<()>>;
}

/// What the group committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) partition: i32,
    /// The offset, if there is a commit.
    pub(crate) offset: Option<i64>,
    /// What was written beside it.
    pub(crate) metadata: String,
}

/// The broker as a member of the group asks it.
#[derive(Clone)]
pub(crate) struct GroupBroker {
    consumer: Arc<GroupConsumer>,
    topic: TopicName,
}

impl GroupBroker {
    pub(crate) fn new(consumer: Arc<GroupConsumer>, topic: TopicName) -> Self {
        Self { consumer, topic }
    }

    /// Asks on a thread that may wait. If the runtime ends before the answer, there is none.
    async fn ask<T: Send + 'static>(&self, question: impl FnOnce(&Self) -> T + Send + 'static) -> Option<T> {
        let broker = self.clone();
        tokio::task::spawn_blocking(move || question(&broker)).await.ok()
    }

    fn committed_blocking(&self, partitions: &[i32]) -> KafkaResult<Vec<Committed>> {
        let mut wanted = TopicPartitionList::new();
        for partition in partitions {
            wanted.add_partition(self.topic.as_str(), *partition);
        }
        let commits = self.consumer.committed_offsets(wanted, TIMEOUT)?;
        let committed = commits.elements().into_iter().map(|commit| Committed {
            partition: commit.partition(),
            offset: commit.offset().to_raw().filter(|offset| *offset >= 0),
            metadata: commit.metadata().to_owned(),
        });
        Ok(committed.collect())
    }

    fn commit_blocking(&self, notes: &BTreeMap<i32, CommitNote>) -> KafkaResult<()> {
        let mut offsets = TopicPartitionList::new();
        for (partition, note) in notes {
            let mut offset = offsets.add_partition(self.topic.as_str(), *partition);
            offset.set_offset(Offset::Offset(note.end + 1))?;
            offset.set_metadata(note.to_string());
        }
        // librdkafka tells nobody what became of a commit that nobody waits for
        self.consumer.commit(&offsets, CommitMode::Sync)
    }
}

impl Broker for GroupBroker {
    fn topic_id(&self, timeout: Duration) -> BoxFuture<'_, Option<String>> {
        let asked =
            self.ask(move |broker| topic_id(broker.consumer.client(), broker.topic.as_str(), timeout));
        asked.map(Option::flatten).boxed()
    }

    fn committed(&self, partitions: Vec<i32>) -> BoxFuture<'_, KafkaResult<Vec<Committed>>> {
        let asked = self.ask(move |broker| broker.committed_blocking(&partitions));
        asked.map(answered).boxed()
    }

    fn log_range(&self, partition: i32) -> BoxFuture<'_, KafkaResult<LogRange>> {
        let asked = self.ask(move |broker| {
            let topic = broker.topic.as_str();
            broker.consumer.fetch_watermarks(topic, partition, TIMEOUT)
        });
        let range = asked.map(|range| answered(range).map(|(low, high)| LogRange { low, high }));
        range.boxed()
    }

    fn commit(&self, notes: BTreeMap<i32, CommitNote>) -> BoxFuture<'_, KafkaResult<()>> {
        let asked = self.ask(move |broker| broker.commit_blocking(&notes));
        asked.map(answered).boxed()
    }
}

fn answered<T>(answer: Option<KafkaResult<T>>) -> KafkaResult<T> {
    answer.unwrap_or(Err(KafkaError::Canceled))
}
