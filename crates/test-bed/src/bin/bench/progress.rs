use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::error::Error;

const TIMEOUT: Duration = Duration::from_secs(10);

/// How far a group is, by its commits: asking for them costs the broker next to nothing.
pub(crate) struct Progress(Arc<Group>);

struct Group {
    client: BaseConsumer,
    partitions: TopicPartitionList,
}

impl Progress {
    pub(crate) fn of(brokers: &str, group: &str, topic: &str, partitions: u16) -> Result<Self, Error> {
        let client = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", group)
            .create()
            .map_err(failed)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, i32::from(partitions) - 1);
        Ok(Self(Arc::new(Group {
            client,
            partitions: list,
        })))
    }

    /// Records before the committed offsets, over all partitions.
    pub(crate) async fn committed(&self) -> Result<u64, Error> {
        let group = Arc::clone(&self.0);
        let committed = tokio::task::spawn_blocking(move || {
            let partitions = group.partitions.clone();
            group.client.committed_offsets(partitions, TIMEOUT)
        });
        let committed = committed
            .await
            .map_err(|_| KafkaError::Canceled)
            .flatten()
            .map_err(failed)?;
        let offsets = committed.elements();
        Ok(offsets
            .iter()
            .filter_map(|partition| match partition.offset() {
                Offset::Offset(offset) => u64::try_from(offset).ok(),
                _ => None,
            })
            .sum())
    }
}

fn failed(source: KafkaError) -> Error {
    Error::Kafka {
        action: "see how far the consumer is",
        source,
    }
}
