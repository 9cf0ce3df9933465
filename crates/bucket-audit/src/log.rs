//! What Kafka says of a topic: where its log begins and ends, what the group committed, how many records are where.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use pipeline_runtime::kafka::{Contact, Fixed, KafkaArgs, Tokens, partitions_of, topic_id};
use rdkafka::client::OAuthToken;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientContext, Message, Offset, TopicPartitionList};
use tracing::warn;
use uuid::Uuid;

use super::error::Error;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long no record may come while records are counted.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// What must hold for the answers to be true.
const FIXED: &[Fixed] = &[
    Fixed {
        key: "enable.auto.commit",
        value: "false",
        reason: "an audit changes nothing",
    },
    Fixed {
        key: "isolation.level",
        value: "read_committed",
        reason: "what a transaction aborted is not stored",
    },
    Fixed {
        key: "auto.offset.reset",
        value: "error",
        reason: "records that are gone must not be taken for others",
    },
    Fixed {
        key: "enable.partition.eof",
        value: "true",
        reason: "the end of the log tells that no more records come",
    },
];

/// A topic's log, from which nothing is taken.
pub(crate) struct Log {
    consumer: BaseConsumer<Watch>,
    topic: String,
    partitions: i32,
}

/// What Kafka says of all partitions at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogState {
    /// Kafka's id of the topic, where it tells one.
    pub(crate) topic_id: Option<String>,
    /// By partition, from 0 on.
    pub(crate) partitions: Vec<PartitionLog>,
}

impl LogState {
    /// Whether a partition's log still has this offset.
    pub(crate) fn reaches(&self, partition: u32, offset: u64) -> bool {
        let log = self.partitions.get(partition as usize);
        log.is_some_and(|log| log.low <= offset)
    }
}

/// What Kafka says of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartitionLog {
    /// The first offset that is still there.
    pub(crate) low: u64,
    /// The offset after the last.
    pub(crate) high: u64,
    /// What the group committed.
    pub(crate) commit: Option<Commit>,
}

/// A group's commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) offset: u64,
    /// Absent of a commit that the consumer did not make.
    pub(crate) note: Option<CommitNote>,
}

/// What the consumer writes into a commit: the chain that it is of, and the slot that it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommitNote {
    pub(crate) layout: Uuid,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl CommitNote {
    /// Reads `slot/1 LAYOUT START END`.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix("slot/1 ")?.split(' ');
        let layout = words.next()?.parse().ok()?;
        let mut offset = || words.next()?.parse().ok();
        let (start, end) = (offset()?, offset()?);
        (words.next().is_none() && start <= end).then_some(Self { layout, start, end })
    }
}

impl Log {
    /// Finds the topic. Blocks for as long as the broker needs, up to half a minute.
    pub(crate) fn connect(args: &KafkaArgs, group: &str) -> Result<Self, Error> {
        let mut config = args.client_config("quote-audit", &[("fetch.wait.max.ms", "100")], FIXED)?;
        config.set("group.id", group);
        let contact = Contact::default();
        let watch = Watch {
            contact: contact.clone(),
            tokens: Tokens::of(&config, &contact)?,
        };
        let consumer: BaseConsumer<_> = config
            .create_with_context(watch)
            .map_err(|source| pipeline_runtime::Error::ClientConfig { source })?;
        let brokers = &args.connection.brokers;
        let serve = || drop(consumer.poll(Duration::ZERO));
        let count = partitions_of(
            consumer.client(),
            &contact,
            brokers,
            &args.topic,
            ANSWER_TIMEOUT,
            serve,
        )?;
        Ok(Self {
            consumer,
            topic: args.topic.to_string(),
            partitions: i32::try_from(count).unwrap_or(i32::MAX),
        })
    }

    /// How it is now.
    pub(crate) fn state(&self) -> Result<LogState, Error> {
        let mut wanted = TopicPartitionList::new();
        for partition in 0..self.partitions {
            wanted.add_partition(&self.topic, partition);
        }
        let commits = self
            .consumer
            .committed_offsets(wanted, ANSWER_TIMEOUT)
            .map_err(|source| self.refused("tell what the group committed", source))?;
        let partition = |partition| {
            let (low, high) = self
                .consumer
                .fetch_watermarks(&self.topic, partition, ANSWER_TIMEOUT)
                .map_err(|source| self.refused("tell where the log begins and ends", source))?;
            let commit = commits.find_partition(&self.topic, partition);
            let commit = commit.and_then(|it| Some((it.offset().to_raw()?, it.metadata().to_owned())));
            Ok(PartitionLog {
                low: low.unsigned_abs(),
                high: high.unsigned_abs(),
                commit: commit.map(|(offset, metadata)| Commit {
                    offset: offset.unsigned_abs(),
                    note: CommitNote::parse(&metadata),
                }),
            })
        };
        Ok(LogState {
            topic_id: topic_id(self.consumer.client(), &self.topic, ANSWER_TIMEOUT),
            partitions: (0..self.partitions)
                .map(partition)
                .collect::<Result<_, Error>>()?,
        })
    }

    /// How many records a partition holds from one offset to another, both among them.
    pub(crate) fn count(&self, partition: u32, first: u64, last: u64) -> Result<u64, Error> {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        let cannot = |source| self.refused("give its records", source);
        let mut place = TopicPartitionList::new();
        place
            .add_partition_offset(&self.topic, partition, Offset::Offset(first))
            .and_then(|()| self.consumer.assign(&place))
            .map_err(cannot)?;
        let mut count = 0;
        let mut heard_at = Instant::now();
        while heard_at.elapsed() < STALL_TIMEOUT {
            match self.consumer.poll(Duration::from_millis(200)) {
                None => continue,
                Some(Ok(record)) if record.partition() != partition => {}
                Some(Ok(record)) if record.offset() > last => break,
                Some(Ok(record)) => {
                    count += 1;
                    if record.offset() == last {
                        break;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                // retention took them since
                Some(Err(error)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) => {
                    break;
                }
                // librdkafka goes on by itself with all others
                Some(Err(error)) => warn!("Kafka: {error}"),
            }
            heard_at = Instant::now();
        }
        self.consumer.unassign().map_err(cannot)?;
        if heard_at.elapsed() >= STALL_TIMEOUT {
            return Err(Error::Stalled {
                topic: self.topic.clone(),
                partition,
                waited: SignedDuration::try_from(STALL_TIMEOUT).unwrap_or_default(),
            });
        }
        Ok(count)
    }

    fn refused(&self, what: &'static str, source: KafkaError) -> Error {
        Error::Log {
            topic: self.topic.clone(),
            what,
            source,
        }
    }
}

/// What librdkafka tells while it is polled.
struct Watch {
    contact: Contact,
    tokens: Tokens,
}

impl ClientContext for Watch {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn error(&self, error: KafkaError, reason: &str) {
        self.contact.note(&error, reason);
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            warn!("Kafka: {error}: {reason}");
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.tokens.next()
    }
}

impl ConsumerContext for Watch {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_the_consumers_tells_its_slot() {
        let id = "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10";
        let expected = CommitNote {
            layout: id.parse().unwrap(),
            start: 10,
            end: 19,
        };
        assert_eq!(CommitNote::parse(&format!("slot/1 {id} 10 19")), Some(expected));
        for text in [
            "",
            "slot/2 {} 10 19",
            "slot/1 x 10 19",
            "slot/1 {} 10",
            "slot/1 {} 19 10",
            "slot/1 {} -1 10",
            "slot/1 {} 10 19 20",
        ] {
            assert_eq!(CommitNote::parse(&text.replace("{}", id)), None, "{text}");
        }
    }
}
