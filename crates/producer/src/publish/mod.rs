//! Accepted ticks to Kafka: each once, in order per symbol, none given up while there is hope.

mod ledger;
mod reach;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pipeline_runtime::kafka::{
    Contact, KafkaArgs, ONCE_AND_IN_ORDER, Reachability, Reached, Tokens, TopicName,
};
use pipeline_runtime::systemd;
use quote_model::{SCHEMA_HEADER, SCHEMA_HEADER_VALUE, Tick, topic};
use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::util::Timeout;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use ledger::Balance;
use ledger::Ledger;

use crate::Error;

/// What a tick takes in memory beside its key and value, until Kafka has it: librdkafka's message, its header, its
/// number in the ledger, and what the allocator adds. Measured.
const BYTES_BESIDE: usize = 512;

/// Longest wait between two signs of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Takes ticks and brings them to Kafka.
///
/// `ThreadedProducer`, as its own thread serves the acknowledgements: they come to a callback, without a
/// future for each tick, and whatever the rest of the program waits for does not hold them up.
pub(crate) struct Publisher {
    producer: ThreadedProducer<Deliveries>,
    topic: TopicName,
    ledger: Arc<Ledger>,
    queue_max_bytes: u64,
    /// Accepted, and not yet taken by librdkafka: no more than one reply's ticks.
    waiting: VecDeque<Record>,
    /// What these take.
    waiting_bytes: usize,
    /// Whether librdkafka's queue was full when it was last tried.
    is_full: bool,
}

/// A tick as Kafka gets it.
struct Record {
    seq: u64,
    key: String,
    value: Vec<u8>,
    timestamp_ms: i64,
    /// What it takes in memory until Kafka has it.
    bytes: usize,
}

impl Publisher {
    /// Connects, finds the topic, and reaches the leader of each of its partitions: a broker that cannot be reached
    /// is waited for until `give_up_after`.
    pub(crate) async fn connect(
        args: &KafkaArgs,
        instance: &str,
        queue_max_bytes: u64,
        give_up_after: Duration,
    ) -> Result<Self, Error> {
        let ledger = Arc::new(Ledger::default());
        let (producer, contact) = client(args, instance, &ledger)?;
        let partitions = reach::topic(&producer, &contact, args, give_up_after).await?;
        info!(topic = %args.topic, partitions, brokers = args.connection.brokers, "topic found and reached");
        Ok(Self {
            producer,
            topic: args.topic.clone(),
            ledger,
            queue_max_bytes,
            waiting_bytes: 0,
            waiting: VecDeque::new(),
            is_full: false,
        })
    }

    /// Takes a tick, at once: from here on it is in the ledger.
    pub(crate) fn take(&mut self, tick: &Tick<'_>) -> Result<(), Error> {
        let value = tick.encode();
        let key = tick.record_key();
        let bytes = value.as_ref().map_or(0, Vec::len) + key.len() + BYTES_BESIDE;
        self.ledger.accept(tick.seq, bytes);
        self.waiting_bytes += bytes;
        let value = value.map_err(|source| Error::Encode {
            symbol: tick.symbol.to_string(),
            source,
        })?;
        self.waiting.push_back(Record {
            seq: tick.seq,
            key: key.to_owned(),
            value,
            timestamp_ms: tick.record_timestamp_ms(),
            bytes,
        });
        Ok(())
    }

    /// Gives all that was taken to librdkafka; waits while its queue is full. May be dropped and called again.
    pub(crate) async fn hand_over(&mut self) {
        while let Some(record) = self.waiting.front() {
            let sent = if self.has_room() {
                self.send(record)
            } else {
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull))
            };
            match sent {
                Ok(()) => self.no_longer_waits(),
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) => {
                    if !self.is_full {
                        self.is_full = true;
                        let Balance { open, .. } = self.balance();
                        warn!(
                            ticks = open,
                            "the queue to Kafka is full: polling pauses until there is room"
                        );
                    }
                    systemd::alive();
                    // an acknowledgement makes room; the time is for what librdkafka frees without telling
                    tokio::select! {
                        () = self.ledger.progress.notified() => {}
                        () = sleep(SIGN_OF_LIFE) => {}
                    }
                }
                Err(error) => {
                    // it stays in the ledger
                    self.no_longer_waits();
                    self.ledger.refuse(error);
                }
            }
        }
        if self.is_full {
            self.is_full = false;
            info!("there is room in the queue to Kafka again");
        }
    }

    /// Whether what librdkafka holds takes less memory than it may.
    fn has_room(&self) -> bool {
        let held = self.ledger.open_bytes().saturating_sub(self.waiting_bytes);
        u64::try_from(held).is_ok_and(|held| held < self.queue_max_bytes)
    }

    fn no_longer_waits(&mut self) {
        if let Some(Record { bytes, .. }) = self.waiting.pop_front() {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        }
    }

    fn send(&self, record: &Record) -> Result<(), KafkaError> {
        let schema = Header {
            key: SCHEMA_HEADER,
            value: Some(SCHEMA_HEADER_VALUE),
        };
        let kafka_record = BaseRecord::with_opaque_to(self.topic.as_str(), Box::new(record.seq))
            .key(&record.key)
            .payload(&record.value)
            .timestamp(record.timestamp_ms)
            .headers(OwnedHeaders::new_with_capacity(1).insert(schema));
        self.producer.send(kafka_record).map_err(|(error, _)| error)
    }

    /// Cancelled when Kafka refused a tick for good.
    pub(crate) fn refused(&self) -> CancellationToken {
        self.ledger.refused.clone()
    }

    pub(crate) fn balance(&self) -> Balance {
        self.ledger.balance()
    }

    pub(crate) fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// Waits until Kafka has all that was taken, for up to `drain_timeout`, and tells what it has.
    pub(crate) async fn drain(mut self, drain_timeout: Duration) -> Balance {
        let ledger = Arc::clone(&self.ledger);
        let drained = timeout(drain_timeout, async {
            self.hand_over().await;
            self.flush(drain_timeout).await;
        });
        tokio::pin!(drained);
        loop {
            tokio::select! {
                _ = &mut drained => return ledger.balance(),
                () = sleep(SIGN_OF_LIFE) => {
                    let Balance { open, .. } = ledger.balance();
                    systemd::alive();
                    info!(ticks = open, "waiting for Kafka's acknowledgement");
                }
            }
        }
    }

    /// Waits for the acknowledgements, and tells librdkafka to linger no more.
    async fn flush(self, at_most: Duration) {
        let flushed = tokio::task::spawn_blocking(move || {
            if let Err(error) = self.producer.flush(Timeout::After(at_most)) {
                warn!("not all ticks are in Kafka: {error}");
            }
            // here the producer is dropped, which gives up what it still holds
        });
        if let Err(error) = flushed.await {
            warn!("waiting for Kafka was cut short: {error}");
        }
    }
}

/// A client of Kafka's, not yet connected.
fn client(
    args: &KafkaArgs,
    instance: &str,
    ledger: &Arc<Ledger>,
) -> Result<(ThreadedProducer<Deliveries>, Contact), Error> {
    let record_max_bytes = topic::RECORD_MAX_BYTES.to_string();
    let defaults = [
        ("linger.ms", "5"),
        ("compression.type", "zstd"),
        // the ledger bounds the queue, by what it really takes
        ("queue.buffering.max.kbytes", "2147483647"),
        ("queue.buffering.max.messages", "0"),
        ("message.max.bytes", record_max_bytes.as_str()),
    ];
    let config = args.client_config(&format!("producer-{instance}"), &defaults, ONCE_AND_IN_ORDER)?;
    let contact = Contact::default();
    let deliveries = Deliveries {
        ledger: Arc::clone(ledger),
        reachability: Reachability::new(contact.clone(), "ticks", "ticks wait in memory meanwhile"),
        tokens: Tokens::of(&config, &contact)?,
    };
    let producer = ThreadedProducer::from_config_and_context(&config, deliveries)
        .map_err(|source| pipeline_runtime::Error::ClientConfig { source })?;
    Ok((producer, contact))
}

/// What each leader of the topic's partitions answers, asked once.
pub(crate) async fn look(args: &KafkaArgs, instance: &str) -> Result<Vec<Reached>, Error> {
    let (producer, contact) = client(args, instance, &Arc::default())?;
    reach::look(&producer, &contact, args).await
}

/// What librdkafka tells of ticks and brokers, on its own thread.
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
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, seq: Self::DeliveryOpaque) {
        match result {
            Ok(_) => {
                if self.ledger.acknowledge(*seq) {
                    info!("the first tick is in Kafka");
                    systemd::ready();
                }
                self.reachability.acknowledged();
            }
            Err((error, _)) => self.ledger.refuse(error.clone()),
        }
    }
}
