use std::net::SocketAddr;
use std::path::PathBuf;

use pipeline_runtime::exit::{ExitStatus, Failure};

/// Why the stand-in does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken or not of this host.
    #[error("cannot listen on {address}, choose a free one with `--listen`, or port 0")]
    Listen {
        /// What was asked to listen on.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The server ended by itself.
    #[error("the server on {address} broke off")]
    Serve {
        /// Where it listened.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Its task ended by itself.
    #[error("the server's task on {address} broke off")]
    Task {
        /// Where it listened.
        address: SocketAddr,
        /// Why.
        source: tokio::task::JoinError,
    },
    /// The file to replay cannot be read.
    #[error("cannot read the ticks in {path}, check the path and its mode")]
    ReplayFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of the file to replay is no tick.
    #[error("{path} line {line}: {reason}; a line is time,bid,ask and, if you like, volume")]
    ReplayLine {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The file to replay has no ticks.
    #[error("{path} holds no ticks, give a file with one tick a line")]
    ReplayEmpty {
        /// The file.
        path: PathBuf,
    },
    /// The symbol to replay would be answered as unknown.
    #[error("`{symbol}` cannot be replayed: it is no symbol, or one that always counts as unknown")]
    ReplaySymbol {
        /// By the name that the replay was to be served under.
        symbol: String,
    },
    /// There is no table of time zones.
    #[error("cannot keep the hours of exchanges without the time zones of this system, install tzdata")]
    TimeZones {
        /// Why.
        source: jiff::Error,
    },
    /// The address cannot be told.
    #[error("cannot write the address to stdout")]
    Stdout {
        /// Why.
        source: std::io::Error,
    },
    /// What it shares with the other binaries failed.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::ReplayFile { .. }
            | Self::ReplayLine { .. }
            | Self::ReplayEmpty { .. }
            | Self::ReplaySymbol { .. }
            | Self::TimeZones { .. } => ExitStatus::BadConfig,
            Self::Runtime(error) => error.exit_status(),
            Self::Listen { .. } | Self::Serve { .. } | Self::Task { .. } | Self::Stdout { .. } => {
                ExitStatus::Failed
            }
        }
    }
}
