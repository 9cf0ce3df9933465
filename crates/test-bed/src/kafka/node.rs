use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::secured::Secured;
use crate::{Bed, Error, Launch, Process, Result, program, tools};

const PREPARE_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts fast and stays small; speed under long load is not what a test needs.
const JVM_FLAGS: &[&str] = &["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m"];

/// What tests want otherwise than a real broker: few partitions to load after a start, and the dead found soon.
const SETTINGS: &[&str] = &[
    "offsets.topic.num.partitions=3",
    "transaction.state.log.num.partitions=3",
    "broker.session.timeout.ms=6000",
    // where the broker shares out the partitions, these are its own and not the clients'
    "group.consumer.heartbeat.interval.ms=500",
    "group.consumer.min.heartbeat.interval.ms=500",
    "group.consumer.session.timeout.ms=6000",
    "group.consumer.min.session.timeout.ms=6000",
    "group.min.session.timeout.ms=1000",
];

/// For several nodes, as `broker-setup` renders one: what it keeps once is kept three times, two of them in sync.
const THREE_COPIES: &[&str] = &[
    "controller.quorum.bootstrap.servers=",
    "default.replication.factor=3",
    "min.insync.replicas=2",
    "offsets.topic.replication.factor=3",
    "transaction.state.log.replication.factor=3",
    "transaction.state.log.min.isr=2",
    "share.coordinator.state.topic.replication.factor=3",
    "share.coordinator.state.topic.min.isr=2",
];

/// Sends a client to the replica of its rack.
const RACK_AWARE: &str = "replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector";

const LOOPBACK: &str = "127.0.0.1";

const LOG4J2: &str = include_str!("log4j2.properties");

/// Where a node listens.
#[derive(Clone, Debug)]
pub(super) struct NodePorts {
    /// For clients and the other nodes.
    pub(super) direct: u16,
    /// For controllers.
    pub(super) controller: u16,
    /// For clients by way of a link, and the link's own port for them, which is the one that they are told.
    pub(super) linked: Vec<(u16, u16)>,
}

/// One broker, which is a controller as well.
#[derive(Debug)]
pub(super) struct Node {
    name: String,
    id: usize,
    ports: NodePorts,
    /// Folder with its `server.properties` and its data.
    folder: PathBuf,
    rack: Option<String>,
    /// A listener beside the plain one.
    secured: Option<Secured>,
    process: Option<Process>,
}

impl Node {
    pub(super) fn new(
        bed: &Bed,
        cluster: &str,
        id: usize,
        ports: NodePorts,
        rack: Option<&str>,
    ) -> Result<Self> {
        let name = format!("{cluster}-{id}");
        Ok(Self {
            folder: bed.folder(&name)?,
            name,
            id,
            ports,
            rack: rack.map(str::to_owned),
            secured: None,
            process: None,
        })
    }

    /// The same with a listener for TLS and SASL.
    pub(super) fn secured(mut self, port: u16, super_user: &str) -> Self {
        self.secured = Some(Secured::new(
            &self.folder,
            format!("{LOOPBACK}:{port}"),
            super_user,
        ));
        self
    }

    pub(super) fn secured_listener(&self) -> Option<(&str, &Path)> {
        let secured = self.secured.as_ref()?;
        Some((secured.address(), secured.certificate()))
    }

    pub(super) fn address(&self) -> String {
        format!("{LOOPBACK}:{}", self.ports.direct)
    }

    fn properties_path(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    /// Writes the settings and formats the storage, both by `broker-setup`.
    pub(super) async fn prepare(&self, bed: &Bed, nodes: &[Self]) -> Result<()> {
        let log4j2 = self.folder.join("log4j2.properties");
        std::fs::write(&log4j2, LOG4J2).map_err(|source| Error::File { path: log4j2, source })?;
        let run = async |launch: Launch| Process::start(bed, &launch)?.success(PREPARE_TIMEOUT).await;
        run(self.render(nodes)?).await?;
        if let Some(secured) = &self.secured {
            secured.prepare(bed, &self.properties_path()).await?;
        }
        run(self.format(bed)?).await
    }

    fn render(&self, nodes: &[Self]) -> Result<Launch> {
        let mut launch = program::launch("broker-setup", format!("{}-render", self.name))?
            .args(["render", "--advertised-host", LOOPBACK, "--allow-loopback"])
            .args([
                "--listen-host",
                LOOPBACK,
                "--port",
                &self.ports.direct.to_string(),
            ])
            .args(["--controller-port", &self.ports.controller.to_string()])
            .arg("--data-dir")
            .arg(self.folder.join("data"))
            .arg("--out")
            .arg(self.properties_path());
        for setting in SETTINGS {
            launch = launch.args(["--set", setting]);
        }
        if let Some(rack) = &self.rack {
            launch = launch
                .args(["--set", &format!("broker.rack={rack}")])
                .args(["--set", RACK_AWARE]);
        }
        for setting in self.listeners() {
            launch = launch.args(["--set", &setting]);
        }
        if nodes.len() > 1 {
            let voter = |node: &Self| format!("{}@{LOOPBACK}:{}", node.id, node.ports.controller);
            let voters: Vec<_> = nodes.iter().map(voter).collect();
            launch = launch
                .args(["--node-id", &self.id.to_string()])
                .args(["--set", &format!("controller.quorum.voters={}", voters.join(","))]);
            for setting in THREE_COPIES {
                launch = launch.args(["--set", setting]);
            }
        }
        Ok(launch)
    }

    /// A listener of its own for each link, as a broker tells clients the address of the listener by which they came.
    fn listeners(&self) -> Vec<String> {
        let NodePorts {
            direct,
            controller,
            linked,
        } = &self.ports;
        if linked.is_empty() {
            return Vec::new();
        }
        let mut listeners = vec![
            format!("PLAINTEXT://{LOOPBACK}:{direct}"),
            format!("CONTROLLER://{LOOPBACK}:{controller}"),
        ];
        let mut advertised = listeners.clone();
        let mut protocols = vec![
            "PLAINTEXT:PLAINTEXT".to_owned(),
            "CONTROLLER:PLAINTEXT".to_owned(),
        ];
        for (link, (port, link_port)) in linked.iter().enumerate() {
            listeners.push(format!("LINK{link}://{LOOPBACK}:{port}"));
            advertised.push(format!("LINK{link}://{LOOPBACK}:{link_port}"));
            protocols.push(format!("LINK{link}:PLAINTEXT"));
        }
        [
            ("listeners", listeners),
            ("advertised.listeners", advertised),
            ("listener.security.protocol.map", protocols),
        ]
        .map(|(key, values)| format!("{key}={}", values.join(",")))
        .into()
    }

    fn format(&self, bed: &Bed) -> Result<Launch> {
        let launch = program::launch("broker-setup", format!("{}-format", self.name))?
            .arg("format")
            .arg("--kafka-home")
            .arg(tools::kafka_home()?)
            .arg("--config")
            .arg(self.properties_path())
            .arg("--cluster-id-file")
            .arg(bed.path().join(format!("{}.cluster-id", self.cluster())));
        Ok(launch)
    }

    fn cluster(&self) -> &str {
        self.name
            .rsplit_once('-')
            .map_or(&*self.name, |(cluster, _)| cluster)
    }

    pub(super) fn start(&mut self, bed: &Bed) -> Result<()> {
        let launch = self
            .java(&self.name)?
            .arg("kafka.Kafka")
            .arg(self.properties_path());
        self.process = Some(Process::start(bed, &launch)?);
        Ok(())
    }

    /// A launch of one of Kafka's own classes, to be named by the next argument.
    fn java(&self, name: &str) -> Result<Launch> {
        let log4j2 = self.folder.join("log4j2.properties");
        Ok(Launch::new(name, tools::java())
            .args(JVM_FLAGS)
            .arg("-cp")
            .arg(tools::kafka_home()?.join("libs/*"))
            .arg(format!("-Dlog4j2.configurationFile={}", log4j2.display())))
    }

    /// Makes a user that logs in by SCRAM-SHA-512. The broker must run.
    pub(super) async fn create_user(&self, bed: &Bed, user: &str, password: &str) -> Result<()> {
        let launch = self
            .java(&format!("{}-user", self.name))?
            .args(["kafka.admin.ConfigCommand", "--alter", "--entity-type", "users"])
            .args(["--bootstrap-server", &self.address(), "--entity-name", user])
            .args([
                "--add-config",
                &format!("SCRAM-SHA-512=[iterations=4096,password={password}]"),
            ]);
        Process::start(bed, &launch)?.success(PREPARE_TIMEOUT).await
    }

    /// Stops by SIGTERM: the broker hands over and closes its logs.
    pub(super) async fn stop(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.stop(STOP_TIMEOUT).await?;
        }
        Ok(())
    }

    pub(super) async fn kill(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    pub(super) fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }
}
