//! What the three binaries share beside the tick, each once: the [`command_line`], [`logs`], [`metrics`],
//! [`shutdown`], [`exit`] status, [`systemd`] notices, how a [`kafka`] client is configured and finds its topic (and
//! how long an answer that may pass is doubted), and how an `s3` client is configured.

pub mod command_line;
mod error;
pub mod exit;
pub mod kafka;
pub mod logs;
pub mod metrics;
#[cfg(feature = "s3")]
pub mod s3;
pub mod shutdown;
pub mod systemd;

pub use error::Error;
