use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::{Contact, Reached, leaders, patiently};
use crate::Error;

/// A topic's name, by Kafka's own rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(String);

impl TopicName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let is_legal = (1..=249).contains(&name.len())
            && name != "."
            && name != ".."
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if is_legal {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::TopicName {
                name: name.to_owned(),
            })
        }
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// First wait for an answer. Each next one is twice as long, for brokers that are slow.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Asks the brokers for the topic and gives its number of partitions: [`patiently`], as it may have been made a
/// moment ago. Each time blocks for up to `timeout`, but no longer when they refuse the login.
///
/// That says nothing of the addresses that records go to: for these there is [`reach_partitions`].
///
/// `serve` has the client's events handled, which tell of a refusal; nothing to do for a client with a thread for that.
///
/// # Errors
///
/// [`Error::BrokerUnreachable`] if none answers in time, [`Error::LoginRefused`] and [`Error::CertificateRefused`] if
/// `contact` has noted that, [`Error::TopicMissing`] if there is no such topic, [`Error::TopicRefused`] if the broker
/// will not say; the last four within [`Error::AskedAgain`].
pub fn partitions_of<C: ClientContext>(
    client: &Client<C>,
    contact: &Contact,
    brokers: &str,
    topic: &TopicName,
    timeout: Duration,
    serve: impl Fn(),
) -> Result<usize, Error> {
    let metadata = patiently(|| describe(client, contact, (brokers, topic), timeout, &serve))?;
    Ok(metadata
        .topics()
        .iter()
        .map(|topic| topic.partitions().len())
        .sum())
}

/// Asks for the topic once, and then the leader of each partition for an offset, as a broker may advertise an address that
/// nobody reaches. Blocks for up to `timeout`, and as long again for each leader.
///
/// # Errors
///
/// As [`partitions_of`], but for the patience; of the leaders each has an outcome of its own.
pub fn reach_partitions<C: ClientContext>(
    client: &Client<C>,
    contact: &Contact,
    brokers: &str,
    topic: &TopicName,
    timeout: Duration,
) -> Result<Vec<Reached>, Error> {
    let metadata = describe(client, contact, (brokers, topic), timeout, || {})?;
    let leaders = leaders::leaders_of(&metadata);
    Ok(leaders::reach(client, contact, (brokers, topic), leaders, timeout).collect())
}

fn describe<C: ClientContext>(
    client: &Client<C>,
    contact: &Contact,
    (brokers, topic): (&str, &TopicName),
    timeout: Duration,
    serve: impl Fn(),
) -> Result<Metadata, Error> {
    let deadline = Instant::now() + timeout;
    let mut wait = FIRST_WAIT;
    let metadata = loop {
        serve();
        let left = deadline.saturating_duration_since(Instant::now());
        let asked = client.fetch_metadata(Some(topic.as_str()), wait.min(left));
        serve();
        match asked {
            Ok(metadata) => {
                contact.answered();
                break metadata;
            }
            Err(source) => {
                if let Some(refusal) = contact.refusal(brokers) {
                    return Err(refusal);
                }
                if wait >= left {
                    return Err(Error::BrokerUnreachable {
                        brokers: brokers.to_owned(),
                        reason: contact.last_reason(),
                        source,
                    });
                }
                wait *= 2;
            }
        }
    };
    let missing = || Error::TopicMissing {
        topic: topic.to_string(),
        brokers: brokers.to_owned(),
    };
    let described = metadata.topics().first().ok_or_else(missing)?;
    match described.error().map(RDKafkaErrorCode::from) {
        None if described.partitions().is_empty() => return Err(missing()),
        None => {}
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            return Err(missing());
        }
        Some(code) => {
            return Err(Error::TopicRefused {
                topic: topic.to_string(),
                brokers: brokers.to_owned(),
                source: KafkaError::MetadataFetch(code),
            });
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_rules_for_names_hold() {
        for name in ["stock_pipeline", "a", "A.b-c_9", &"x".repeat(249)] {
            assert!(name.parse::<TopicName>().is_ok(), "{name:?} was refused");
        }
        for name in ["", ".", "..", "a/b", "a b", "é", &"x".repeat(250)] {
            assert!(name.parse::<TopicName>().is_err(), "{name:?} was taken");
        }
    }
}
