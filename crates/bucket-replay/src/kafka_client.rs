use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline_runtime::kafka::{Contact, Fixed, KafkaArgs, ONCE_AND_IN_ORDER, Reachability, Tokens};
use rdkafka::client::OAuthToken;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext, PurgeConfig};
use rdkafka::{ClientConfig, ClientContext, Message};
use tracing::debug;

use super::error::Error;
use super::ledger::Ledger;
use super::sending::{Sending, Tag};

const DEFAULTS: &[(&str, &str)] = &[
    ("linger.ms", "5"),
    ("compression.type", "zstd"),
    ("queue.buffering.max.kbytes", "65536"),
    // bytes are the limit
    ("queue.buffering.max.messages", "0"),
];

/// Without it, librdkafka goes on behind a record that the broker refused.
const NOTHING_BEHIND_A_REFUSAL: Fixed = Fixed {
    key: "enable.gapless.guarantee",
    value: "true",
    reason: "what is queued behind a refused record must not be written before it",
};

const POLL: Duration = Duration::from_millis(10);

/// A record that came back, and why.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) nth: u64,
    pub(super) record: Sending,
    /// Absent of a record that was only queued behind a refused one.
    pub(super) refusal: Option<KafkaError>,
}

/// librdkafka's producer. Once it was refused a record it sends nothing more, and gives back what it had.
pub(super) struct KafkaClient {
    producer: BaseProducer<Deliveries>,
    returned: Arc<Mutex<Vec<Returned>>>,
}

/// What makes a client, and the next one after a refusal.
pub(super) struct KafkaClients {
    config: ClientConfig,
    contact: Contact,
    ledger: Arc<Ledger>,
}

impl KafkaClients {
    pub(super) fn new(args: &KafkaArgs, ledger: Arc<Ledger>) -> Result<Self, Error> {
        let fixed: Vec<Fixed> = ONCE_AND_IN_ORDER
            .iter()
            .copied()
            .chain([NOTHING_BEHIND_A_REFUSAL])
            .collect();
        Ok(Self {
            config: args.client_config("quote-replay", DEFAULTS, &fixed)?,
            contact: Contact::default(),
            ledger,
        })
    }

    pub(super) fn contact(&self) -> &Contact {
        &self.contact
    }

    pub(super) fn client(&self) -> Result<KafkaClient, Error> {
        let returned = Arc::default();
        let deliveries = Deliveries {
            ledger: Arc::clone(&self.ledger),
            returned: Arc::clone(&returned),
            reachability: Reachability::new(self.contact.clone(), "records", "trying again, SIGTERM ends it"),
            tokens: Tokens::of(&self.config, &self.contact)?,
        };
        let producer = self
            .config
            .create_with_context(deliveries)
            .map_err(|source| pipeline_runtime::Error::ClientConfig { source })?;
        Ok(KafkaClient { producer, returned })
    }
}

impl KafkaClient {
    pub(super) fn producer(&self) -> &BaseProducer<Deliveries> {
        &self.producer
    }

    /// Whether a record came back.
    pub(super) fn is_refused(&self) -> bool {
        !self.returned().is_empty()
    }

    /// How many records are not acknowledged and have not come back.
    pub(super) fn under_way(&self) -> i32 {
        self.producer.in_flight_count()
    }

    /// Waits for what is under way, drops what is queued, and gives all that came back, in the order in which it was sent.
    pub(super) fn give_back(&self, is_given_up: impl Fn() -> bool) -> Vec<Returned> {
        while self.under_way() > 0 && !is_given_up() {
            self.producer.purge(PurgeConfig::default().queue());
            self.producer.poll(POLL);
        }
        let mut returned = std::mem::take(&mut *self.returned());
        returned.sort_by_key(|returned| returned.nth);
        returned
    }

    fn returned(&self) -> MutexGuard<'_, Vec<Returned>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What librdkafka tells of records and brokers, while it is polled.
pub(super) struct Deliveries {
    ledger: Arc<Ledger>,
    returned: Arc<Mutex<Vec<Returned>>>,
    reachability: Reachability,
    tokens: Tokens,
}

impl ClientContext for Deliveries {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // of a refusal, which is told with the record
            Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::GaplessGuarantee) => {
                debug!("Kafka: {error}: {reason}");
            }
            _ => self.reachability.failed(&error, reason),
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.tokens.next()
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Tag>;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: Self::DeliveryOpaque) {
        let (error, message) = match result {
            Ok(_) => {
                self.ledger.settled(tag.origin);
                self.reachability.acknowledged();
                return;
            }
            Err((error, message)) => (error, message),
        };
        let returned = Returned {
            nth: tag.nth,
            record: tag.with(message.key(), message.payload()),
            refusal: (!is_only_behind(error)).then(|| error.clone()),
        };
        let mut all = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(returned);
    }
}

fn is_only_behind(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::PurgeQueue
                | RDKafkaErrorCode::PurgeInflight
                | RDKafkaErrorCode::Fatal
                | RDKafkaErrorCode::GaplessGuarantee
        )
    )
}
