//! How fast the consumer is, beside what it is built on.
//!
//! `fill` writes a topic once, with ticks of a made-up `market`. Each of the `contenders` then goes through all of
//! it: the consumer (`drain`), and as a `reference` its parts alone, each in a child process. `outcome` keeps the
//! figures of all runs, `table` shows them.

mod args;
mod contenders;
mod drain;
mod error;
mod figures;
mod fill;
mod market;
mod outcome;
mod progress;
mod reference;
mod stage;
mod steps;
mod stored;
mod table;

use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use test_bed::Screen;

use args::{Args, Command};
use error::Error;

fn main() -> ExitCode {
    let args = Args::parse();
    let screen = Screen::since(SystemTime::now());
    let result = match args.command {
        Some(Command::Reference(args)) => reference::run(&args).and_then(|figures| print(&screen, &figures)),
        None => test_bed::runtime()
            .map_err(Error::from)
            .and_then(|runtime| runtime.block_on(steps::run(&args.plan, &screen))),
    };
    test_bed::end(&screen, result, |_| false)
}

fn print(screen: &Screen, figures: &figures::Figures) -> Result<(), Error> {
    let json = serde_json::to_string(figures).map_err(|source| Error::Json { source })?;
    Ok(screen.results(&[json])?)
}
