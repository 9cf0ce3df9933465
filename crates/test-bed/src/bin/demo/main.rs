//! The whole pipeline on this machine, for somebody who sees it for the first time.
//!
//! `steps` starts the parts in the order in which the data takes them and waits for the ticks in the bucket
//! (`bucket`); `results` shows what lies there; `running` stops all in order, whatever happened; `screen` writes.

mod args;
mod bucket;
mod error;
mod feed;
mod results;
mod running;
mod screen;
mod steps;

use std::process::ExitCode;

use clap::Parser;

use args::Args;
use error::Error;
use screen::Screen;

fn main() -> ExitCode {
    let args = Args::parse();
    let screen = Screen::start();
    let runtime = tokio::runtime::Runtime::new().map_err(|source| Error::Runtime { source });
    let result = runtime.and_then(|runtime| runtime.block_on(steps::run(args, &screen)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = error.exit_status();
            screen.failure(&format!("{:#}", anyhow::Error::new(error)));
            status
        }
    }
}
