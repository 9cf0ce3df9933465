//! What the three binaries share beside the tick, each once: [`logs`], [`shutdown`], [`exit`] status,
//! [`systemd`] notices, and how a [`kafka`] client is configured and finds its topic.

mod error;
pub mod exit;
pub mod kafka;
pub mod logs;
pub mod shutdown;
pub mod systemd;

pub use error::Error;
