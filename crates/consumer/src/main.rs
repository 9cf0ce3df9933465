//! `consumer`: writes the ticks of a Kafka topic to S3.

use std::process::ExitCode;

use consumer::CommandLine;
use pipeline_runtime::{command_line, logs};

#[tokio::main]
async fn main() -> ExitCode {
    let line = command_line::parse::<CommandLine>();
    logs::start(&line.logs);
    consumer::run(line).await
}
