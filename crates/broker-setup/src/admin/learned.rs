use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::producer::{BaseProducer, DeliveryResult, ProducerContext};
use rdkafka::statistics::Statistics;

use crate::{Connection, Error, HostPort};

const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The brokers that the client was told of, by its own statistics. It keeps them to itself when its call for metadata
/// goes to one of them that it cannot reach.
pub(crate) async fn learned_brokers(
    connection: &Connection,
    limit: Duration,
) -> Result<Vec<HostPort>, Error> {
    let mut config = connection.client_config()?;
    config.set("statistics.interval.ms", LOOK_INTERVAL.as_millis().to_string());
    let learned = Learned::default();
    let client: BaseProducer<Learned> = config
        .create_with_context(learned.clone())
        .map_err(|source| pipeline_runtime::Error::ClientConfig { source })?;
    let look = move || {
        let begin = Instant::now();
        while learned.addresses().is_empty() && begin.elapsed() < limit {
            client.poll(LOOK_INTERVAL);
        }
        learned.addresses()
    };
    let names = tokio::task::spawn_blocking(look)
        .await
        .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
    names.iter().map(|name| name.parse()).collect()
}

/// Addresses by node id.
#[derive(Clone, Default)]
struct Learned(Arc<Mutex<BTreeMap<i32, String>>>);

impl Learned {
    fn addresses(&self) -> Vec<String> {
        let addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.values().cloned().collect()
    }
}

impl ClientContext for Learned {
    fn stats(&self, statistics: Statistics) {
        let learned = statistics
            .brokers
            .into_values()
            .filter(|broker| broker.source == "learned")
            .map(|broker| (broker.nodeid, broker.nodename));
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(learned);
    }

    // what it cannot reach is what is looked for, and told as a result
    fn error(&self, _: rdkafka::error::KafkaError, _: &str) {}
}

impl ProducerContext for Learned {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
