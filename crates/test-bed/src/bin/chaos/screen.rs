//! Progress and a line a fault go to stderr, results to stdout; in colour on a terminal, unless `NO_COLOR` is set.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Error;
use crate::fault::Fault;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// Clones write to the same screen.
#[derive(Clone)]
pub(crate) struct Screen {
    started: Instant,
    /// Hidden where stderr is no terminal.
    bar: ProgressBar,
    planned: usize,
    done: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Screen {
    pub(crate) fn start(planned: usize, seed: u64) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(planned as u64)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} faults  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        let screen = Self {
            started: Instant::now(),
            bar,
            planned,
            done: Arc::default(),
        };
        screen.step(&format!("{planned} faults from seed {seed}"));
        screen
    }

    /// Says what is done now.
    pub(crate) fn step(&self, text: &str) {
        self.line(&format!("{BOLD}{text}{BOLD:#}"));
    }

    /// Says how far the step is, on a terminal only.
    pub(crate) fn progress(&self, text: String) {
        self.bar.set_message(text);
    }

    /// Says that something happened that is no fault of ours.
    pub(crate) fn note(&self, text: &str) {
        self.line(&format!("{DIM}{text}{DIM:#}"));
    }

    /// Counts a fault and says that it is over.
    pub(crate) fn fault(&self, fault: &Fault) {
        let count: usize = {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            *done.entry(fault.kind()).or_default() += 1;
            done.values().sum()
        };
        self.bar.set_position(count as u64);
        self.line(&format!("{count}/{}  {fault}", self.planned));
    }

    /// The faults so far, by kind.
    pub(crate) fn faults(&self) -> BTreeMap<&'static str, usize> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn failure(&self, text: &str) {
        self.bar.finish_and_clear();
        self.write(&format!("{RED}error:{RED:#} {text}"));
    }

    /// Writes lines of results.
    pub(crate) fn results(&self, lines: &[String]) -> Result<(), Error> {
        let written = self
            .bar
            .suspend(|| writeln!(anstream::stdout(), "{}", lines.join("\n")));
        Ok(written?)
    }

    fn line(&self, text: &str) {
        let seconds = self.elapsed().as_secs_f64();
        self.write(&format!("{DIM}{seconds:6.1} s{DIM:#}  {text}"));
    }

    /// A terminal that is gone is no reason to stop.
    fn write(&self, text: &str) {
        self.bar.suspend(|| writeln!(anstream::stderr(), "{text}").ok());
    }
}
