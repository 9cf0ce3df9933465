use std::time::Duration;

use nix::unistd::Pid;

use super::Process;

/// Linux tells programs CPU time in hundredths of a second, whatever it counts by itself.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// What a process has used of the machine so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all its threads, in user mode and in the kernel's.
    pub cpu_time: Duration,
    /// The most memory that it had resident.
    pub memory_peak_bytes: u64,
}

impl Usage {
    /// Of this process. Nothing where there is no `/proc`.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        Self::of(Pid::this())
    }

    fn of(pid: Pid) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self {
            cpu_time: cpu_time_of(pid)?,
            memory_peak_bytes: memory_peak_bytes(&status)?,
        })
    }
}

impl Process {
    /// What it has used, while it runs.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.pid)
    }

    /// All the CPU time that it used, once it has ended.
    #[must_use]
    pub fn total_cpu_time(&self) -> Option<Duration> {
        self.cpu_time.get().copied()
    }
}

/// CPU time of a process that runs, or has ended and is not reaped yet.
pub(super) fn cpu_time_of(pid: Pid) -> Option<Duration> {
    cpu_time(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// From `/proc/PID/stat`: the fields 14 and 15. The second is the program's name in parentheses, which may hold
/// spaces and parentheses itself.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, from_third) = stat.rsplit_once(") ")?;
    let mut fields = from_third.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(CLOCK_TICK * (user + system))
}

/// From `/proc/PID/status`.
fn memory_peak_bytes(status: &str) -> Option<u64> {
    let of_peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = of_peak.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = "7 (a) R b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 4 0 1 2 3";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_time("7 (a"), None);
    }

    #[test]
    fn the_peak_is_not_what_is_resident_now() {
        let status = "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory_peak_bytes(status), Some(2 * 1024 * 1024));
        assert_eq!(memory_peak_bytes("Name:\ta\n"), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(Usage::of_this_process().unwrap().memory_peak_bytes > 0);
    }
}
