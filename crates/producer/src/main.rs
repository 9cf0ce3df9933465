//! `producer`: quotes from Twelve Data to Kafka.

use std::process::ExitCode;

use pipeline_runtime::exit::{self, ExitStatus};
use pipeline_runtime::{command_line, logs};
use producer::{Command, CommandLine, Error, doctor, run};

fn main() -> ExitCode {
    let line = command_line::parse::<CommandLine>();
    let (args, output) = match line.command {
        Some(Command::Doctor(doctor)) => (doctor.args, Some(doctor.output)),
        None => (line.args, None),
    };
    logs::start(&args.logs);
    exit::report(do_it(args, output))
}

fn do_it(args: producer::Args, output: Option<producer::Output>) -> Result<ExitStatus, Error> {
    let only_checks = args.check_settings;
    let config = args.into_config()?;
    if only_checks {
        return Ok(ExitStatus::Done);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })?;
    let result = runtime.block_on(async {
        match output {
            Some(output) => Box::pin(doctor(config, output)).await,
            None => Box::pin(run(config)).await,
        }
    });
    runtime.shutdown_background();
    result
}
