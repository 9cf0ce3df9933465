//! Shutdown: the first SIGTERM or SIGINT asks for a drain, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Error, logs};

/// Gives the token that the first signal cancels. Must be called inside a tokio runtime.
///
/// # Errors
///
/// [`Error::Signals`] if the process may not listen for signals.
pub fn on_signals() -> Result<CancellationToken, Error> {
    let listen = |kind| signal(kind).map_err(|source| Error::Signals { source });
    let mut sigterm = listen(SignalKind::terminate())?;
    let mut sigint = listen(SignalKind::interrupt())?;
    let mut next_signal = async move || {
        tokio::select! {
            _ = sigterm.recv() => ("SIGTERM", 15),
            _ = sigint.recv() => ("SIGINT", 2),
        }
    };
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        let (name, _) = next_signal().await;
        info!("{name}: stopping, a second signal ends at once");
        first.cancel();
        let (name, number) = next_signal().await;
        warn!("{name} again: ending without waiting");
        end_now(128 + number);
    });
    Ok(token)
}

#[expect(clippy::exit, reason = "the second signal's meaning is to wait for nothing")]
fn end_now(status: i32) -> ! {
    logs::flush();
    std::process::exit(status)
}
