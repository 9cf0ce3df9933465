//! The consumer under faults, on real parts: three Kafka nodes, an S3 server, several consumers.
//!
//! `feed` writes ticks without a gap; `schedule` makes a list of `fault`s from a seed; `run` has three kinds of lanes
//! work it off side by side (`seat` for each consumer, `brokers`, `store`), which `tally` counts; `verdict` has the
//! audit prove what lies in the bucket and compares it with what was fed.

mod args;
mod brokers;
mod consumer_faults;
mod error;
mod fault;
mod feed;
mod run;
mod schedule;
mod seat;
mod store;
mod tally;
mod verdict;

use std::process::ExitCode;

use clap::Parser;

use args::Args;
use error::Error;
use tally::Tally;

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed();
    let tally = Tally::start(args.faults, seed);
    let runtime = test_bed::runtime().map_err(Error::from);
    let result = runtime.and_then(|runtime| runtime.block_on(run::run(&args, seed, &tally)));
    test_bed::end(&tally.screen, result, |error| {
        matches!(error, Error::Part(test_bed::Error::Interrupted))
    })
}
