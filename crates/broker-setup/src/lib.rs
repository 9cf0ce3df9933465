//! Prepares one Kafka broker and proves that clients can reach it. The way:
//!
//! 1. [`render`](properties::render): what was asked for becomes a checked `server.properties`;
//! 2. [`format`](storage::format): the data folder gets its cluster id, once;
//! 3. [`wait`](reach::wait): the broker answers, advertises what was asked, and each advertised address is reached;
//! 4. [`topics::plan`] and [`topics::apply`]: the topics become equal to a file.
//!
//! `doctor` takes the looks of step 3 once, from a client's host, and says which one fails.
//!
//! Each step may be run again; a second run changes nothing.

mod address;
mod admin;
mod advertised;
mod args;
mod connection;
mod error;
mod keys;
mod output;
pub mod properties;
pub mod reach;
mod run;
mod server_file;
pub mod storage;
pub mod topics;

pub use address::{Host, HostPort};
pub use args::Args;
pub use connection::Connection;
pub use error::Error;
pub use output::{Finding, Verdict};
pub use run::run;
