use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rdkafka::error::KafkaError;

/// What can go wrong in starting, using and stopping the parts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tool that `scripts/install_tools.sh` installs is not there.
    #[error("{tool} is not at {path}, run `scripts/install_tools.sh`")]
    ToolMissing {
        /// Which.
        tool: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// One of the workspace's own programs is not built.
    #[error("the program {name} is not at {path}, run `cargo build --workspace`")]
    ProgramMissing {
        /// Which.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file or folder cannot be made, read or written.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No port is free.
    #[error("found no free port on the loopback address")]
    NoPort,
    /// A process cannot be started.
    #[error("cannot start {name}")]
    Spawn {
        /// Its name in the bed.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// A process ended when it should run.
    #[error("{name} ended with {status}; the end of its log:\n{log}")]
    Ended {
        /// Its name in the bed.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// What was waited for did not come.
    #[error("{what} did not come within {within:?}; the end of the log of {name}:\n{log}")]
    Late {
        /// What was waited for.
        what: String,
        /// The process.
        name: String,
        /// How long.
        within: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// Kafka refuses a request.
    #[error("Kafka: cannot {action}")]
    Kafka {
        /// What was asked.
        action: String,
        /// Why not.
        source: KafkaError,
    },
    /// The S3 server refuses a request.
    #[error("S3: cannot {action}")]
    S3 {
        /// What was asked, with bucket and key.
        action: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The fault proxy cannot listen.
    #[error("the fault proxy cannot listen on the loopback address")]
    Proxy {
        /// Why.
        source: std::io::Error,
    },
    /// The program's runtime does not start.
    #[error("the runtime does not start, check the limits on files and memory")]
    Runtime {
        /// Why.
        source: std::io::Error,
    },
    /// A signal asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// An object does not hold what its name says.
    #[error("the object {key} cannot be read: {reason}")]
    Object {
        /// From the bucket's root.
        key: String,
        /// What is wrong.
        reason: String,
    },
}
