//! `consumer`: writes the ticks of a Kafka topic to S3.

use std::process::ExitCode;

use consumer::CommandLine;
use pipeline_runtime::{command_line, logs};
use tokio::runtime::Runtime;
use tracing::error;

fn main() -> ExitCode {
    let line = command_line::parse::<CommandLine>();
    logs::start(&line.logs);
    match Runtime::new() {
        Ok(runtime) => {
            let status = runtime.block_on(consumer::run(line));
            // what still asks a broker that hangs is not waited for
            runtime.shutdown_background();
            status
        }
        Err(error) => {
            error!(%error, "the system gives no threads, look at this host's limits");
            ExitCode::FAILURE
        }
    }
}
