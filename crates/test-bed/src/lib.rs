//! Real Kafka, a real S3 server and the stand-in on loopback, for the demo, the benchmark and the end-to-end tests.
//!
//! A [`Bed`] is a folder; [`Kafka`], [`S3`], [`StandIn`] and the pipeline's own [`program`]s run on it as child
//! processes. Each dies with this process, even if it is killed, and stops in order when its value is dropped;
//! the folder goes last. A [`FaultProxy`] before the S3 server loses replies, delays and refuses at will; a
//! [`KafkaLink`] before the brokers cuts and stalls.

mod bed;
mod ending;
mod error;
mod fault_proxy;
mod kafka;
mod port;
mod process;
pub mod program;
mod s3;
mod screen;
mod spawner;
mod stored;
mod tools;

pub use bed::Bed;
pub use ending::{end, runtime};
pub use error::Error;
pub use fault_proxy::{Fault, FaultProxy, FaultScript, Gate, Injected, Refusal, Request};
pub use kafka::{Hindrance, Kafka, KafkaLink, Record};
pub use process::{Launch, Process, Usage};
pub use s3::S3;
pub use screen::Screen;
pub use stored::{StoredObject, decompress};

/// What this crate's functions give.
pub type Result<T> = std::result::Result<T, Error>;
