//! `producer`: quotes from Twelve Data to Kafka.

use std::process::ExitCode;

use clap::Parser;
use pipeline_runtime::exit::{self, ExitStatus};
use pipeline_runtime::logs;
use producer::{Args, Error, run};

fn main() -> ExitCode {
    let args = Args::parse();
    logs::start(&args.logs);
    exit::report(produce(args))
}

fn produce(args: Args) -> Result<ExitStatus, Error> {
    let only_checks = args.check_settings;
    let config = args.into_config()?;
    if only_checks {
        return Ok(ExitStatus::Done);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })?;
    let result = runtime.block_on(run(config));
    runtime.shutdown_background();
    result
}
