//! What Twelve Data says, read from its replies. Pure: bytes in, facts out; without clock, network or log, which the
//! list of dependencies keeps so.
//!
//! [`reply`](read) takes a body apart into one [`Entry`] a symbol, each a [`Quote`] or a [`SymbolError`];
//! [`Usage`] is what `/api_usage` says of the plan, [`MarketState`] what `/market_state` says of the exchanges; [`judge`] is the one place that knows what the vendor's codes
//! mean.

mod credits;
mod endpoint;
mod envelope;
mod error;
mod field;
mod instrument;
mod key;
mod market_state;
mod quote;
mod refusal;
mod reply;
mod usage;

pub use credits::{CreditHeaders, Exhausted, Exhaustion};
pub use endpoint::{AssetClass, Endpoint};
pub use error::{ApiError, ReplyError, SymbolError};
pub use instrument::{Filter, Instrument, InstrumentError};
pub use market_state::MarketState;
pub use quote::Quote;
pub use refusal::{Refusal, judge};
pub use reply::{Entry, Question, read};
pub use usage::Usage;
