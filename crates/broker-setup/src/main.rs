//! The command line of `broker-setup`.

use std::process::ExitCode;

use broker_setup::{Args, Error, run};
use pipeline_runtime::{command_line, exit, logs};

fn main() -> ExitCode {
    let args = command_line::parse::<Args>();
    logs::start(&args.logs);
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })
        .and_then(|runtime| runtime.block_on(run(args)));
    exit::report(result)
}
