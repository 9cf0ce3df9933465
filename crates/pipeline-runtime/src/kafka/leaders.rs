use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;
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

/// Asks each leader for an offset, through the address that it advertises and with the client's own login. Blocks
/// for up to `timeout` for each.
pub(super) fn reach<C: ClientContext>(
    client: &Client<C>,
    contact: &Contact,
    (brokers, topic): (&str, &TopicName),
    leaders: Vec<Leader>,
    timeout: Duration,
) -> Result<(), Error> {
    for Leader {
        address,
        partition,
        partitions,
    } in leaders
    {
        let Err(source) = client.fetch_watermarks(topic.as_str(), partition, timeout) else {
            continue;
        };
        if let Some(refusal) = contact.refusal(brokers) {
            return Err(refusal);
        }
        if source.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed) {
            return Err(Error::TopicRefused {
                topic: topic.to_string(),
                brokers: brokers.to_owned(),
                source,
            });
        }
        return Err(Error::LeaderUnreachable {
            hint: hint(&address, brokers),
            address,
            brokers: brokers.to_owned(),
            topic: topic.to_string(),
            partitions,
            source,
        });
    }
    Ok(())
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
