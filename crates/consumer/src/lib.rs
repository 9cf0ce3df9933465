//! Ticks from Kafka to S3, each exactly once.
//!
//! A partition that becomes ours goes on at the end of its chain of objects (`location`); the reading thread
//! (`reader`) takes each record from the log (`source`, `kafka`) and encodes it into the partition's open run
//! (`encode`); a closed run becomes one object by one create-only PUT (`requests`), and the protocol (the crate
//! [`slot_protocol`]) decides what each answer of the bucket (`destination`, `store`) means; then the offset is
//! committed. `--dry-run` is the same way to a bucket that is only told of (`dry_run`).
//!
//! The commands `audit` and `replay` are crates of their own, which cannot see any of this.

mod args;
mod clock;
mod consume;
mod destination;
mod dry_run;
mod encode;
mod error;
mod events;
mod kafka;
mod location;
mod memory;
mod partition;
mod reader;
mod requests;
mod setting;
mod source;
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
    consume::consume(config).await
}
