//! Apache Kafka: one broker, or several.

mod link;
mod log;
mod node;
mod secured;

use std::path::Path;
use std::time::Duration;

use backon::Retryable;
use nix::sys::signal::Signal;
use pipeline_runtime::kafka::ONCE_AND_IN_ORDER;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::FutureProducer;

use crate::port::Ports;
use crate::process::polling;
use crate::{Bed, Error, Process, Result};
pub use link::{Hindrance, KafkaLink};
pub use log::Record;
use node::{Node, NodePorts};

const READY_TIMEOUT: Duration = Duration::from_secs(90);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How often another set of ports is tried when one was taken meanwhile.
const START_ATTEMPTS: usize = 3;

/// A Kafka cluster, with `KRaft`, on loopback ports. Its processes end when it is dropped.
#[derive(Debug)]
pub struct Kafka {
    bed: Bed,
    nodes: Vec<Node>,
    links: Vec<KafkaLink>,
}

/// What a cluster has beside its nodes.
#[derive(Clone, Copy, Debug, Default)]
struct Shape<'a> {
    links: usize,
    super_user: Option<&'a str>,
    /// A node's rack, by the node's number.
    racks: &'a [&'a str],
}

impl Kafka {
    /// Formats and starts a cluster of `count` nodes and waits until all are there. The name is for its folders.
    ///
    /// # Errors
    ///
    /// Any of [`Error`] with the log of the node that failed.
    pub async fn start(bed: &Bed, name: &str, count: usize) -> Result<Self> {
        Self::start_with(bed, name, count, Shape::default()).await
    }

    /// The same, and clients can go by each of so many links as well.
    ///
    /// # Errors
    ///
    /// As [`Kafka::start`].
    pub async fn start_linked(bed: &Bed, name: &str, count: usize, links: usize) -> Result<Self> {
        let shape = Shape {
            links,
            ..Shape::default()
        };
        Self::start_with(bed, name, count, shape).await
    }

    /// The same with one node that listens for TLS and SASL as well, by SCRAM-SHA-512 or OAUTHBEARER with unsecured
    /// tokens. The plain listener's clients and `super_user` may do all, other users nothing.
    ///
    /// # Errors
    ///
    /// Any of [`Error`] with the log of the node that failed.
    pub async fn start_secured(bed: &Bed, name: &str, super_user: &str) -> Result<Self> {
        let shape = Shape {
            super_user: Some(super_user),
            ..Shape::default()
        };
        Self::start_with(bed, name, 1, shape).await
    }

    /// The same with a node in each of these racks. Clients that name theirs by `client.rack` are sent to the replica
    /// there.
    ///
    /// # Errors
    ///
    /// Any of [`Error`] with the log of the node that failed.
    pub async fn start_in_racks(bed: &Bed, name: &str, racks: &[&str]) -> Result<Self> {
        let shape = Shape {
            racks,
            ..Shape::default()
        };
        Self::start_with(bed, name, racks.len(), shape).await
    }

    async fn start_with(bed: &Bed, name: &str, count: usize, shape: Shape<'_>) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let name = crate::bed::attempt_name(name, attempt);
            match Self::start_once(bed, &name, count, shape).await {
                Err(error) if attempt < START_ATTEMPTS && error.to_string().contains("in use") => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn start_once(bed: &Bed, name: &str, count: usize, shape: Shape<'_>) -> Result<Self> {
        let a_node = 3 + shape.links;
        let ports = Ports::reserve(a_node * count)?;
        let numbers = ports.numbers();
        let mut links = Vec::new();
        for link in 0..shape.links {
            let of_nodes: Vec<_> = numbers.chunks(a_node).map(|ports| ports[3 + link]).collect();
            links.push(KafkaLink::start(&of_nodes).await?);
        }
        let nodes = numbers
            .chunks(a_node)
            .enumerate()
            .map(|(number, ports)| {
                let link_ports = links.iter().map(|link| link.port(number));
                let secured_port = ports[2];
                let ports = NodePorts {
                    direct: ports[0],
                    controller: ports[1],
                    linked: ports[3..].iter().copied().zip(link_ports).collect(),
                };
                let rack = shape.racks.get(number).copied();
                let node = Node::new(bed, name, number + 1, ports, rack)?;
                Ok(match shape.super_user {
                    Some(super_user) => node.secured(secured_port, super_user),
                    None => node,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        for node in &nodes {
            node.prepare(bed, &nodes).await?;
        }
        ports.release();
        let mut kafka = Self {
            bed: bed.clone(),
            nodes,
            links,
        };
        for node in &mut kafka.nodes {
            node.start(bed)?;
        }
        kafka.ready().await?;
        Ok(kafka)
    }

    /// The brokers' addresses, for `--brokers`.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(Node::address).collect();
        addresses.join(",")
    }

    /// The address that takes TLS and SASL only, and the certificate to trust; nothing without
    /// [`Kafka::start_secured`].
    #[must_use]
    pub fn secured(&self) -> Option<(&str, &Path)> {
        self.nodes.first()?.secured_listener()
    }

    /// Makes a user that logs in by SCRAM-SHA-512.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the broker refuses it.
    pub async fn create_user(&self, user: &str, password: &str) -> Result<()> {
        let node = self.nodes.first().ok_or(Error::NoPort)?;
        node.create_user(&self.bed, user, password).await
    }

    /// The address of one node. Nodes count from 0, and their ids from 1.
    #[must_use]
    pub fn node_address(&self, node: usize) -> String {
        self.nodes[node].address()
    }

    /// A link, of which there are as many as [`Kafka::start_linked`] was asked for. Links count from 0.
    #[must_use]
    pub fn link(&self, link: usize) -> KafkaLink {
        self.links[link].clone()
    }

    /// What the nodes that run wrote to their logs.
    #[must_use]
    pub fn log(&self) -> String {
        self.nodes
            .iter()
            .filter_map(Node::process)
            .map(Process::log)
            .collect()
    }

    /// Stops a node by SIGTERM. Nodes count from 0.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if it had to be killed.
    pub async fn stop_node(&mut self, node: usize) -> Result<()> {
        self.nodes[node].stop().await
    }

    /// Ends a node by SIGKILL.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if the kernel does not let it go.
    pub async fn kill_node(&mut self, node: usize) -> Result<()> {
        self.nodes[node].kill().await
    }

    /// Starts a node that was stopped or killed, on its old data and ports, and waits until all running nodes are there.
    ///
    /// # Errors
    ///
    /// Any of [`Error`] with the log of the node that failed.
    pub async fn start_node(&mut self, node: usize) -> Result<()> {
        let bed = self.bed.clone();
        self.nodes[node].start(&bed)?;
        self.ready().await
    }

    /// Stops a node's process where it is, as a long pause of its host would, until [`Kafka::resume_node`].
    pub fn pause_node(&self, node: usize) {
        self.nodes[node].signal(Signal::SIGSTOP);
    }

    /// Lets a paused node go on.
    pub fn resume_node(&self, node: usize) {
        self.nodes[node].signal(Signal::SIGCONT);
    }

    /// Makes a topic, with as many replicas as there are nodes, up to 3.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if the broker refuses it.
    pub async fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let failed = |source| Error::Kafka {
            action: format!("create the topic {name}"),
            source,
        };
        let admin: AdminClient<_> = self.client_config().create().map_err(failed)?;
        let replicas = i32::try_from(self.nodes.len().min(3)).unwrap_or(3);
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
        let results = admin.create_topics([&topic], &options).await.map_err(failed)?;
        match results.into_iter().next() {
            Some(Err((_, code))) => Err(failed(KafkaError::AdminOp(code))),
            _ => Ok(()),
        }
    }

    /// Gives a topic more partitions, so that it has `count`.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if the broker refuses it.
    pub async fn grow_topic(&self, name: &str, count: usize) -> Result<()> {
        let failed = |source| Error::Kafka {
            action: format!("give the topic {name} {count} partitions"),
            source,
        };
        let admin: AdminClient<_> = self.client_config().create().map_err(failed)?;
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
        let partitions = NewPartitions::new(name, count);
        let results = admin
            .create_partitions([&partitions], &options)
            .await
            .map_err(failed)?;
        match results.into_iter().next() {
            Some(Err((_, code))) => Err(failed(KafkaError::AdminOp(code))),
            _ => Ok(()),
        }
    }

    /// Waits until each partition of a topic has all its replicas in sync: another node may fail now.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if that does not come.
    pub async fn until_in_sync(&self, topic: &str) -> Result<()> {
        let check = || async {
            match log::is_in_sync(self.client_config(), topic.to_owned(), REQUEST_TIMEOUT).await {
                Ok(true) => Ok(()),
                _ => Err(()),
            }
        };
        check.retry(polling(READY_TIMEOUT)).await.or_else(|()| {
            let process = self.nodes.iter().find_map(Node::process).ok_or(Error::NoPort)?;
            Err(process.late("all replicas in sync", READY_TIMEOUT))
        })
    }

    /// The node that leads each partition of a topic. Nodes count from 0.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if the broker does not say.
    pub async fn leaders(&self, topic: &str) -> Result<Vec<usize>> {
        log::leaders(self.client_config(), topic.to_owned(), REQUEST_TIMEOUT).await
    }

    /// The offset that comes next in each partition of a topic.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if the broker does not say.
    pub async fn ends(&self, topic: &str) -> Result<Vec<(i32, i64)>> {
        log::ends(self.client_config(), topic.to_owned(), REQUEST_TIMEOUT).await
    }

    /// How many offsets of a topic a group has not committed yet.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if the broker does not say.
    pub async fn lag(&self, group: &str, topic: &str) -> Result<i64> {
        let mut config = self.client_config();
        config.set("group.id", group);
        log::lag(config, topic.to_owned(), REQUEST_TIMEOUT).await
    }

    /// The settings of a producer that loses and doubles nothing, as ours have them.
    #[must_use]
    pub fn producer_config(&self) -> ClientConfig {
        let mut config = self.client_config();
        for property in ONCE_AND_IN_ORDER {
            config.set(property.key, property.value);
        }
        config
    }

    /// Such a producer.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if librdkafka refuses its settings.
    pub fn producer(&self) -> Result<FutureProducer> {
        self.producer_config().create().map_err(|source| Error::Kafka {
            action: "make a producer".to_owned(),
            source,
        })
    }

    /// All records of a topic, by partition and offset.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if they cannot be read.
    pub async fn records(&self, topic: &str) -> Result<Vec<Record>> {
        log::read(self.client_config(), topic.to_owned(), REQUEST_TIMEOUT).await
    }

    /// How many records lie in a topic.
    ///
    /// # Errors
    ///
    /// [`Error::Kafka`] if the broker does not say.
    pub async fn record_count(&self, topic: &str) -> Result<usize> {
        log::count(self.client_config(), topic.to_owned(), REQUEST_TIMEOUT).await
    }

    /// The settings of a client that goes straight to the brokers.
    #[must_use]
    pub fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap_servers());
        config
    }

    /// Waits until a client is told of each node that runs.
    async fn ready(&self) -> Result<()> {
        let running: Vec<_> = self.nodes.iter().filter_map(Node::process).collect();
        let config = self.client_config();
        let check = || async {
            for process in &running {
                if let Some(status) = process.ended() {
                    return Ok(Err(process.failed(status)));
                }
            }
            match brokers_known(config.clone()).await {
                Ok(count) if count >= running.len() => Ok(Ok(())),
                _ => Err(()),
            }
        };
        check.retry(polling(READY_TIMEOUT)).await.unwrap_or_else(|()| {
            let process = running.first().ok_or(Error::NoPort)?;
            Err(process.late("an answer with all brokers", READY_TIMEOUT))
        })
    }
}

async fn brokers_known(config: ClientConfig) -> std::result::Result<usize, KafkaError> {
    let ask = move || {
        let client: BaseConsumer = config.create()?;
        let metadata = client.fetch_metadata(None, Duration::from_millis(500))?;
        Ok(metadata.brokers().len())
    };
    tokio::task::spawn_blocking(ask)
        .await
        .map_err(|_| KafkaError::Canceled)?
}
