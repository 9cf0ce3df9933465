//! A stand-in for the Twelve Data API, for tests and the demo.

use std::process::ExitCode;

use clap::Parser;
use pipeline_runtime::{exit, logs};
use twelve_data_stand_in::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    logs::start(&args.logs);
    exit::report(run(args).await)
}
