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
    let runtime = tokio::runtime::Runtime::new().map_err(|source| Error::Runtime { source });
    let result = runtime.and_then(|runtime| runtime.block_on(run::run(&args, seed, &tally)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = error.exit_status();
            tally.screen.failure(&format!("{:#}", anyhow::Error::new(error)));
            status
        }
    }
}
