//! Notices to systemd, for units with `Type=notify`. Without systemd they do nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use sd_notify::NotifyState;
use tracing::debug;

/// How much longer a start may take from each sign of life on.
const START_EXTENSION_US: u32 = 120_000_000;

/// Signs of life extend the start until then.
static IS_READY: AtomicBool = AtomicBool::new(false);

/// The service has proven itself: its data has come through.
pub fn ready() {
    IS_READY.store(true, Ordering::Relaxed);
    send(&[NotifyState::Ready]);
}

/// The service drains.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// The main loop went round: to be called from the loop itself, never from a timer of its own, so that a
/// loop that hangs is seen. Before [`ready`] it also gives the start more time.
pub fn alive() {
    if IS_READY.load(Ordering::Relaxed) {
        send(&[NotifyState::Watchdog]);
    } else {
        send(&[
            NotifyState::Watchdog,
            NotifyState::ExtendTimeoutUsec(START_EXTENSION_US),
        ]);
    }
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    send(&[NotifyState::Status(line)]);
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!("systemd takes no notice: {error}");
    }
}
