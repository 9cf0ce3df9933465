//! Notices to systemd, for units with `Type=notify`. Without systemd they do nothing.

use sd_notify::NotifyState;
use tracing::debug;

/// The service does its work now.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// The service drains.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// The main loop went round: to be called from the loop itself, never from a timer of its own, so that a
/// loop that hangs is seen.
pub fn alive() {
    send(&[NotifyState::Watchdog]);
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
