use std::path::PathBuf;

use rdkafka::error::KafkaError;

use crate::exit::{ExitStatus, Failure};

/// What can go wrong in what the binaries share.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `-X` argument is not `key=value`.
    #[error("`{argument}` is not a librdkafka property, write `key=value` or `key=@file`")]
    Property {
        /// As it was given.
        argument: String,
    },
    /// The file that a `-X key=@file` names cannot be read.
    #[error("cannot read the value of the property {key} from {path}, check the path and its mode")]
    PropertyFile {
        /// The property.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A `-X` property would break what the program promises.
    #[error("the property {key} is always `{value}` here, because {reason}; leave it out")]
    FixedProperty {
        /// The property.
        key: &'static str,
        /// Its fixed value.
        value: &'static str,
        /// Why it is fixed.
        reason: &'static str,
    },
    /// The topic's name breaks Kafka's rules.
    #[error("`{name}` is not a topic name, use 1 to 249 of letters, digits, `.`, `_` and `-`")]
    TopicName {
        /// As it was given.
        name: String,
    },
    /// The prefix cannot be one.
    #[error("`{prefix}` is not a prefix: {reason}")]
    Prefix {
        /// What was asked.
        prefix: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// librdkafka takes none of the configuration.
    #[error("librdkafka refuses the configuration, check each `-X`")]
    ClientConfig {
        /// What it says.
        source: KafkaError,
    },
    /// The metrics cannot be served.
    #[error("cannot serve metrics at {address}, choose a free port of this host")]
    Metrics {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: metrics_exporter_prometheus::BuildError,
    },
    /// No broker answers.
    #[error(
        "no Kafka broker answers at {brokers}{}; refused: the broker is stopped, silence: a security group or \
         firewall is closed; `broker-setup wait` run from here says which",
        in_brackets(reason.as_ref())
    )]
    BrokerUnreachable {
        /// The bootstrap servers.
        brokers: String,
        /// What librdkafka said last while it tried.
        reason: Option<String>,
        /// What it says in the end.
        source: KafkaError,
    },
    /// The address that a partition's leader advertises does not answer.
    #[error(
        "{address} does not answer, which Kafka at {brokers} advertises for {partitions} partitions of the topic \
         {topic}{hint}; set that broker's `advertised.listeners` to an address that this host reaches, or open its \
         port; `broker-setup doctor` run from here tests it"
    )]
    LeaderUnreachable {
        /// What is advertised.
        address: String,
        /// The bootstrap servers.
        brokers: String,
        /// By its name, of which the leader has those partitions.
        topic: String,
        /// How many of its partitions are led there.
        partitions: usize,
        /// What is wrong with the address, where that can be seen.
        hint: &'static str,
        /// What librdkafka says.
        source: KafkaError,
    },
    /// The broker refuses the login.
    #[error(
        "Kafka at {brokers} refuses the login ({reason}); check `-X sasl.mechanism`, and `-X sasl.username` and \
         `-X sasl.password=@FILE`, or for a login by IAM the region and the permission `kafka-cluster:Connect`"
    )]
    LoginRefused {
        /// The bootstrap servers.
        brokers: String,
        /// What librdkafka says.
        reason: String,
    },
    /// No source gives AWS credentials to log in to Kafka with.
    #[error(
        "there are no AWS credentials for the login to Kafka by OAUTHBEARER, set AWS_PROFILE or AWS_ACCESS_KEY_ID \
         and AWS_SECRET_ACCESS_KEY, or give this host a role"
    )]
    NoKafkaCredentials {
        /// What the SDK says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A token for Kafka cannot be signed although there are credentials.
    #[error(
        "cannot sign a token for the login to Kafka, check `AWS_REGION` and this host's limit of threads"
    )]
    TokenNotSigned {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing would make a token of `sasl.oauthbearer.config`.
    #[error(
        "the property sasl.oauthbearer.config alone gives no token; leave it out to log in by IAM, or add \
         `-X enable.sasl.oauthbearer.unsecure.jwt=true` for tests"
    )]
    NoTokenSource,
    /// The broker's certificate is not trusted.
    #[error(
        "the TLS certificate of Kafka at {brokers} is not trusted ({reason}); name its CA with \
         `-X ssl.ca.location=FILE`, and the brokers as the certificate does"
    )]
    CertificateRefused {
        /// The bootstrap servers.
        brokers: String,
        /// What librdkafka says.
        reason: String,
    },
    /// The broker has no such topic.
    #[error("the topic {topic} is not at {brokers}, make it with `broker-setup topics apply`")]
    TopicMissing {
        /// As it was asked for; names are told apart by case.
        topic: String,
        /// The bootstrap servers.
        brokers: String,
    },
    /// The broker says something else of the topic.
    #[error(
        "the broker at {brokers} refuses to describe the topic {topic}, allow the user to read, write or describe it by an ACL"
    )]
    TopicRefused {
        /// As it was asked for.
        topic: String,
        /// The bootstrap servers.
        brokers: String,
        /// What it says.
        source: KafkaError,
    },
    /// What may pass has not passed.
    #[error("asked {times} times: {source}")]
    AskedAgain {
        /// How often, with a pause before each time but the first.
        times: usize,
        /// The last answer.
        source: Box<Self>,
    },
    /// The bucket's name breaks the rules of S3.
    #[error("`{name}` is not a bucket name, use 3 to 63 of lower-case letters, digits, `-` and `.`")]
    BucketName {
        /// As it was given.
        name: String,
    },
    /// Nothing tells the region.
    #[error("no AWS region is set, set `AWS_REGION` or `region` in the profile")]
    NoRegion,
    /// The file of certificates to trust is none.
    #[error("{path}, which {setting} names, holds no certificates to trust, expected PEM")]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What names it.
        setting: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The signals cannot be listened to.
    #[error("cannot listen for SIGTERM and SIGINT")]
    Signals {
        /// Why.
        source: std::io::Error,
    },
}

fn in_brackets(reason: Option<&String>) -> String {
    reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::AskedAgain { source, .. } => source.exit_status(),
            Self::Property { .. }
            | Self::PropertyFile { .. }
            | Self::FixedProperty { .. }
            | Self::TopicName { .. }
            | Self::BucketName { .. }
            | Self::Prefix { .. }
            | Self::NoRegion
            | Self::CaBundle { .. }
            | Self::NoTokenSource
            | Self::CertificateRefused { .. }
            | Self::ClientConfig { .. } => ExitStatus::BadConfig,
            Self::LoginRefused { .. } | Self::TopicRefused { .. } => ExitStatus::NoPermission,
            Self::Metrics { .. }
            | Self::BrokerUnreachable { .. }
            | Self::LeaderUnreachable { .. }
            | Self::NoKafkaCredentials { .. }
            | Self::TokenNotSigned { .. }
            | Self::TopicMissing { .. }
            | Self::Signals { .. } => ExitStatus::Failed,
        }
    }
}
