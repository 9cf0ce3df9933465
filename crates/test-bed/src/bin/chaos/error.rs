use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why the run ends badly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Part(#[from] test_bed::Error),
    #[error(transparent)]
    Signals(#[from] pipeline_runtime::Error),
    #[error("the results cannot be written to stdout")]
    Stdout(#[from] std::io::Error),
    #[error("the feed cannot make its Kafka client")]
    FeedClient { source: rdkafka::error::KafkaError },
    #[error("the feed's tick {seq} of session {session} did not reach Kafka")]
    Feed {
        seq: u64,
        session: uuid::Uuid,
        source: rdkafka::error::KafkaError,
    },
    #[error("{name} ended with {status}, which a restart would not mend; its log is {log}")]
    GaveUp {
        name: String,
        status: ExitStatus,
        log: PathBuf,
    },
    #[error("{name} wrote nothing for {within:?}; its log is {log}")]
    Stalled {
        name: String,
        within: Duration,
        log: PathBuf,
    },
    #[error("{name} did not end within {within:?} of SIGTERM; its log is {log}")]
    NotStopped {
        name: String,
        within: Duration,
        log: PathBuf,
    },
    #[error("the audit ended with {status} and wrote no report:\n{log}")]
    NoReport { status: ExitStatus, log: String },
    #[error("{count} things are wrong in the bucket")]
    NotExactlyOnce { count: usize },
    #[error("a part of the run broke off")]
    Lane(#[from] tokio::task::JoinError),
    #[error("seed {seed}, folder {folder}")]
    Kept {
        seed: u64,
        folder: PathBuf,
        source: Box<Self>,
    },
}
