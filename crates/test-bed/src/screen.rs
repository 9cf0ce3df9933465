//! Progress and commands go to stderr, results to stdout; in colour on a terminal, unless `NO_COLOR` is set.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;

use crate::Launch;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// Variables worth showing before a command. Keys and passwords are not among them.
const SHOWN_VARIABLES: &[&str] = &["AWS_ENDPOINT_URL", "TWELVEDATA_API_BASE_URL"];

/// What somebody sees who runs the demo, the benchmark or chaos.
#[derive(Clone, Debug)]
pub struct Screen {
    started: SystemTime,
    /// Hidden where stderr is no terminal.
    spinner: ProgressBar,
}

impl Screen {
    /// Steps are shown with the time since `started`.
    #[must_use]
    pub fn since(started: SystemTime) -> Self {
        let spinner = if io::stderr().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        spinner.enable_steady_tick(Duration::from_millis(100));
        Self { started, spinner }
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed().unwrap_or_default()
    }

    /// Says what is done now.
    pub fn step(&self, text: &str) {
        self.note(&format!("{BOLD}{text}{BOLD:#}"));
        self.spinner.set_message(text.to_owned());
    }

    /// Says what has happened meanwhile.
    pub fn note(&self, text: &str) {
        let seconds = self.elapsed().as_secs_f64();
        self.write(&format!("{DIM}{seconds:6.1} s{DIM:#}  {text}"));
    }

    /// Says how far the step is, on a terminal only.
    pub fn progress(&self, text: String) {
        self.spinner.set_message(text);
    }

    /// Shows a command that is about to run, as one would type it.
    pub fn command(&self, launch: &Launch) {
        let shown = SHOWN_VARIABLES
            .iter()
            .filter_map(|name| Some(format!("{name}={} ", launch.value_of(name)?.display())));
        let variables: String = shown.collect();
        self.write(&format!("{DIM}          $ {variables}{launch}{DIM:#}"));
    }

    /// Says why it ends.
    pub fn failure(&self, text: &str) {
        self.spinner.finish_and_clear();
        self.write(&format!("{RED}error:{RED:#} {text}"));
    }

    /// Writes lines of results.
    ///
    /// # Errors
    ///
    /// If stdout does not take them.
    pub fn results(&self, lines: &[String]) -> io::Result<()> {
        self.spinner
            .suspend(|| writeln!(anstream::stdout(), "{}", lines.join("\n")))
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
