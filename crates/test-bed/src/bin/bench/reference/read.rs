use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::metadata::MetadataTopic;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::batch::BatchQueue;
use crate::error::Error;
use crate::figures::{Figures, Stopwatch};

const BATCH_TIMEOUT: Duration = Duration::from_millis(100);
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// As the consumer's.
const SETTINGS: &[(&str, &str)] = &[
    ("group.id", "bench-reference"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("queued.max.messages.kbytes", "32768"),
    ("fetch.wait.max.ms", "100"),
];

/// How far the reading of so many ticks is.
pub(super) struct Reading {
    expected: u64,
    ticks: u64,
    bytes: u64,
}

impl Reading {
    /// Nothing at all for this long is a failure.
    pub(super) const PATIENCE: Duration = Duration::from_secs(30);

    pub(super) fn of(expected: u64) -> Self {
        Self {
            expected,
            ticks: 0,
            bytes: 0,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.ticks < self.expected
    }

    pub(super) fn add(&mut self, ticks: u64, bytes: u64) {
        self.ticks += ticks;
        self.bytes += bytes;
    }

    pub(super) fn stalled(&self) -> Error {
        Error::ReadStalled {
            read: self.ticks,
            expected: self.expected,
            within: Self::PATIENCE,
        }
    }
}

/// All partitions, each record given by the safe call for one.
pub(super) fn one_by_one(brokers: &str, topic: &str, ticks: u64) -> Result<Figures, Error> {
    let stopwatch = Stopwatch::start()?;
    let consumer = connect(brokers, topic, None)?;
    let mut reading = Reading::of(ticks);
    while reading.is_under_way() {
        match consumer.poll(Reading::PATIENCE) {
            None => return Err(reading.stalled()),
            Some(message) => {
                let message = message.map_err(failed("read the topic"))?;
                reading.add(1, message.payload_len() as u64);
            }
        }
    }
    stopwatch.stop(reading.ticks, reading.bytes)
}

/// All partitions, by librdkafka's call for a batch of records.
pub(super) fn by_batch(brokers: &str, topic: &str, ticks: u64) -> Result<Figures, Error> {
    let stopwatch = Stopwatch::start()?;
    let consumer = connect(brokers, topic, None)?;
    let mut reading = Reading::of(ticks);
    let mut waited = Duration::ZERO;
    let mut queue = BatchQueue::of(&consumer);
    while reading.is_under_way() {
        let batch = queue
            .read(BATCH_TIMEOUT)
            .map_err(failed("read a batch of the topic"))?;
        if batch.records > 0 {
            waited = Duration::ZERO;
        } else {
            waited += BATCH_TIMEOUT;
            if waited >= Reading::PATIENCE {
                return Err(reading.stalled());
            }
        }
        reading.add(batch.records, batch.bytes);
    }
    stopwatch.stop(reading.ticks, reading.bytes)
}

/// A client that reads a partition, or all, from the first record on.
pub(super) fn connect(brokers: &str, topic: &str, partition: Option<i32>) -> Result<BaseConsumer, Error> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    for (key, value) in SETTINGS {
        config.set(*key, *value);
    }
    let consumer: BaseConsumer = config.create().map_err(failed("make a consumer"))?;
    let partitions = match partition {
        Some(partition) => vec![partition],
        None => partitions_of(&consumer, topic).map_err(failed("find the topic's partitions"))?,
    };
    assign(&consumer, topic, &partitions).map_err(failed("take the topic's partitions"))?;
    Ok(consumer)
}

fn partitions_of(consumer: &BaseConsumer, topic: &str) -> Result<Vec<i32>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT)?;
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    Ok(partitions.map(rdkafka::metadata::MetadataPartition::id).collect())
}

fn assign(consumer: &BaseConsumer, topic: &str, partitions: &[i32]) -> Result<(), KafkaError> {
    let mut assignment = TopicPartitionList::new();
    for partition in partitions {
        assignment.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)
}

pub(super) fn failed(action: &'static str) -> impl Fn(KafkaError) -> Error {
    move |source| Error::Kafka { action, source }
}
