//! Ticks from Kafka to S3, each exactly once.
//!
//! A partition that becomes ours goes on at the end of its chain of objects (`locate`); the reading thread
//! (`reader`) checks each record and encodes it into the partition's open run (`encode`); a closed run becomes
//! one object by one create-only PUT, and the protocol (the crate [`slot_protocol`]) decides what each answer of
//! the bucket (`store`) means; then the offset is committed.
//!
//! The commands `audit` and `replay` are crates of their own, which cannot see any of this.

mod args;
mod dry_run;
mod encode;
mod error;
mod events;
mod kafka;
mod locate;
mod memory;
mod partition;
mod reader;
mod requests;
mod run;
mod store;

use std::process::ExitCode;

use pipeline_runtime::exit::{self, ExitStatus};

pub use args::{Command, CommandLine};
pub use error::Error;

/// Does what the command line asks for, and gives the status to leave `main` with.
pub async fn run(line: CommandLine) -> ExitCode {
    match line.command {
        None => exit::report(consume(line.consume).await),
        Some(Command::Audit(args)) => exit::report(bucket_audit::run(&args, &mut std::io::stdout()).await),
        Some(Command::Replay(args)) => {
            exit::report(Box::pin(bucket_replay::run(*args, &mut std::io::stdout())).await)
        }
    }
}

async fn consume(args: args::ConsumeArgs) -> Result<ExitStatus, Error> {
    let only_checks = args.check_settings;
    let config = args.check()?;
    if only_checks {
        return Ok(ExitStatus::Done);
    }
    run::consume(config).await
}
