//! The tick: one price of one symbol, as it travels from Twelve Data through Kafka to S3, and the [`topic`] it goes by.
//!
//! ```
//! use quote_model::{Decimal, Tick};
//!
//! let json = concat!(
//!     r#"{"v":1,"symbol":"BTC/USD","price":26575.60000,"ts_recv":"2026-11-23T14:00:00.25Z","channel":"rest_price","#,
//!     r#""producer":"host-1","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":0}"#,
//! );
//! let tick = Tick::decode(json.as_bytes())?;
//! assert_eq!(tick.price, Decimal::parse("26575.60000")?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No I/O and no clock: whoever makes a tick passes the times in.

mod decimal;
mod error;
mod fast_reader;
mod strict;
mod symbol;
mod text;
mod tick;
mod time;
pub mod topic;

pub use decimal::Decimal;
pub use error::Error;
pub use symbol::Symbol;
pub use text::Text;
pub use tick::{Channel, Tick, Version};
pub use topic::{SCHEMA_HEADER, SCHEMA_HEADER_VALUE};
