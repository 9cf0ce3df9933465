//! What all requests share.

use std::sync::{Mutex, PoisonError, RwLock};

use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::clock::Clock;
use crate::config::{Config, ErrorStyle, Upgrade, WebSocketConfig};
use crate::credits::CreditMeter;
use crate::faults::FaultQueue;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::sessions::Sessions;

pub(crate) struct Stage {
    pub(crate) clock: Clock,
    pub(crate) api_key: Option<String>,
    pub(crate) error_style: ErrorStyle,
    pub(crate) sends_credit_headers: bool,
    pub(crate) credits: Mutex<CreditMeter>,
    pub(crate) faults: FaultQueue,
    pub(crate) market: Market,
    pub(crate) ledger: Ledger,
    pub(crate) websocket: WebSocketConfig,
    upgrade: RwLock<Upgrade>,
    pub(crate) sessions: Sessions,
    pub(crate) stop: CancellationToken,
}

impl Stage {
    pub(crate) fn new(config: Config, stop: CancellationToken) -> Result<Self, Error> {
        Ok(Self {
            api_key: config.api_key,
            error_style: config.error_style,
            sends_credit_headers: config.sends_credit_headers,
            credits: Mutex::new(CreditMeter::new(config.credits)),
            faults: FaultQueue::default(),
            market: Market::new(config.market)?,
            ledger: Ledger::default(),
            upgrade: RwLock::new(config.websocket.upgrade),
            sessions: Sessions::new(config.websocket.connections_max),
            websocket: config.websocket,
            clock: config.clock,
            stop,
        })
    }

    /// What a client gets now that asks for the WebSocket with a right key.
    pub(crate) fn upgrade(&self) -> Upgrade {
        *self.upgrade.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_upgrade(&self, upgrade: Upgrade) {
        *self.upgrade.write().unwrap_or_else(PoisonError::into_inner) = upgrade;
    }
}
