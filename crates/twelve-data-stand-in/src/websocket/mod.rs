//! The WebSocket of live prices: who may open it, how many at a time, and what disturbs it.

mod faults;
mod messages;
mod session;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

pub use faults::WebSocketFault;

use crate::config::Upgrade;
use crate::connection::Scissors;
use crate::ledger::Request;
use crate::lock::locked;
use crate::reply;
use crate::request::{VendorRequest, authorise};
use crate::server::Stage;
use crate::vendor_error::VendorError;

/// The vendor's path.
pub(crate) const PATH: &str = "/v1/quotes/price";
/// Connections of one key; one more closes the oldest.
const CONNECTIONS_MAX: usize = 3;
/// The largest message of a client, in bytes.
const MESSAGE_MAX: usize = 1 << 20;
const FAULTS_MAX: usize = 64;

/// The connections that are open.
pub(crate) struct Sessions {
    /// Each key's, oldest first; a token tells its session to make room.
    by_key: Mutex<HashMap<String, VecDeque<CancellationToken>>>,
    faults: broadcast::Sender<WebSocketFault>,
    open: watch::Sender<usize>,
}

/// One of the connections that a key may have, held while the connection is open.
pub(crate) struct Place {
    taken: CancellationToken,
    open: watch::Sender<usize>,
}

impl Place {
    /// Waits until a newer connection needs it.
    async fn taken(&self) {
        self.taken.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.cancel();
        self.open.send_modify(|open| *open -= 1);
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            by_key: Mutex::default(),
            faults: broadcast::Sender::new(FAULTS_MAX),
            open: watch::Sender::default(),
        }
    }
}

impl Sessions {
    pub(crate) fn inject(&self, fault: WebSocketFault) -> usize {
        // an error means that no connection is open
        self.faults.send(fault).unwrap_or(0)
    }

    /// Counts a new connection in, and the oldest out if they are too many.
    fn enter(&self, key: &str) -> Place {
        let mut by_key = locked(&self.by_key);
        let open = by_key.entry(key.to_owned()).or_default();
        open.retain(|token| !token.is_cancelled());
        if open.len() >= CONNECTIONS_MAX
            && let Some(oldest) = open.pop_front()
        {
            oldest.cancel();
        }
        let taken = CancellationToken::new();
        open.push_back(taken.clone());
        self.open.send_modify(|open| *open += 1);
        Place {
            taken,
            open: self.open.clone(),
        }
    }

    /// Waits until no connection is open.
    pub(crate) async fn closed(&self) {
        // an error would mean that the sender is gone, which `self` holds
        self.open.subscribe().wait_for(|open| *open == 0).await.ok();
    }
}

/// Opens a WebSocket, or refuses it in one of the vendor's ways.
pub(crate) async fn upgrade(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let key = VendorRequest::read(&uri, &headers)
        .api_key
        .or_else(|| Some(headers.get("x-td-apikey")?.to_str().ok()?.to_owned()))
        .unwrap_or_default();
    let number = stage.ledger.number();
    let refused = authorise(Some(&key), stage.api_key.as_deref())
        .err()
        .map(|error| (StatusCode::UNAUTHORIZED, error))
        .or_else(|| refusal(stage.websocket.upgrade));
    let (response, code) = match (refused, upgrade) {
        (Some((status, error)), _) => (reply::json(status, &error), Some(error.code)),
        (None, Err(rejection)) => (rejection.into_response(), None),
        (None, Ok(upgrade)) => {
            let stage = Arc::clone(&stage);
            let response = upgrade.max_message_size(MESSAGE_MAX).on_upgrade(move |socket| {
                let place = stage.sessions.enter(&key);
                let faults = stage.sessions.faults.subscribe();
                session::Session::new(stage, number, scissors).run(socket, faults, place)
            });
            (response, None)
        }
    };
    let entry = Request {
        number,
        time: stage.clock.now(),
        path: PATH.to_owned(),
        symbols: Vec::new(),
        status: Some(response.status().as_u16()),
        code,
        credits: 0,
        fault: None,
    };
    stage.ledger.answered(entry, Vec::new());
    response
}

fn refusal(upgrade: Upgrade) -> Option<(StatusCode, VendorError)> {
    match upgrade {
        Upgrade::Accept => None,
        Upgrade::Unauthorized => Some((StatusCode::UNAUTHORIZED, VendorError::api_key())),
        Upgrade::Forbidden => {
            let message = "Your plan does not hold WebSocket access";
            Some((StatusCode::FORBIDDEN, VendorError::new(403, message)))
        }
        Upgrade::ErrorInBody => Some((StatusCode::OK, VendorError::api_key())),
    }
}
