//! What is asked of the cluster: who it is, which topics it has, and to change them.

mod learned;
mod native;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigSource, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use tracing::debug;

pub(crate) use learned::learned_brokers;
pub(crate) use native::{Mode, Request};

use crate::{Connection, Error, HostPort};

/// A client with administrator's calls.
pub(crate) struct Admin {
    client: Arc<AdminClient<DefaultClientContext>>,
    brokers: String,
}

/// What the cluster says of itself.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) id: Option<String>,
    pub(crate) brokers: BTreeMap<i32, HostPort>,
    pub(crate) topics: BTreeMap<String, Shape>,
}

/// How many copies of how many partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) partitions: usize,
    /// Of the partition with the fewest.
    pub(crate) replication: usize,
}

/// A setting's value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// `None` where the broker hides it.
    pub(crate) text: Option<String>,
    pub(crate) source: &'static str,
}

impl Admin {
    pub(crate) fn new(connection: &Connection) -> Result<Self, Error> {
        let client = connection
            .client_config()?
            .create()
            .map_err(|source| pipeline_runtime::Error::ClientConfig { source })?;
        Ok(Self {
            client: Arc::new(client),
            brokers: connection.brokers(),
        })
    }

    /// Brokers and topics. Creates nothing.
    pub(crate) async fn cluster(&self, timeout: Duration) -> Result<Cluster, Error> {
        debug!(brokers = self.brokers, "asking for the cluster's metadata");
        let client = Arc::clone(&self.client);
        let fetched = blocking(move || {
            let metadata = client.inner().fetch_metadata(None, timeout)?;
            Ok((metadata, client.inner().fetch_cluster_id(timeout)))
        })
        .await;
        let (metadata, id) = fetched.map_err(|source| self.unreachable(source))?;
        let brokers = metadata
            .brokers()
            .iter()
            .map(|broker| {
                let text = format!("{}:{}", bracketed(broker.host()), broker.port());
                Ok((broker.id(), text.parse()?))
            })
            .collect::<Result<_, Error>>()?;
        let topics = metadata
            .topics()
            .iter()
            .map(|topic| {
                let replication = topic
                    .partitions()
                    .iter()
                    .map(|partition| partition.replicas().len())
                    .min();
                let shape = Shape {
                    partitions: topic.partitions().len(),
                    replication: replication.unwrap_or(0),
                };
                (topic.name().to_owned(), shape)
            })
            .collect();
        Ok(Cluster { id, brokers, topics })
    }

    /// All settings of each topic, defaults included.
    pub(crate) async fn settings_of(
        &self,
        topics: &BTreeSet<&str>,
        timeout: Duration,
    ) -> Result<BTreeMap<String, BTreeMap<String, Value>>, Error> {
        let mut settings = BTreeMap::new();
        let options = AdminOptions::new().request_timeout(Some(timeout));
        for topic in topics {
            let described = self
                .client
                .describe_configs([&ResourceSpecifier::Topic(topic)], &options)
                .await
                .map_err(|source| self.unreachable(source))?;
            let entries: BTreeMap<String, Value> = described
                .into_iter()
                .flatten()
                .flat_map(|resource| resource.entries)
                .map(|entry| {
                    let value = Value {
                        text: entry.value.filter(|_| !entry.is_sensitive),
                        source: source_name(&entry.source),
                    };
                    (entry.name, value)
                })
                .collect();
            // The client passes over the error of a single topic; a topic always has settings.
            if entries.is_empty() {
                return Err(Error::SettingsHidden {
                    topic: (*topic).to_owned(),
                });
            }
            settings.insert((*topic).to_owned(), entries);
        }
        Ok(settings)
    }

    /// Has the controller check a change, or make it.
    pub(crate) async fn send(&self, request: Request, mode: Mode, timeout: Duration) -> Result<(), Error> {
        let client = Arc::clone(&self.client);
        tokio::task::spawn_blocking(move || native::send(client.inner(), &request, mode, timeout))
            .await
            .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
    }

    fn unreachable(&self, source: KafkaError) -> Error {
        pipeline_runtime::Error::BrokerUnreachable {
            brokers: self.brokers.clone(),
            reason: None,
            source,
        }
        .into()
    }
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    tokio::task::spawn_blocking(call)
        .await
        .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

/// librdkafka gives an IPv6 address without its brackets.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

fn source_name(source: &ConfigSource) -> &'static str {
    match source {
        ConfigSource::DynamicTopic => "topic",
        ConfigSource::DynamicBroker => "dynamic broker",
        ConfigSource::DynamicDefaultBroker => "dynamic default",
        ConfigSource::StaticBroker => "server.properties",
        ConfigSource::Default => "default",
        ConfigSource::Unknown => "unknown",
    }
}
