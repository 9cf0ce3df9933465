use std::path::PathBuf;
use std::time::Duration;

use rdkafka::error::KafkaError;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Part(#[from] test_bed::Error),
    #[error("the thread that fills the topic broke off")]
    Filling(#[from] tokio::task::JoinError),
    #[error("the results cannot be written to stdout")]
    Stdout(#[from] std::io::Error),
    #[error("{path} cannot be written, choose another file for `--json`")]
    JsonFile { path: PathBuf, source: std::io::Error },
    #[error("figures cannot be written as JSON")]
    Json { source: serde_json::Error },
    #[error("{ticks} ticks cannot be shared evenly by all objects of all partitions; take `--ticks {next}`")]
    Uneven { ticks: u64, next: u64 },
    #[error("Kafka: cannot {action}")]
    Kafka {
        action: &'static str,
        source: KafkaError,
    },
    #[error("a made-up price is no tick, which is a fault of the benchmark")]
    Tick(#[from] quote_model::Error),
    #[error("the topic holds {found} ticks instead of {expected}")]
    NotFilled { found: u64, expected: u64 },
    #[error(
        "no more than {read} of {expected} ticks were read, nothing came for {within:?}; look at Kafka's log"
    )]
    ReadStalled {
        read: u64,
        expected: u64,
        within: Duration,
    },
    #[error("a record of the topic is no tick, at offset {offset}")]
    NotATick {
        offset: usize,
        source: quote_model::Error,
    },
    #[error("a record of the topic is no JSON, at offset {offset}")]
    NotJson {
        offset: usize,
        source: serde_json::Error,
    },
    #[error("the compressor fails")]
    Compress { source: std::io::Error },
    #[error("`/proc` does not tell what {name} has used; the benchmark needs Linux")]
    NoUsage { name: String },
    #[error("{name} wrote something else than its figures: {text}")]
    NotFigures {
        name: String,
        text: String,
        source: serde_json::Error,
    },
    #[error(
        "{name}: no offset was committed for {within:?}, {committed} of {expected} ticks are stored; its log:\n{log}"
    )]
    DrainStalled {
        name: String,
        committed: u64,
        expected: u64,
        within: Duration,
        log: String,
    },
    #[error("{name}: the audit counts {found} ticks instead of {expected}")]
    NotAllStored { name: String, found: u64, expected: u64 },
}
