use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::credits::CreditPlan;
use crate::market::MarketConfig;

/// How the stand-in behaves. The default accepts any key and any plausible symbol, and never runs out.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The time.
    pub clock: Clock,
    /// The only key that is accepted; without one any is that is not empty.
    pub api_key: Option<String>,
    /// Where an error's code stands.
    pub error_style: ErrorStyle,
    /// What a plan allows, and whether a refused call costs something.
    pub credits: CreditPlan,
    /// Whether replies tell the credits in headers, which no reference promises.
    pub sends_credit_headers: bool,
    /// The instruments and their prices.
    pub market: MarketConfig,
    /// Who may connect, and what a connection gets.
    pub websocket: WebSocketConfig,
}

/// How the WebSocket behaves.
#[derive(Clone, Debug)]
pub struct WebSocketConfig {
    /// What a client gets that asks for it with a right key.
    pub upgrade: Upgrade,
    /// Price events a second on each connection, over all its symbols.
    pub ticks_per_second: NonZeroU32,
    /// Symbols that one connection may subscribe to: 8 in the vendor's free plan.
    pub symbols_max: Option<usize>,
    /// Connections of one key, of which one more closes the oldest: 1 in the vendor's free plan.
    pub connections_max: NonZeroUsize,
    /// Whether an empty list of failures is `null`. Both have been seen.
    pub has_null_lists: bool,
    /// Whether an event has no more than it must, as some of the vendor's examples.
    pub is_lean: bool,
}

/// Where the vendor's error code stands. Both have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ErrorStyle {
    /// In the HTTP status and in the body.
    #[default]
    Http,
    /// In the body alone, under HTTP 200.
    Body,
}

/// The answer to a request for a WebSocket. All of them have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Upgrade {
    /// 101 Switching Protocols.
    #[default]
    Accept,
    /// 401 Unauthorized.
    Unauthorized,
    /// 403 Forbidden.
    Forbidden,
    /// 200 with the vendor's 401 as the body.
    ErrorInBody,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Clock::system(),
            api_key: None,
            error_style: ErrorStyle::default(),
            credits: CreditPlan::default(),
            sends_credit_headers: true,
            market: MarketConfig::default(),
            websocket: WebSocketConfig::default(),
        }
    }
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            upgrade: Upgrade::default(),
            ticks_per_second: NonZeroU32::MIN.saturating_add(9),
            symbols_max: None,
            connections_max: NonZeroUsize::MIN.saturating_add(2),
            has_null_lists: false,
            is_lean: false,
        }
    }
}
