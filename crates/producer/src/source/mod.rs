//! Where quotes come from: polls of Twelve Data. `poll` sends the calls that the `desk` decides on: `agenda` has what is
//! next, the credits and the markets' `hours` say when; `patience` weighs refusals, `outage` and `troubles` tell of failures, `facts` compares
//! what comes with what came before.

mod agenda;
mod desk;
mod facts;
mod hours;
mod outage;
mod patience;
mod poll;
mod troubles;
mod watchlist;

use jiff::Timestamp;
use quote_model::{Channel, Symbol};
use serde::Serialize;
use twelve_data::Quote;

pub(crate) use desk::Orders;
use facts::Oddities;
pub(crate) use hours::Policy as MarketHours;
pub(crate) use poll::{Feed, Settings};
pub(crate) use watchlist::Watchlist;

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
    /// Polls that brought at least one quote.
    pub(crate) polls: u64,
    /// Polls that brought none, and calls that failed and were made again.
    pub(crate) failed_polls: u64,
    /// Entries without a quote.
    pub(crate) symbol_errors: u64,
    /// What was odd about quotes.
    #[serde(flatten)]
    pub(crate) oddities: Oddities,
}
