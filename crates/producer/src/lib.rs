//! Quotes from Twelve Data to Kafka. A quote's way:
//!
//! 1. `feed` asks Twelve Data as often as the plan's credits allow (`schedule`, `credits`, `rest`) and
//!    decodes each symbol's entry of the reply (`reply`, `quote`).
//! 2. `session` accepts it: it is a tick now, with a `seq`.
//! 3. `publish` brings it to Kafka once and in order, and keeps a `ledger` of what Kafka acknowledged.
//!
//! `run` names these steps in order, and what stands before and after them.

mod api_key;
mod args;
mod bucket;
mod clock;
mod error;
mod feed;
mod publish;
mod run;
mod session;

pub use args::{Args, Config};
pub use error::Error;
pub use run::run;
