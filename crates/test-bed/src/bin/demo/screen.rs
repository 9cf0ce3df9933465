//! Progress and commands go to stderr, results to stdout; in colour on a terminal, unless `NO_COLOR` is set.

use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use test_bed::Launch;

use crate::error::Error;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// Variables worth showing before a command. Keys and passwords are not among them.
const SHOWN_VARIABLES: &[&str] = &["AWS_ENDPOINT_URL", "TWELVEDATA_API_BASE_URL"];

#[derive(Clone)]
pub(crate) struct Screen {
    started: SystemTime,
    /// Hidden where stderr is no terminal.
    spinner: ProgressBar,
}

impl Screen {
    /// Time counts from the start of `demo.sh`, which says it in a variable, else from now.
    pub(crate) fn start() -> Self {
        let script_started = std::env::var("DEMO_STARTED_AT")
            .ok()
            .and_then(|seconds| seconds.replace(',', ".").parse().ok())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map(|since_epoch| SystemTime::UNIX_EPOCH + since_epoch);
        let spinner = if std::io::stderr().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        spinner.enable_steady_tick(Duration::from_millis(100));
        Self {
            started: script_started.unwrap_or_else(SystemTime::now),
            spinner,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed().unwrap_or_default()
    }

    /// Says what is done now.
    pub(crate) fn step(&self, text: &str) {
        let seconds = self.elapsed().as_secs_f64();
        self.write(&format!("{DIM}{seconds:6.1} s{DIM:#}  {BOLD}{text}{BOLD:#}"));
        self.spinner.set_message(text.to_owned());
    }

    /// Says how far the step is, on a terminal only.
    pub(crate) fn progress(&self, text: String) {
        self.spinner.set_message(text);
    }

    /// Shows a command that is about to run, as one would type it.
    pub(crate) fn command(&self, launch: &Launch) {
        let shown = SHOWN_VARIABLES
            .iter()
            .filter_map(|name| Some(format!("{name}={} ", launch.value_of(name)?.display())));
        let variables: String = shown.collect();
        self.write(&format!("{DIM}          $ {variables}{launch}{DIM:#}"));
    }

    pub(crate) fn failure(&self, text: &str) {
        self.spinner.finish_and_clear();
        self.write(&format!("{RED}error:{RED:#} {text}"));
    }

    /// Writes lines of results.
    pub(crate) fn results(&self, lines: &[String]) -> Result<(), Error> {
        let written = self
            .spinner
            .suspend(|| writeln!(anstream::stdout(), "{}", lines.join("\n")));
        Ok(written?)
    }

    /// A terminal that is gone is no reason to stop.
    fn write(&self, text: &str) {
        self.spinner
            .suspend(|| writeln!(anstream::stderr(), "{text}").ok());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}
