//! The stand-in's own paths, for tests and demos in other processes. They ask for no key.
//!
//! | request | does |
//! |---|---|
//! | `POST /_stand_in/faults` | orders a fault: `{"fault":"not_json","times":2,"path":"/price"}` |
//! | `GET /_stand_in/faults` | the faults to come, an array |
//! | `POST /_stand_in/websocket_faults` | puts a fault into each open WebSocket: `"stall"` |
//! | `GET /_stand_in/log` | each request answered, one JSON object a line |
//! | `GET /_stand_in/served` | each price served, one JSON object a line |
//! | `GET /_stand_in/totals` | how many of both |
//! | `GET /_stand_in/replay` | ticks of the replay served and in all; `null` without one |

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::routing::post;
use serde::Serialize;
use serde_json::{Value, json};

use crate::faults::Injection;
use crate::ledger::Totals;
use crate::replay::ReplayProgress;
use crate::server::Stage;
use crate::websocket::WebSocketFault;

pub(crate) fn router() -> Router<Arc<Stage>> {
    Router::new()
        .route("/faults", get(pending_faults).post(inject))
        .route("/websocket_faults", post(inject_websocket))
        .route("/log", get(log))
        .route("/served", get(served))
        .route("/totals", get(totals))
        .route("/replay", get(replay))
}

async fn inject(State(stage): State<Arc<Stage>>, Json(injection): Json<Injection>) -> StatusCode {
    tracing::info!(?injection, "fault ordered");
    stage.faults.push(injection);
    StatusCode::NO_CONTENT
}

async fn pending_faults(State(stage): State<Arc<Stage>>) -> Json<Vec<Injection>> {
    Json(stage.faults.pending())
}

async fn inject_websocket(State(stage): State<Arc<Stage>>, Json(fault): Json<WebSocketFault>) -> Json<Value> {
    tracing::info!(?fault, "fault put into open websockets");
    Json(json!({ "connections": stage.sessions.inject(fault) }))
}

async fn log(State(stage): State<Arc<Stage>>) -> Response {
    lines(&stage.ledger.requests())
}

async fn served(State(stage): State<Arc<Stage>>) -> Response {
    lines(&stage.ledger.served())
}

async fn totals(State(stage): State<Arc<Stage>>) -> Json<Totals> {
    Json(*stage.ledger.totals().borrow())
}

async fn replay(State(stage): State<Arc<Stage>>) -> Json<Option<ReplayProgress>> {
    Json(stage.market.replay_progress())
}

fn lines(entries: &[impl Serialize]) -> Response {
    let mut body = Vec::new();
    for entry in entries {
        if let Err(error) = serde_json::to_writer(&mut body, entry) {
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
        body.push(b'\n');
    }
    ([(CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}
