//! `consumer`: writes the ticks of a Kafka topic to S3.

use std::process::ExitCode;

use clap::Parser;
use consumer::CommandLine;
use pipeline_runtime::logs;

#[tokio::main]
async fn main() -> ExitCode {
    let line = CommandLine::parse();
    logs::start(&line.logs);
    consumer::run(line).await
}
