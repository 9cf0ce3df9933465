//! Twelve Data, polled: when a poll is due and its credits are there, ask for all symbols, and give what the
//! reply says of each.

mod credits;
mod pacer;
mod plan;
mod poll;
mod quote;
mod refusal;
mod reply;
mod rest;
mod schedule;
mod symbols;
mod troubles;
mod usage;

use jiff::Timestamp;
use quote_model::{Channel, Symbol};
use serde::Serialize;

pub(crate) use poll::{Feed, Settings};
pub(crate) use quote::Quote;
pub(crate) use rest::ApiBaseUrl;
pub(crate) use symbols::Symbols;

/// The REST endpoint that is polled. Each costs one credit a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Endpoint {
    /// The price alone
    #[default]
    Price,
    /// The price with its time, exchange, currency and the day's volume
    Quote,
}

impl Endpoint {
    /// Its path below the base URL.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Quote => "quote",
        }
    }

    pub(crate) fn channel(self) -> Channel {
        match self {
            Self::Price => Channel::RestPrice,
            Self::Quote => Channel::RestQuote,
        }
    }
}

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
