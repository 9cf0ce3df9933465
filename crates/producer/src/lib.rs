//! Quotes from Twelve Data to Kafka. A quote's way, each step a room that knows only those before it:
//!
//! 1. [`twelve_data`] (a crate of its own, pure) reads the vendor's replies.
//! 2. `http` sends the calls, [`credit_account`] (pure, too) says when one may be sent; `state_dir` keeps that over
//!    restarts.
//! 3. `source` asks, and gives the quotes of each reply.
//! 4. `accept` makes a tick of each: it has a `seq` now.
//! 5. `publish` brings it to Kafka once and in order, and keeps a `ledger` of what Kafka acknowledged.
//!
//! `command/run` names these steps in order, and what stands before and after them; `command/doctor` looks at all
//! that they need.

mod accept;
mod api_key;
mod args;
mod bucket;
mod clock;
mod command;
mod error;
mod http;
mod publish;
mod source;
mod state_dir;

pub use args::{Args, Command, CommandLine, Config, DoctorArgs};
pub use command::{Output, doctor, run};
pub use error::Error;
