use pipeline_runtime::exit::{ExitStatus, Failure};

use crate::setting::BadSetting;
use crate::{kafka, location, reader, store};

/// What can go wrong in the consumer, room by room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something that the binaries share.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
    /// A setting's value is out of its range.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The prefix of the bucket cannot be written to.
    #[error(transparent)]
    Store(#[from] store::Unusable),
    /// There is no client of the topic.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// It cannot be known where the topic ends.
    #[error(transparent)]
    Location(#[from] location::Error),
    /// The reading ended.
    #[error(transparent)]
    Reader(#[from] reader::Error),
    /// The system gives no thread.
    #[error("the system gives no thread for encoding, look at this host's limits")]
    NoThread {
        /// What it said.
        source: std::io::Error,
    },
    /// A thread of ours ended.
    #[error("a thread of the consumer ended before its time, please report it")]
    Worker {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The result cannot be printed.
    #[error("cannot write the result to stdout")]
    Stdout {
        /// Why.
        source: std::io::Error,
    },
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Runtime(error) => error.exit_status(),
            Self::Setting(_) => ExitStatus::BadConfig,
            Self::Store(error) => error.exit_status(),
            Self::Kafka(error) => error.exit_status(),
            Self::Location(error) => error.exit_status(),
            Self::Reader(error) => error.exit_status(),
            Self::NoThread { .. } | Self::Worker { .. } | Self::Stdout { .. } => ExitStatus::Failed,
        }
    }
}
