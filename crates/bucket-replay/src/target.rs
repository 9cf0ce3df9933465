use std::sync::Arc;
use std::time::{Duration, Instant};

use bucket_reader::Record;
use pipeline_runtime::kafka::{
    Contact, KafkaArgs, ONCE_AND_IN_ORDER, Reachability, Tokens, TopicName, partitions_of, topic_id,
};
use quote_model::{SCHEMA_HEADER, SCHEMA_HEADER_VALUE};
use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::args::Partitioning;
use super::error::Error;
use super::ledger::{Balance, Ledger, Origin};

const STARTUP_TIMEOUT: Duration = Duration::from_secs(15);

/// How long to wait for acknowledgements once a signal asked to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// Records between two looks at what Kafka acknowledged.
const SENT_BETWEEN_POLLS: u64 = 256;

/// One wait for room in the queue.
const ROOM_POLL: Duration = Duration::from_millis(10);

/// What stands for no timestamp in Kafka.
const NO_TIMESTAMP: i64 = -1;

const DEFAULTS: &[(&str, &str)] = &[
    ("linger.ms", "5"),
    ("compression.type", "zstd"),
    ("queue.buffering.max.kbytes", "65536"),
    // bytes are the limit
    ("queue.buffering.max.messages", "0"),
];

/// Where records go.
pub(super) enum Target {
    /// Into a topic.
    Kafka(KafkaTarget),
    /// Nowhere, to see what would go.
    Nowhere,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is on its way.
    Taken,
    /// It is not, as Kafka refused one before it.
    Refused,
    /// It is not, as a signal came while there was no room for it.
    Stopped,
}

/// A topic that is written to, from one thread.
pub(super) struct KafkaTarget {
    producer: BaseProducer<Deliveries>,
    topic: TopicName,
    topic_id: Option<String>,
    partitioning: Partitioning,
    ledger: Arc<Ledger>,
    sent: u64,
    stop: CancellationToken,
}

impl Target {
    /// Takes a record; waits while Kafka has no room for it.
    pub(super) fn send(&mut self, record: &Record<'_>, origin: Origin) -> Sent {
        match self {
            Self::Kafka(kafka) => kafka.send(record, origin),
            Self::Nowhere => Sent::Taken,
        }
    }

    /// Waits until Kafka has all, or refused it; once a signal came, for a while only.
    pub(super) fn drain(&mut self) -> Balance {
        match self {
            Self::Kafka(kafka) => kafka.drain(),
            Self::Nowhere => Balance::default(),
        }
    }

    pub(super) fn topic(&self) -> Option<&TopicName> {
        match self {
            Self::Kafka(kafka) => Some(&kafka.topic),
            Self::Nowhere => None,
        }
    }
}

impl KafkaTarget {
    /// Finds the topic. Blocks for as long as the broker needs, up to half a minute.
    pub(super) fn connect(
        args: &KafkaArgs,
        partitioning: Partitioning,
        partitions_needed: usize,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let config = args.client_config("quote-replay", DEFAULTS, ONCE_AND_IN_ORDER)?;
        let ledger = Arc::new(Ledger::default());
        let contact = Contact::default();
        let deliveries = Deliveries {
            ledger: Arc::clone(&ledger),
            reachability: Reachability::new(contact.clone(), "records", "trying again, SIGTERM ends it"),
            tokens: Tokens::of(&config, &contact)?,
        };
        let producer: BaseProducer<_> = config
            .create_with_context(deliveries)
            .map_err(|source| pipeline_runtime::Error::ClientConfig { source })?;
        let serve = || producer.poll(Duration::ZERO);
        let there = partitions_of(
            producer.client(),
            &contact,
            &args.connection.brokers,
            &args.topic,
            STARTUP_TIMEOUT,
            serve,
        )?;
        if partitioning == Partitioning::Same && there < partitions_needed {
            return Err(Error::TooFewPartitions {
                topic: args.topic.clone(),
                there,
                needed: partitions_needed,
            });
        }
        let topic_id = topic_id(producer.client(), args.topic.as_str(), STARTUP_TIMEOUT);
        info!(topic = %args.topic, partitions = there, brokers = args.connection.brokers, "topic found");
        Ok(Self {
            producer,
            topic: args.topic.clone(),
            topic_id,
            partitioning,
            ledger,
            sent: 0,
            stop,
        })
    }

    pub(super) fn topic_id(&self) -> Option<&str> {
        self.topic_id.as_deref()
    }

    fn send(&mut self, record: &Record<'_>, origin: Origin) -> Sent {
        loop {
            if self.ledger.is_refused() {
                return Sent::Refused;
            }
            match self.producer.send(self.kafka_record(record, origin)) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    if self.stop.is_cancelled() {
                        return Sent::Stopped;
                    }
                    self.producer.poll(ROOM_POLL);
                }
                Err((error, _)) => {
                    self.ledger.sent(origin);
                    self.ledger.refused(error);
                    return Sent::Refused;
                }
            }
        }
        // acknowledgements come in `poll` only, so none is before this
        self.ledger.sent(origin);
        self.sent += 1;
        if self.sent.is_multiple_of(SENT_BETWEEN_POLLS) {
            self.producer.poll(Duration::ZERO);
        }
        Sent::Taken
    }

    fn kafka_record<'r>(
        &'r self,
        record: &Record<'r>,
        origin: Origin,
    ) -> BaseRecord<'r, [u8], [u8], Box<Origin>> {
        // librdkafka takes 0 for "now"; without a timestamp the record is of the same hour of 1970
        let timestamp_ms = record.timestamp_ms.filter(|it| *it != 0).unwrap_or(NO_TIMESTAMP);
        let mut sent =
            BaseRecord::with_opaque_to(self.topic.as_str(), Box::new(origin)).timestamp(timestamp_ms);
        sent.key = record.key;
        sent.payload = record.value;
        if self.partitioning == Partitioning::Same {
            sent.partition = i32::try_from(record.partition).ok();
        }
        if record.is_tick {
            let schema = Header {
                key: SCHEMA_HEADER,
                value: Some(SCHEMA_HEADER_VALUE),
            };
            sent = sent.headers(OwnedHeaders::new_with_capacity(1).insert(schema));
        }
        sent
    }

    fn drain(&mut self) -> Balance {
        let mut stopped_at = None;
        while self.producer.in_flight_count() > 0 {
            if self.stop.is_cancelled()
                && stopped_at.get_or_insert_with(Instant::now).elapsed() > DRAIN_TIMEOUT
            {
                break;
            }
            if let Err(error) = self.producer.flush(Duration::from_millis(500)) {
                debug!("not all records are in Kafka yet: {error}");
            }
        }
        // the last acknowledgements may still wait to be told
        self.producer.poll(ROOM_POLL);
        self.ledger.balance()
    }
}

/// What librdkafka tells of records and brokers, while it is polled.
struct Deliveries {
    ledger: Arc<Ledger>,
    reachability: Reachability,
    tokens: Tokens,
}

impl ClientContext for Deliveries {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn error(&self, error: KafkaError, reason: &str) {
        self.reachability.failed(&error, reason);
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.tokens.next()
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Origin>;

    fn delivery(&self, result: &DeliveryResult<'_>, origin: Self::DeliveryOpaque) {
        match result {
            Ok(_) => {
                self.ledger.acknowledged(*origin);
                self.reachability.acknowledged();
            }
            Err((error, _)) => self.ledger.refused(error.clone()),
        }
    }
}
