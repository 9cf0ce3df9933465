use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::kafka::TopicName;
use rdkafka::error::KafkaError;

/// What can go wrong with the client itself, before or beside its records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client cannot be set up, or the topic is not there.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
    /// The topic cannot be subscribed to.
    #[error("cannot subscribe to the topic {topic}")]
    Subscribe {
        topic: TopicName,
        /// Why.
        source: KafkaError,
    },
    /// librdkafka gives no queue for records.
    #[error("librdkafka gives no queue for the records, look at this host's memory")]
    RecordQueue,
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Runtime(error) => error.exit_status(),
            Self::Subscribe { .. } | Self::RecordQueue => ExitStatus::Failed,
        }
    }
}
