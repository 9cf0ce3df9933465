use std::process::{Child, ExitStatus};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::usage::cpu_time_of;

/// Waits for the child's end, then reads what it used, reaps it and says so.
pub(super) fn reap(
    mut child: Child,
    pid: Pid,
    ended: &Mutex<bool>,
    cpu_time: &OnceLock<Duration>,
    status: &watch::Sender<Option<ExitStatus>>,
) {
    // leaves it a zombie, whose pid cannot be given to another
    if let Err(error) = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
        tracing::warn!("cannot wait for {pid}: {error}");
    }
    if let Some(used) = cpu_time_of(pid) {
        cpu_time.get_or_init(|| used);
    }
    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
    status.send_replace(child.wait().ok());
    *ended = true;
}
