//! The command line of `broker-setup`.

use std::process::ExitCode;

use broker_setup::{Args, Error, run};
use clap::Parser;
use pipeline_runtime::{exit, logs};

fn main() -> ExitCode {
    let args = Args::parse();
    logs::start(&args.logs);
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })
        .and_then(|runtime| runtime.block_on(run(args)));
    exit::report(result)
}
