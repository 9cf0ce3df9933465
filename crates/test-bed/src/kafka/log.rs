use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::{Error, Result};

/// A record as it lies in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970 in UTC.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Reads a topic from its first record to what is its end at the start of the reading.
pub(super) async fn read(mut config: ClientConfig, topic: String, timeout: Duration) -> Result<Vec<Record>> {
    config
        .set("group.id", "test-bed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "false");
    let name = topic.clone();
    let read = tokio::task::spawn_blocking(move || read_blocking(&config, &topic, timeout)).await;
    read.map_err(|_| rdkafka::error::KafkaError::Canceled)
        .flatten()
        .map_err(|source| Error::Kafka {
            action: format!("read the topic {name}"),
            source,
        })
}

fn read_blocking(
    config: &ClientConfig,
    topic: &str,
    timeout: Duration,
) -> std::result::Result<Vec<Record>, rdkafka::error::KafkaError> {
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), timeout)?;
    let mut assignment = TopicPartitionList::new();
    let mut unread = 0;
    for partition in metadata
        .topics()
        .iter()
        .flat_map(rdkafka::metadata::MetadataTopic::partitions)
    {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), timeout)?;
        if low < high {
            unread += high - low;
            assignment.add_partition_offset(topic, partition.id(), Offset::Offset(low))?;
        }
    }
    consumer.assign(&assignment)?;
    let mut records = Vec::new();
    while unread > 0 {
        match consumer.poll(timeout) {
            Some(message) => {
                records.push(record(&message?));
                unread -= 1;
            }
            None => return Err(rdkafka::error::KafkaError::NoMessageReceived),
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
