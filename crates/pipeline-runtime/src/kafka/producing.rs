//! What every producer of ours shares: the properties that each record once and in order rests on, and what it says
//! while Kafka is away.

use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::{info, warn};

use super::{Contact, Fixed};

/// With these librdkafka retries for ever, without doubles and in order.
pub const ONCE_AND_IN_ORDER: &[Fixed] = &[
    Fixed {
        key: "enable.idempotence",
        value: "true",
        reason: "a record must reach Kafka once and in order",
    },
    Fixed {
        key: "max.in.flight.requests.per.connection",
        value: "1",
        reason: IN_FLIGHT,
    },
    Fixed {
        key: "max.in.flight",
        value: "1",
        reason: IN_FLIGHT,
    },
    Fixed {
        key: "acks",
        value: "all",
        reason: "a record that only one broker has can be lost",
    },
    Fixed {
        key: "request.required.acks",
        value: "all",
        reason: "a record that only one broker has can be lost",
    },
    Fixed {
        key: "message.timeout.ms",
        value: "0",
        reason: "a record must not be dropped for the time that it waits",
    },
    Fixed {
        key: "delivery.timeout.ms",
        value: "0",
        reason: "a record must not be dropped for the time that it waits",
    },
    Fixed {
        key: "partitioner",
        value: "murmur2_random",
        reason: "the records of a key must stay in one partition, the one that Java clients choose",
    },
];

// librdkafka#4953: a second request that arrives after the first was refused has librdkafka begin anew with all
// partitions, and what it does not know the fate of in another partition is then written twice
const IN_FLIGHT: &str =
    "with several requests under way librdkafka can write a record twice when brokers fail";

/// Says once that no broker can be reached, and once that one can again.
#[derive(Debug)]
pub struct Reachability {
    contact: Contact,
    records: &'static str,
    meanwhile: &'static str,
    is_kafka_away: AtomicBool,
}

impl Reachability {
    /// `records` is what Kafka acknowledges, `meanwhile` what happens while it does not.
    #[must_use]
    pub fn new(contact: Contact, records: &'static str, meanwhile: &'static str) -> Self {
        Self {
            contact,
            records,
            meanwhile,
            is_kafka_away: AtomicBool::new(false),
        }
    }

    /// Notes an error of the client. To be called by its context.
    pub fn failed(&self, error: &KafkaError, reason: &str) {
        self.contact.note(error, reason);
        match error.rdkafka_error_code() {
            // repeated with every attempt to connect
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                if !self.is_kafka_away.swap(true, Ordering::Relaxed) {
                    warn!("no Kafka broker can be reached: {}", self.meanwhile);
                }
            }
            // librdkafka logs it itself, with the broker's name
            Some(RDKafkaErrorCode::BrokerTransportFailure) => {}
            _ => warn!("Kafka: {error}: {reason}"),
        }
    }

    /// Kafka has acknowledged a record.
    pub fn acknowledged(&self) {
        if self.is_kafka_away.swap(false, Ordering::Relaxed) {
            info!("Kafka acknowledges {} again", self.records);
        }
    }
}
