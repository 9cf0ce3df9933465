//! Ticks from Kafka to S3, each exactly once.
//!
//! A partition that becomes ours goes on at the end of its chain of objects (`locate`); the reading thread
//! (`reader`) checks each record and encodes it into the partition's open run (`encode`); a closed run becomes
//! one object by one create-only PUT, and the protocol (the crate [`slot_protocol`]) decides what each answer of
//! the bucket (`store`) means; then the offset is committed.

mod args;
mod audit;
mod bucket_reader;
mod dry_run;
mod encode;
mod error;
mod events;
mod kafka;
mod locate;
mod memory;
mod partition;
mod reader;
mod replay;
mod requests;
mod run;
mod store;

use pipeline_runtime::exit::ExitStatus;

pub use args::{Command, CommandLine};
pub use audit::AuditArgs;
pub use error::Error;
pub use replay::ReplayArgs;

/// Does what the command line asks for.
///
/// # Errors
///
/// Whatever stops it, see [`Error`].
pub async fn run(line: CommandLine) -> Result<ExitStatus, Error> {
    match line.command {
        None => run::consume(line.consume.check()?).await,
        Some(Command::Audit(args)) => Ok(audit::run(&args, &mut std::io::stdout()).await?.into()),
        Some(Command::Replay(args)) => Ok(Box::pin(replay::run(args, &mut std::io::stdout())).await?),
    }
}
