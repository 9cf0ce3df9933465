use std::ops::Range;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::{Error, Result};

/// A record as it lies in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Counted from 0.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970 in UTC.
    pub timestamp_ms: Option<i64>,
    /// As bytes, which may be no text; a tick's is its symbol.
    pub key: Option<Vec<u8>>,
    /// As bytes; a tombstone has none.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Reads a topic from its first record to what is its end at the start of the reading.
pub(super) async fn read(config: ClientConfig, topic: String, timeout: Duration) -> Result<Vec<Record>> {
    let action = format!("read the topic {topic}");
    blocking(action, move || {
        let consumer = consumer(config)?;
        let ranges = ranges(&consumer, &topic, timeout)?;
        read_ranges(&consumer, &topic, &ranges, timeout)
    })
    .await
}

/// How many records a topic holds.
pub(super) async fn count(config: ClientConfig, topic: String, timeout: Duration) -> Result<usize> {
    let action = format!("count the records of the topic {topic}");
    let count = move || {
        let ranges = ranges(&consumer(config)?, &topic, timeout)?;
        Ok(ranges
            .iter()
            .map(|(_, offsets)| offsets.end - offsets.start)
            .sum())
    };
    let count: i64 = blocking(action, count).await?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Whether each partition of a topic has all its replicas in sync.
pub(super) async fn is_in_sync(config: ClientConfig, topic: String, timeout: Duration) -> Result<bool> {
    let action = format!("ask for the replicas of the topic {topic}");
    blocking(action, move || {
        let metadata = consumer(config)?.fetch_metadata(Some(&topic), timeout)?;
        let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
        let are_in_sync: Vec<bool> = partitions
            .map(|partition| partition.isr().len() == partition.replicas().len())
            .collect();
        // none: the broker has not heard of the topic yet
        Ok(!are_in_sync.is_empty() && are_in_sync.into_iter().all(|is_in_sync| is_in_sync))
    })
    .await
}

/// The node that leads each partition, counted from 0.
pub(super) async fn leaders(config: ClientConfig, topic: String, timeout: Duration) -> Result<Vec<usize>> {
    let action = format!("ask for the leaders of the topic {topic}");
    blocking(action, move || {
        let metadata = consumer(config)?.fetch_metadata(Some(&topic), timeout)?;
        let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
        // nodes have their ids from 1 on
        Ok(partitions
            .map(|partition| usize::try_from(partition.leader() - 1).unwrap_or_default())
            .collect())
    })
    .await
}

/// The offset that comes next in each partition.
pub(super) async fn ends(config: ClientConfig, topic: String, timeout: Duration) -> Result<Vec<(i32, i64)>> {
    let action = format!("ask for the ends of the topic {topic}");
    let ends = move || {
        let ranges = ranges(&consumer(config)?, &topic, timeout)?;
        Ok(ranges
            .into_iter()
            .map(|(partition, offsets)| (partition, offsets.end))
            .collect())
    };
    blocking(action, ends).await
}

/// How many offsets the group of `config` has not committed yet.
pub(super) async fn lag(config: ClientConfig, topic: String, timeout: Duration) -> Result<i64> {
    let action = format!("ask for the lag on the topic {topic}");
    blocking(action, move || {
        let client: BaseConsumer = config.create()?;
        let ranges = ranges(&client, &topic, timeout)?;
        let mut partitions = TopicPartitionList::new();
        for (partition, _) in &ranges {
            partitions.add_partition(&topic, *partition);
        }
        let committed = client.committed_offsets(partitions, timeout)?;
        let lags = ranges.into_iter().map(|(partition, offsets)| {
            let committed = committed.find_partition(&topic, partition);
            let committed = committed.and_then(|it| it.offset().to_raw()).unwrap_or(0);
            offsets.end - committed.max(offsets.start)
        });
        Ok(lags.sum())
    })
    .await
}

async fn blocking<T: Send + 'static>(
    action: String,
    work: impl FnOnce() -> std::result::Result<T, KafkaError> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| KafkaError::Canceled)
        .flatten()
        .map_err(|source| Error::Kafka { action, source })
}

fn consumer(mut config: ClientConfig) -> std::result::Result<BaseConsumer, KafkaError> {
    config
        .set("group.id", "test-bed")
        .set("enable.auto.commit", "false")
        .create()
}

/// Partitions and the offsets that they hold.
fn ranges(
    consumer: &BaseConsumer,
    topic: &str,
    timeout: Duration,
) -> std::result::Result<Vec<(i32, Range<i64>)>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), timeout)?;
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    partitions
        .map(|partition| {
            let (low, high) = consumer.fetch_watermarks(topic, partition.id(), timeout)?;
            Ok((partition.id(), low..high))
        })
        .collect()
}

fn read_ranges(
    consumer: &BaseConsumer,
    topic: &str,
    ranges: &[(i32, Range<i64>)],
    timeout: Duration,
) -> std::result::Result<Vec<Record>, KafkaError> {
    let mut assignment = TopicPartitionList::new();
    let mut unread = 0;
    for (partition, offsets) in ranges.iter().filter(|(_, offsets)| !offsets.is_empty()) {
        unread += offsets.end - offsets.start;
        assignment.add_partition_offset(topic, *partition, Offset::Offset(offsets.start))?;
    }
    consumer.assign(&assignment)?;
    let mut records = Vec::new();
    while unread > 0 {
        match consumer.poll(timeout) {
            Some(message) => {
                records.push(record(&message?));
                unread -= 1;
            }
            None => return Err(KafkaError::NoMessageReceived),
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Record {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect(),
    }
}
