//! The WebSocket of live prices: who may open it.

mod messages;
mod session;

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::config::Upgrade;
use crate::connection::Scissors;
use crate::ledger::{KeyPlace, Request};
use crate::rest::{VendorRequest, authorise, json};
use crate::stage::Stage;
use crate::vendor_error::VendorError;

/// The vendor's path.
pub(crate) const PATH: &str = "/v1/quotes/price";
/// The largest message of a client, in bytes.
const MESSAGE_MAX: usize = 1 << 20;

/// Opens a WebSocket, or refuses it in one of the vendor's ways.
pub(crate) async fn upgrade(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let header_key = || headers.get("x-td-apikey")?.to_str().ok();
    let (key, key_in) = VendorRequest::read(&uri, &headers)
        .api_key
        .or_else(|| Some((header_key()?.to_owned(), KeyPlace::Header)))
        .unzip();
    let key = key.unwrap_or_default();
    let number = stage.ledger.received();
    let refused = authorise(Some(&key), stage.api_key.as_deref())
        .err()
        .map(|error| (StatusCode::UNAUTHORIZED, error))
        .or_else(|| refusal(stage.upgrade()));
    let (response, code) = match (refused, upgrade) {
        (Some((status, error)), _) => (json(status, &error), Some(error.code)),
        (None, Err(rejection)) => (rejection.into_response(), None),
        (None, Ok(upgrade)) => {
            let stage = Arc::clone(&stage);
            let response = upgrade.max_message_size(MESSAGE_MAX).on_upgrade(move |socket| {
                let place = stage.sessions.enter(&key);
                let faults = stage.sessions.faults();
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
        query: Vec::new(),
        key_in,
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
