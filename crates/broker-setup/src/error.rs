use std::io;
use std::path::PathBuf;
use std::process::ExitStatus as ProcessStatus;

use pipeline_runtime::exit::{ExitStatus, Failure};

use crate::Host;
use crate::storage::ClusterId;

/// What can go wrong while a broker is prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the binaries share: a property, or a broker that cannot be reached.
    #[error(transparent)]
    Shared(#[from] pipeline_runtime::Error),
    /// The asynchronous runtime does not start.
    #[error("cannot start the asynchronous runtime, check the limits on processes and open files")]
    Runtime {
        /// Why.
        source: io::Error,
    },
    /// Results cannot be written.
    #[error("cannot write the result to stdout")]
    Stdout {
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {path}, check the path and its mode")]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}, check the folder's owner and mode")]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// Not a host.
    #[error("`{text}` is not a host, give a name or an IP address without scheme and port")]
    Host {
        /// As it was given.
        text: String,
    },
    /// Not an address.
    #[error("`{text}` is not an address, write `HOST:PORT` (an IPv6 address in brackets)")]
    HostPort {
        /// As it was given.
        text: String,
    },
    /// A host that clients cannot use.
    #[error(
        "`{host}` cannot be advertised, {reason}; give `--advertised-host` the name that clients resolve"
    )]
    AdvertisedHost {
        /// Which every client would be told.
        host: Host,
        /// Why.
        reason: &'static str,
    },
    /// Not a `KEY=VALUE`.
    #[error("`{argument}` is not a setting, write `KEY=VALUE`")]
    Setting {
        /// As it was given.
        argument: String,
    },
    /// Kafka has no such broker setting.
    #[error("Kafka 4.3 has no broker setting `{key}`, {hint}")]
    UnknownBrokerKey {
        /// The name.
        key: String,
        /// The right name, or what to do.
        hint: String,
    },
    /// Kafka has no such topic setting.
    #[error("Kafka 4.3 has no topic setting `{key}` (topic {topic}), {hint}")]
    UnknownTopicKey {
        /// By its name in the file.
        topic: String,
        /// The name.
        key: String,
        /// The right name, or what to do.
        hint: String,
    },
    /// Two listeners on one port.
    #[error("port {port} is both `--port` and `--controller-port`, give them different ports")]
    SamePort {
        /// Which both would listen on.
        port: u16,
    },

    /// A path that cannot be a data folder.
    #[error("`{path}` cannot be Kafka's data folder, give an absolute path without commas")]
    DataDirName {
        /// As it was given.
        path: PathBuf,
    },
    /// A setting is needed and absent.
    #[error("{path} has no `{key}`, add it or have the file written by `broker-setup render`")]
    MissingSetting {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: &'static str,
    },
    /// Not a cluster id.
    #[error("`{text}` is not a cluster id, Kafka's are 22 characters of URL-safe base64")]
    ClusterId {
        /// As it was given.
        text: String,
    },
    /// A file that shall hold a cluster id does not.
    #[error("{path} holds no cluster id; correct it, or remove it to have it made anew")]
    ClusterIdFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The data folder is another cluster's.
    #[error(
        "{data_dir} holds the data of cluster {found}, but {file} says {wanted}; to keep the data write {found} \
         into {file}, to begin anew move {data_dir} away"
    )]
    OtherCluster {
        /// The data folder.
        data_dir: PathBuf,
        /// By the `meta.properties` in the folder.
        found: ClusterId,
        /// The cluster id file.
        file: PathBuf,
        /// By what was asked for.
        wanted: ClusterId,
    },
    /// The data folder is another node's.
    #[error(
        "{data_dir} holds the data of node {found}, but {file} says node.id={wanted}; to keep the data set \
         node.id={found}, to begin anew move {data_dir} away"
    )]
    OtherNode {
        /// The data folder.
        data_dir: PathBuf,
        /// Its node.
        found: String,
        /// `server.properties`.
        file: PathBuf,
        /// Its node.
        wanted: String,
    },
    /// Other data folders are formatted, the one for the metadata is not.
    #[error(
        "{path} shall hold the cluster's metadata but is not formatted, though other data folders are; mount the \
         disk that is missing, or restore the folder"
    )]
    HalfFormatted {
        /// The metadata's folder.
        path: PathBuf,
    },
    /// Records without an identity.
    #[error(
        "{path} holds records ({partition}) but no meta.properties, formatting it would lose them; restore \
         meta.properties, or move the folder away"
    )]
    UnformattedData {
        /// The folder.
        path: PathBuf,
        /// One partition in it.
        partition: String,
    },
    /// The data folder is the root of a file system.
    #[error("{path} holds `lost+found`, which Kafka takes for a broken partition; set log.dirs to {better}")]
    LostAndFound {
        /// The folder.
        path: PathBuf,
        /// A folder that will do.
        better: PathBuf,
    },
    /// The data folder cannot be used.
    #[error(
        "cannot use the data folder {path}, check its owner and mode and that the disk is mounted for writing"
    )]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No Kafka.
    #[error("{path} has no Kafka in `libs`, set KAFKA_HOME to the folder that Kafka was unpacked into")]
    KafkaHome {
        /// The folder.
        path: PathBuf,
    },
    /// A Kafka that is too old.
    #[error(
        "{path} is Kafka {found}, whose StorageTool does not know `{flags}`; set KAFKA_HOME to Kafka {needed} or newer"
    )]
    KafkaVersion {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The first that will do.
        needed: String,
        /// What it lacks.
        flags: String,
    },
    /// No Java.
    #[error("there is no {program}, install Java 17 or newer or set JAVA_HOME")]
    JavaMissing {
        /// What was looked for.
        program: PathBuf,
    },
    /// Java is too old, or not Java.
    #[error("{program} is `{said}`, Kafka 4 needs Java {minimum} or newer")]
    JavaVersion {
        /// The `java` that was found.
        program: PathBuf,
        /// What it says of its version.
        said: String,
        /// What is needed.
        minimum: u32,
    },
    /// Java cannot be run.
    #[error("cannot run {program}, check that it may be executed")]
    Java {
        /// The `java` that was found.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Kafka's tool failed.
    #[error(
        "Kafka's StorageTool ended with {status}, it says: {said}; check {config}, and that the owner of the data \
         folder may read it and Kafka's jars"
    )]
    StorageTool {
        /// How it ended.
        status: ProcessStatus,
        /// `server.properties`.
        config: PathBuf,
        /// Its last lines.
        said: String,
    },
    /// Kafka's tool said yes and did nothing.
    #[error(
        "Kafka's StorageTool left no meta.properties of this cluster in {path}, check its space and mode"
    )]
    FormatWithoutEffect {
        /// The data folder.
        path: PathBuf,
    },

    /// The topic file is not of its shape.
    #[error("{path} is not a topic file, correct it")]
    TopicFile {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// The topic file is empty.
    #[error("{path} names no topic, add a `[[topic]]`")]
    NoTopics {
        /// The file.
        path: PathBuf,
    },
    /// A topic stands in the file twice.
    #[error("{path} has the topic {topic} twice, remove one")]
    TopicTwice {
        /// The file.
        path: PathBuf,
        /// By its name, in both places.
        topic: String,
    },
    /// The file gives a topic of ticks what would lose them.
    #[error(
        "the topic {topic} carries ticks, but the file sets {key} to `{value}`, and {reason}; leave it out or write \
         {wanted}"
    )]
    AgainstRequired {
        /// By its name in the file.
        topic: String,
        /// The setting.
        key: &'static str,
        /// The file's value.
        value: String,
        /// One that will do.
        wanted: String,
        /// Why no other will.
        reason: &'static str,
    },
    /// `--only` names what the file has not.
    #[error("the topic {topic} is not in the file, correct `--only`")]
    NotInFile {
        /// By the name that `--only` gives.
        topic: String,
    },
    /// The file is for another cluster.
    #[error("the file is for cluster {wanted}, but this is {found}; check `--bootstrap-server`")]
    WrongCluster {
        /// The file's.
        wanted: String,
        /// The one that answered.
        found: String,
    },
    /// The broker does not show a topic's settings.
    #[error("the broker does not show the settings of the topic {topic}, check the right to DescribeConfigs")]
    SettingsHidden {
        /// By its name, as at the broker.
        topic: String,
    },
    /// The file wants what Kafka cannot do. Nothing was changed.
    #[error(
        "the topic {topic} cannot become as the file says, {difference}; nothing was changed, correct the file"
    )]
    CannotApply {
        /// By its name in the file.
        topic: String,
        /// What differs.
        difference: String,
    },
    /// The controller refuses a change.
    #[error("Kafka refuses the change of the topic {topic}, it says: {said}")]
    ChangeRefused {
        /// By its name in the file.
        topic: String,
        /// Its words.
        said: String,
    },
    /// What was applied is not there.
    #[error(
        "the topic {topic} still differs after the change, {difference}; look for another writer, then run again"
    )]
    NotApplied {
        /// By its name in the file.
        topic: String,
        /// What differs.
        difference: String,
    },
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Shared(error) => error.exit_status(),
            Self::Runtime { .. }
            | Self::Stdout { .. }
            | Self::WriteFile { .. }
            | Self::DataDir { .. }
            | Self::Java { .. }
            | Self::StorageTool { .. }
            | Self::FormatWithoutEffect { .. }
            | Self::SettingsHidden { .. }
            | Self::CannotApply { .. }
            | Self::ChangeRefused { .. }
            | Self::NotApplied { .. } => ExitStatus::Failed,
            _ => ExitStatus::BadConfig,
        }
    }
}
