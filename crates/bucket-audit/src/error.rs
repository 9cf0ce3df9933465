use jiff::SignedDuration;
use pipeline_runtime::exit::{ExitStatus, Failure};
use rdkafka::error::KafkaError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bucket cannot be read to its end.
    #[error(transparent)]
    Bucket(#[from] bucket_reader::Error),
    /// Something that the binaries share.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
    /// Kafka does not answer.
    #[error("the brokers do not {what} of the topic {topic}, check `--brokers`, `--group` and their ACLs")]
    Log {
        /// By its name at the brokers.
        topic: String,
        /// What was asked.
        what: &'static str,
        /// What librdkafka says.
        source: KafkaError,
    },
    /// Records that should be there do not come.
    #[error(
        "no record of topic {topic}, partition {partition} came for {waited:#}, look at the brokers and try again"
    )]
    Stalled {
        /// By its name at the brokers.
        topic: String,
        /// Counted from 0.
        partition: i32,
        /// For how long.
        waited: SignedDuration,
    },
    /// A thread of ours ended.
    #[error("a thread of the audit ended before its time, please report it")]
    Worker {
        /// Why.
        source: tokio::task::JoinError,
    },
    /// The report cannot be written.
    #[error("cannot write the report to stdout")]
    Stdout {
        /// Why.
        source: std::io::Error,
    },
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Bucket(error) => error.exit_status(),
            Self::Runtime(error) => error.exit_status(),
            _ => ExitStatus::Failed,
        }
    }
}
