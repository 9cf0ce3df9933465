mod reaper;
mod usage;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::sync::watch;

use crate::port::Ports;
use crate::{Bed, Error, Result, spawner};
pub use usage::Usage;

/// Variables that a child inherits. All others are kept from it, so that the caller's settings do not leak in.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "TMPDIR",
    "JAVA_HOME",
    "RUST_BACKTRACE",
];

/// The variable of the flag `--metrics-listen`.
const METRICS_VARIABLE: &str = "METRICS_LISTEN";

/// How often a log is looked at for a line.
const LOG_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What to start: a program, its arguments and its variables. Shown as one would type it.
#[derive(Clone, Debug)]
pub struct Launch {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(String, OsString)>,
}

impl Launch {
    /// A launch of `program`. The name is for the log's file and for messages.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Sets variables.
    #[must_use]
    pub fn variables(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl AsRef<OsStr>)>,
    ) -> Self {
        for (name, value) in variables {
            self = self.variable(name, value);
        }
        self
    }

    /// Sets a variable no more.
    #[must_use]
    pub fn without(mut self, variable: &str) -> Self {
        self.variables.retain(|(name, _)| name != variable);
        self
    }

    /// Has the program serve its metrics at a port of its own, which [`Process::metrics_address`] tells.
    ///
    /// # Errors
    ///
    /// [`Error::NoPort`] if there is none.
    pub fn serving_metrics(self) -> Result<Self> {
        let ports = Ports::reserve(1)?;
        let address = ports.numbers().first().map(|port| format!("127.0.0.1:{port}"));
        ports.release();
        Ok(self.variable(METRICS_VARIABLE, address.ok_or(Error::NoPort)?))
    }

    /// Passes variables of this process on, where they are set.
    #[must_use]
    pub fn inherit<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            if let Some(value) = std::env::var_os(name) {
                self = self.variable(name, value);
            }
        }
        self
    }

    /// The value that a variable is set to.
    #[must_use]
    pub fn value_of(&self, variable: &str) -> Option<&OsStr> {
        let mut of_name = self.variables.iter().rev().filter(|(name, _)| name == variable);
        of_name.next().map(|(_, value)| value.as_os_str())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.args)
            .env_clear()
            .envs(
                INHERITED
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }
}

impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program.file_name().unwrap_or_default().to_string_lossy())?;
        for arg in &self.args {
            let arg = arg.to_string_lossy();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.:,@%+".contains(c);
            if !arg.is_empty() && arg.chars().all(is_plain) {
                write!(f, " {arg}")?;
            } else {
                write!(f, " '{}'", arg.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// A child process that runs or ran on the bed. Killed and reaped when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    stdout: PathBuf,
    log: PathBuf,
    /// Held while the child is reaped: under it, a pid that has not ended is still the child's.
    ended: Arc<Mutex<bool>>,
    status: watch::Receiver<Option<ExitStatus>>,
    metrics_address: Option<String>,
    /// All that it used, known once it has ended.
    cpu_time: Arc<OnceLock<Duration>>,
    reaper: Option<JoinHandle<()>>,
    // the folder outlives the process
    _bed: Bed,
}

impl Process {
    /// Starts a process. What it writes is appended to `NAME.stdout` and `NAME.log` on the bed.
    ///
    /// # Errors
    ///
    /// [`Error::Spawn`], or [`Error::File`] for its log.
    pub fn start(bed: &Bed, launch: &Launch) -> Result<Self> {
        let stdout = append_to(&stdout_of(bed, launch))?;
        let log = append_to(&log_of(bed, launch))?;
        Self::start_writing_to(bed, launch, stdout, log)
    }

    /// The same with a stdout and a stderr of the caller's, of which the process has no log here.
    ///
    /// # Errors
    ///
    /// [`Error::Spawn`].
    pub fn start_writing_to(
        bed: &Bed,
        launch: &Launch,
        stdout: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
    ) -> Result<Self> {
        bed.starts(launch);
        let mut command = launch.command();
        command.stdout(stdout).stderr(stderr);
        let child = spawner::spawn(command).map_err(|source| Error::Spawn {
            name: launch.name.clone(),
            source,
        })?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let ended = Arc::new(Mutex::new(false));
        let cpu_time = Arc::new(OnceLock::new());
        let (sender, status) = watch::channel(None);
        let reaper = std::thread::spawn({
            let (ended, cpu_time) = (Arc::clone(&ended), Arc::clone(&cpu_time));
            move || reaper::reap(child, pid, &ended, &cpu_time, &sender)
        });
        Ok(Self {
            name: launch.name.clone(),
            pid,
            stdout: stdout_of(bed, launch),
            log: log_of(bed, launch),
            ended,
            status,
            metrics_address: launch
                .value_of(METRICS_VARIABLE)
                .map(|address| address.to_string_lossy().into_owned()),
            cpu_time,
            reaper: Some(reaper),
            _bed: bed.clone(),
        })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Where it serves its metrics, if it was asked to by [`Launch::serving_metrics`].
    #[must_use]
    pub fn metrics_address(&self) -> Option<&str> {
        self.metrics_address.as_deref()
    }

    /// Sends a signal, unless the process has ended.
    pub fn signal(&self, signal: Signal) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended && let Err(error) = kill(self.pid, signal) {
            tracing::warn!("{signal} does not reach {}: {error}", self.name);
        }
    }

    /// Ends it together with what it started itself.
    fn kill_group(&self) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended && let Err(error) = killpg(self.pid, Signal::SIGKILL) {
            tracing::warn!("{} cannot be killed: {error}", self.name);
        }
    }

    /// Asks the process to stop, by SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// How the process ended, or nothing while it runs.
    #[must_use]
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.status.borrow()
    }

    /// Waits until the process ends.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if it still runs after `within`.
    pub async fn end(&self, within: Duration) -> Result<ExitStatus> {
        let mut status = self.status.clone();
        let ended = tokio::time::timeout(within, status.wait_for(Option::is_some)).await;
        let status = ended.ok().and_then(|status| *status.ok()?);
        status.ok_or_else(|| self.late("the end", within))
    }

    /// Waits until the process ends well.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if its status is not 0, [`Error::Late`] if it still runs after `within`.
    pub async fn success(&self, within: Duration) -> Result<()> {
        let status = self.end(within).await?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(status))
        }
    }

    /// Asks the process to stop by SIGTERM and waits until it has. Kills it if it does not.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if it had to be killed.
    pub async fn stop(&self, within: Duration) -> Result<ExitStatus> {
        self.terminate();
        let ended = self.end(within).await;
        if ended.is_err() {
            self.kill().await?;
        }
        ended
    }

    /// Ends the process by SIGKILL and waits until it is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if the kernel does not let it go.
    pub async fn kill(&self) -> Result<ExitStatus> {
        self.kill_group();
        self.end(Duration::from_secs(30)).await
    }

    /// Waits until its log holds a line with this text, and gives the line.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if it ends before, [`Error::Late`] if the line does not come.
    pub async fn line(&self, text: &str, within: Duration) -> Result<String> {
        let find = || async {
            // in this order: what it wrote before its end counts
            let status = self.ended();
            match (self.log().lines().find(|line| line.contains(text)), status) {
                (Some(line), _) => Ok(Ok(line.to_owned())),
                (None, Some(status)) => Ok(Err(self.failed(status))),
                (None, None) => Err(()),
            }
        };
        find.retry(polling(within))
            .await
            .unwrap_or_else(|()| Err(self.late(&format!("the line `{text}`"), within)))
    }

    /// All that it wrote to stderr so far.
    #[must_use]
    pub fn log(&self) -> String {
        text_of(&self.log)
    }

    /// All that it wrote to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        text_of(&self.stdout)
    }

    /// The error for something that did not come in time.
    pub(crate) fn late(&self, what: &str, within: Duration) -> Error {
        Error::Late {
            what: what.to_owned(),
            name: self.name.clone(),
            within,
            log: self.end_of_log(),
        }
    }

    /// The error of a process that ended badly; none while it runs.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        let status = self.ended().filter(|status| !status.success())?;
        Some(self.failed(status))
    }

    /// Waits until a process ends that should not, and gives the error for it.
    pub async fn failure_to_come(&self) -> Error {
        loop {
            if let Ok(status) = self.end(Duration::from_hours(1)).await {
                return self.failed(status);
            }
        }
    }

    /// The error for an end that was not due.
    #[must_use]
    pub fn failed(&self, status: ExitStatus) -> Error {
        Error::Ended {
            name: self.name.clone(),
            status,
            log: self.end_of_log(),
        }
    }

    fn end_of_log(&self) -> String {
        const LINES: usize = 20;
        let text = self.stdout() + &self.log();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
        if let Some(reaper) = self.reaper.take()
            && reaper.join().is_err()
        {
            tracing::warn!("{} may not be reaped", self.name);
        }
    }
}

/// Polls for as long as `within`.
pub(crate) fn polling(within: Duration) -> ConstantBuilder {
    let times = within.as_millis() / LOG_POLL_INTERVAL.as_millis();
    ConstantBuilder::default()
        .with_delay(LOG_POLL_INTERVAL)
        .with_max_times(usize::try_from(times).unwrap_or(usize::MAX))
}

fn stdout_of(bed: &Bed, launch: &Launch) -> PathBuf {
    bed.path().join(format!("{}.stdout", launch.name))
}

fn log_of(bed: &Bed, launch: &Launch) -> PathBuf {
    bed.path().join(format!("{}.log", launch.name))
}

fn append_to(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })
}

fn text_of(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
