//! Where quotes come from: polls of Twelve Data. When a poll is due and its credits are there, all symbols are asked
//! for, and what the reply says of each is given.

mod poll;
mod symbols;
mod troubles;

use jiff::Timestamp;
use quote_model::{Channel, Symbol};
use serde::Serialize;
use twelve_data::Quote;

pub(crate) use poll::{Feed, Settings};
pub(crate) use symbols::Symbols;

/// The good part of one reply.
#[derive(Debug)]
pub(crate) struct Quotes {
    /// When the reply was read.
    pub(crate) ts_recv: Timestamp,
    pub(crate) channel: Channel,
    pub(crate) by_symbol: Vec<(Symbol<'static>, Quote)>,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Polls that brought at least one quote, and no error of a whole call.
    pub(crate) polls: u64,
    /// The other polls.
    pub(crate) failed_polls: u64,
    /// Entries without a quote.
    pub(crate) symbol_errors: u64,
    /// Quotes with a field that could not be read.
    pub(crate) odd_quotes: u64,
}
