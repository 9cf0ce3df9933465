use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};

use super::{Contact, TopicName};
use crate::Error;

/// The address that leads some of a topic's partitions, as the cluster advertises it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leader {
    address: String,
    /// One of its partitions, to ask it something.
    partition: i32,
    partitions: usize,
}

/// The leaders of the topic's partitions, each once.
pub(super) fn leaders_of(metadata: &Metadata) -> Vec<Leader> {
    let address_of = |id: i32| {
        let broker = metadata.brokers().iter().find(|broker| broker.id() == id)?;
        Some(format!("{}:{}", broker.host(), broker.port()))
    };
    let mut leaders: BTreeMap<i32, Leader> = BTreeMap::new();
    for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
        let Some(address) = address_of(partition.leader()) else {
            // none at present: librdkafka waits for one
            continue;
        };
        leaders
            .entry(partition.leader())
            .and_modify(|leader| leader.partitions += 1)
            .or_insert(Leader {
                address,
                partition: partition.id(),
                partitions: 1,
            });
    }
    leaders.into_values().collect()
}

/// What came of asking a leader.
#[derive(Debug)]
pub struct Reached {
    /// Its address, as the cluster advertises it.
    pub address: String,
    /// How many partitions of the topic it leads.
    pub partitions: usize,
    /// Whether it answered.
    pub outcome: Result<(), Error>,
}

/// Asks each leader for an offset, through the address that it advertises and with the client's own login. Blocks
/// for up to `timeout` for each.
pub(super) fn reach<C: ClientContext>(
    client: &Client<C>,
    contact: &Contact,
    (brokers, topic): (&str, &TopicName),
    leaders: Vec<Leader>,
    timeout: Duration,
) -> impl Iterator<Item = Reached> {
    leaders.into_iter().map(move |leader| {
        let asked = client.fetch_watermarks(topic.as_str(), leader.partition, timeout);
        let failure = |source: KafkaError| {
            contact
                .refusal(brokers)
                .unwrap_or_else(|| failure(&leader, (brokers, topic), source))
        };
        Reached {
            outcome: asked.map(|_| ()).map_err(failure),
            address: leader.address,
            partitions: leader.partitions,
        }
    })
}

fn failure(leader: &Leader, (brokers, topic): (&str, &TopicName), source: KafkaError) -> Error {
    if source.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed) {
        return Error::TopicRefused {
            topic: topic.to_string(),
            brokers: brokers.to_owned(),
            source,
        };
    }
    Error::LeaderUnreachable {
        hint: hint(&leader.address, brokers),
        address: leader.address.clone(),
        brokers: brokers.to_owned(),
        topic: topic.to_string(),
        partitions: leader.partitions,
        source,
    }
}

/// What is wrong with the address, where that can be seen.
fn hint(address: &str, brokers: &str) -> &'static str {
    let is_loopback = |address: &str| {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        host == "localhost" || host.starts_with("127.") || matches!(host, "::1" | "[::1]")
    };
    if is_loopback(address) && !brokers.split(',').any(|broker| is_loopback(broker.trim())) {
        " (it sends clients on other hosts to themselves)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_means_the_client_itself_is_seen() {
        assert!(!hint("localhost:9092", "10.0.0.5:9092").is_empty());
        assert!(!hint("127.0.0.1:9092", "kafka:9092,kafka2:9092").is_empty());
        assert!(hint("localhost:9092", "127.0.0.1:9092").is_empty());
        assert!(hint("kafka.invalid:9092", "10.0.0.5:9092").is_empty());
    }
}
