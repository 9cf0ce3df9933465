//! What was asked and what was served, so that a test can compare it with what arrived.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::faults::Fault;
use crate::lock::locked;

/// Entries kept of each kind; older ones are forgotten, and counted.
const ENTRIES_MAX: usize = 1_000_000;

/// One request of a client, REST or a WebSocket's opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// 0 for the first, then one more each.
    pub number: u64,
    /// When it was answered, by the stand-in's clock.
    pub time: Timestamp,
    /// Its path, without the query, which may hold a key.
    pub path: String,
    /// The symbols that it named, as sent.
    pub symbols: Vec<String>,
    /// All that it asked for, but the key.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Where its key stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_in: Option<KeyPlace>,
    /// The HTTP status of the reply; none if the connection was cut before there was one.
    pub status: Option<u16>,
    /// The vendor's error code in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// What it cost.
    pub credits: u64,
    /// The fault that was put into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// Where a key can stand. In a query it leaks into logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// `Authorization`, or `X-TD-APIKEY` of a WebSocket.
    Header,
    /// `?apikey=`
    Query,
}

/// One price as it was put into a reply or an event, digit for digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The request that it answers ([`Request::number`]).
    pub request: u64,
    /// When, by the stand-in's clock.
    pub time: Timestamp,
    /// On which way.
    pub channel: Channel,
    /// The symbol as requested.
    pub symbol: String,
    /// A decimal's text, as sent.
    pub price: String,
    /// The bid, if one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<String>,
    /// The ask, if one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// The vendor's time, in seconds since 1970, if one was sent: `last_quote_at` or an event's `timestamp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<i64>,
}

/// The way that a price took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// `/price`
    RestPrice,
    /// `/quote`
    RestQuote,
    /// A price event.
    Websocket,
}

/// How much the ledger has seen, forgotten entries included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Requests that came, answered or not.
    pub received: u64,
    /// Requests answered.
    pub requests: u64,
    /// Prices served.
    pub served: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
    totals: watch::Sender<Totals>,
}

#[derive(Debug, Default)]
struct Entries {
    requests: VecDeque<Request>,
    served: VecDeque<Served>,
}

impl Ledger {
    /// The number of a request that begins now.
    pub(crate) fn received(&self) -> u64 {
        let mut number = 0;
        self.totals.send_modify(|totals| {
            number = totals.received;
            totals.received += 1;
        });
        number
    }

    pub(crate) fn answered(&self, request: Request, prices: Vec<Served>) {
        let mut entries = locked(&self.entries);
        let served = prices.len() as u64;
        push_bounded(&mut entries.requests, [request]);
        push_bounded(&mut entries.served, prices);
        // under the lock, so that whoever waits for a total finds what it counts
        self.totals.send_modify(|totals| {
            totals.requests += 1;
            totals.served += served;
        });
    }

    pub(crate) fn sent(&self, price: Served) {
        let mut entries = locked(&self.entries);
        push_bounded(&mut entries.served, [price]);
        self.totals.send_modify(|totals| totals.served += 1);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        locked(&self.entries).requests.iter().cloned().collect()
    }

    pub(crate) fn served(&self) -> Vec<Served> {
        locked(&self.entries).served.iter().cloned().collect()
    }

    pub(crate) fn totals(&self) -> watch::Receiver<Totals> {
        self.totals.subscribe()
    }
}

fn push_bounded<T>(entries: &mut VecDeque<T>, new: impl IntoIterator<Item = T>) {
    for entry in new {
        if entries.len() == ENTRIES_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }
}
