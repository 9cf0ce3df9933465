//! Exit status of the binaries, for shells and for systemd's `RestartPreventExitStatus=`.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use tracing::{error, warn};

use crate::logs;

/// How a program ends. Usage errors are clap's own, status 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitStatus {
    /// 0: done, also after SIGTERM with all flushed.
    Done,
    /// 1: failed; another try may succeed.
    Failed,
    /// 3: done, and what was compared differs (`topics plan`).
    Differences,
    /// 77, `EX_NOPERM`: refused, and a restart would be refused again (a bad API key).
    NoPermission,
    /// 78, `EX_CONFIG`: a setting is wrong, and a restart cannot mend it.
    BadConfig,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Done => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Differences => 3,
            ExitStatus::NoPermission => 77,
            ExitStatus::BadConfig => 78,
        })
    }
}

/// An error that knows with which status the program ends for it.
pub trait Failure {
    /// What `main` returns for it, and systemd sees.
    fn exit_status(&self) -> ExitStatus;
}

/// Logs an error with all its causes on one line and gives the status to leave `main` with.
pub fn report<E>(result: Result<ExitStatus, E>) -> ExitCode
where
    E: Failure + std::error::Error + 'static,
{
    let status = result.unwrap_or_else(|failure| {
        error!("{}", with_causes(&failure));
        failure.exit_status()
    });
    logs::flush();
    status.into()
}

/// Prints what a service did, one line of JSON on stdout. The work is done: a stdout that takes no line changes nothing.
pub fn print_summary(summary: &impl Serialize) {
    let printed = serde_json::to_string(summary)
        .map_err(io::Error::from)
        .and_then(|line| writeln!(io::stdout(), "{line}"));
    if let Err(error) = printed {
        warn!("the summary cannot be printed: {error}");
    }
}

/// An error with its causes on one line. A cause that the text before it ends with already, as librdkafka's do, is
/// not said twice.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.trim_end_matches(')').ends_with(text.trim_end_matches(')')) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use rdkafka::error::{KafkaError, RDKafkaErrorCode};

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let source = KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure);
        let error = crate::Error::ClientConfig { source };
        let line = with_causes(&error);
        assert_eq!(line.matches("BrokerTransportFailure").count(), 1, "{line}");
        assert!(line.starts_with("librdkafka refuses"), "{line}");
    }
}
