//! The whole pipeline on this machine, for somebody who sees it for the first time.
//!
//! `steps` starts the parts in the order in which the data takes them and waits for the ticks in the bucket
//! (`bucket`); `results` shows what lies there; `running` stops all in order, whatever happened.

mod args;
mod bucket;
mod error;
mod feed;
mod results;
mod running;
mod steps;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use test_bed::Screen;

use args::Args;
use error::Error;

fn main() -> ExitCode {
    let args = Args::parse();
    let screen = Screen::since(script_started().unwrap_or_else(SystemTime::now));
    let runtime = test_bed::runtime().map_err(Error::from);
    let result = runtime.and_then(|runtime| runtime.block_on(steps::run(args, &screen)));
    test_bed::end(&screen, result, |error| {
        matches!(error, Error::Part(test_bed::Error::Interrupted))
    })
}

/// When `demo.sh` began, which says it in a variable.
fn script_started() -> Option<SystemTime> {
    let seconds = std::env::var("DEMO_STARTED_AT").ok()?;
    let seconds = seconds.replace(',', ".").parse().ok()?;
    let since_epoch = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}
