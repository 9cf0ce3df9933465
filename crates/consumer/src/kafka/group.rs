use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipeline_runtime::kafka::{Contact, Fixed, KafkaArgs, Tokens, TopicName, partitions_of};
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tracing::{debug, error, info, warn};

use super::Error;
use crate::clock::{Clock, SystemClock};
use crate::memory::MemoryBudget;

/// The group's consumer. Polled by one thread only.
pub(crate) type GroupConsumer = BaseConsumer<GroupContext>;

const STARTUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two lines about the same trouble.
const REPEAT_INTERVAL: Duration = Duration::from_mins(1);

/// What logs of librdkafka are filtered by.
const LIBRDKAFKA: &str = "librdkafka";

/// What the user may change.
const DEFAULTS: &[(&str, &str)] = &[("fetch.wait.max.ms", "100")];

/// The same for groups whose members share out the partitions. Where the broker does (`group.protocol=consumer`,
/// KIP-848), librdkafka refuses it.
const CLASSIC_DEFAULT: (&str, &str) = ("partition.assignment.strategy", "cooperative-sticky");

/// What exactly once depends on.
const FIXED: &[Fixed] = &[
    Fixed {
        key: "enable.auto.commit",
        value: "false",
        reason: "an offset may be committed only after its object is in the bucket",
    },
    Fixed {
        key: "enable.auto.offset.store",
        value: "false",
        reason: "an offset may be committed only after its object is in the bucket",
    },
    Fixed {
        key: "auto.offset.reset",
        value: "error",
        reason: "records that are gone must be reported, not skipped",
    },
    Fixed {
        key: "check.crcs",
        value: "true",
        reason: "a digit that changed on a broker's disk must not reach the bucket",
    },
    Fixed {
        key: "isolation.level",
        value: "read_committed",
        reason: "what a transaction aborts must not be stored, and all writers of a slot must see the same records",
    },
];

/// The place of a partition until it is known where its chain ends. Any offset will do that is a number: librdkafka
/// looks up a logical one, and if the answer comes after a seek it asks again half a second later and moves the
/// partition there, past records that nobody has read.
pub(super) const NOWHERE_YET: Offset = Offset::Offset(0);

/// A change of the partitions that are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rebalance {
    /// These are ours now, paused, and must be moved to where their chain ends.
    Assigned(Vec<i32>),
    /// These are ours no more.
    Revoked(Vec<i32>),
}

/// Hands rebalances to the polling thread and keeps new partitions from being read at once.
pub(crate) struct GroupContext {
    rebalances: Sender<Rebalance>,
    contact: Contact,
    tokens: Tokens,
    told: Told,
}

/// Which errors were told, so that one that lasts is a line a minute. librdkafka repeats it with every attempt.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<Trouble>>);

#[derive(Debug)]
struct Trouble {
    code: Option<RDKafkaErrorCode>,
    told_at: Instant,
    since: u64,
}

impl Told {
    /// Whether it is to be told now; if so, how often it was not since it was told last.
    fn is_due(&self, code: Option<RDKafkaErrorCode>, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(trouble) = told.iter_mut().find(|trouble| trouble.code == code) else {
            told.push(Trouble {
                code,
                told_at: now,
                since: 0,
            });
            return Some(0);
        };
        if now.saturating_duration_since(trouble.told_at) < REPEAT_INTERVAL {
            trouble.since += 1;
            return None;
        }
        trouble.told_at = now;
        Some(std::mem::take(&mut trouble.since))
    }
}

impl ClientContext for GroupContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    /// As rdkafka's own, under its target, but for what comes as an error, too, or is repeated with each attempt.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            _ if facility == "FAIL" => debug!(target: LIBRDKAFKA, "librdkafka: {facility} {message}"),
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => warn!(target: LIBRDKAFKA, "librdkafka: {facility} {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                info!(target: LIBRDKAFKA, "librdkafka: {facility} {message}");
            }
            RDKafkaLogLevel::Debug => debug!(target: LIBRDKAFKA, "librdkafka: {facility} {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.contact.note(&error, reason);
        // that all brokers are down may be the only word of it: a connection that is reset is no error of its own
        if let Some(since) = self.told.is_due(error.rdkafka_error_code(), SystemClock.now()) {
            warn!(%error, reason, since, "Kafka");
        } else {
            debug!(%error, reason, "Kafka");
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.tokens.next()
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(
        &self,
        consumer: &GroupConsumer,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let is_cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let numbers = partitions
            .elements()
            .iter()
            .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
            .collect();
        let (change, done) = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            (
                Rebalance::Assigned(numbers),
                take_paused(consumer, partitions, is_cooperative),
            )
        } else {
            let given_up = if is_cooperative {
                consumer.incremental_unassign(partitions)
            } else {
                consumer.unassign()
            };
            (Rebalance::Revoked(numbers), given_up)
        };
        if let Err(error) = done {
            error!(%error, ?change, "the rebalance failed");
        }
        if self.rebalances.send(change).is_err() {
            debug!("a rebalance after the end of reading");
        }
    }
}

/// Takes partitions without reading from them: where to begin is not known yet.
pub(super) fn take_paused(
    consumer: &GroupConsumer,
    partitions: &mut TopicPartitionList,
    is_cooperative: bool,
) -> KafkaResult<()> {
    partitions.set_all_offsets(NOWHERE_YET)?;
    if is_cooperative {
        consumer.incremental_assign(partitions)?;
    } else {
        consumer.assign(partitions)?;
    }
    consumer.pause(partitions)
}

/// A client of the group that has not joined it yet, and the topic's partitions. Blocks for up to 10 s.
///
/// # Errors
///
/// Names what is wrong: the configuration, the broker or the topic.
pub(crate) fn connect(
    args: &KafkaArgs,
    group: &str,
    memory: MemoryBudget,
    properties: &[(&str, &str)],
    rebalances: Sender<Rebalance>,
) -> Result<(Arc<GroupConsumer>, Vec<i32>), Error> {
    let of_memory = memory.kafka_properties();
    let of_memory = of_memory.iter().map(|(key, value)| (*key, value.as_str()));
    let is_classic = args.property("group.protocol")?.as_deref() != Some("consumer");
    let of_classic = is_classic.then_some(CLASSIC_DEFAULT);
    let defaults: Vec<_> = DEFAULTS
        .iter()
        .copied()
        .chain(of_classic)
        .chain(of_memory)
        .chain(properties.iter().copied())
        .collect();
    let mut config = args.client_config("quote-consumer", &defaults, FIXED)?;
    config.set("group.id", group);
    let contact = Contact::default();
    let context = GroupContext {
        rebalances,
        contact: contact.clone(),
        tokens: Tokens::of(&config, &contact)?,
        told: Told::default(),
    };
    let consumer: GroupConsumer = config
        .create_with_context(context)
        .map_err(|source| pipeline_runtime::Error::ClientConfig { source })?;
    // before the subscription there are no records to lose, and the context hears of errors
    let serve = || drop(consumer.poll(Duration::ZERO));
    let count = partitions_of(
        consumer.client(),
        &contact,
        &args.connection.brokers,
        &args.topic,
        STARTUP_TIMEOUT,
        serve,
    )?;
    let partitions = (0..).take(count).collect();
    Ok((Arc::new(consumer), partitions))
}

/// Joins the group.
///
/// # Errors
///
/// [`Error::Subscribe`] if librdkafka refuses.
pub(crate) fn join(consumer: &GroupConsumer, topic: &TopicName) -> Result<(), Error> {
    consumer
        .subscribe(&[topic.as_str()])
        .map_err(|source| Error::Subscribe {
            topic: topic.clone(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_that_lasts_is_a_line_a_minute() {
        let told = Told::default();
        let begin = SystemClock.now();
        let is_due = |code, seconds| told.is_due(Some(code), begin + Duration::from_secs(seconds));
        let away = RDKafkaErrorCode::BrokerTransportFailure;
        assert_eq!(is_due(away, 0), Some(0));
        assert_eq!(is_due(away, 1), None);
        assert_eq!(is_due(RDKafkaErrorCode::Resolve, 1), Some(0));
        assert_eq!(is_due(away, 59), None);
        assert_eq!(is_due(away, 60), Some(2));
        assert_eq!(is_due(away, 61), None);
    }
}
