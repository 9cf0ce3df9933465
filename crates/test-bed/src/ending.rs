use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::{Error, Result, Screen};

/// As a shell has it for SIGINT.
const INTERRUPTED: u8 = 130;

/// What the demo, the benchmark and chaos run on.
///
/// # Errors
///
/// [`Error::Runtime`] if the system has no threads or files left.
pub fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(|source| Error::Runtime { source })
}

/// Tells on the screen why one of them failed, and gives the status to end with.
pub fn end<E>(
    screen: &Screen,
    result: std::result::Result<(), E>,
    is_interruption: fn(&E) -> bool,
) -> ExitCode
where
    E: std::error::Error + Send + Sync + 'static,
{
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let status = if is_interruption(&error) {
        ExitCode::from(INTERRUPTED)
    } else {
        ExitCode::FAILURE
    };
    screen.failure(&format!("{:#}", anyhow::Error::new(error)));
    status
}
