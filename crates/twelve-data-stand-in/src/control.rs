//! The stand-in's own paths, for tests and demos in other processes. They ask for no key.
//!
//! | request | does |
//! |---|---|
//! | `POST /_stand_in/faults` | orders a fault: `{"fault":"not_json","times":2,"path":"/price"}` |
//! | `GET /_stand_in/faults` | the faults to come, an array |
//! | `DELETE /_stand_in/faults` | takes them all back |
//! | `PUT /_stand_in/plan` | another plan: `{"per_minute":610,"per_day":null,"minute_window":"sliding"}` |
//! | `POST /_stand_in/credits` | uses credits, as another client of the key would: `{"credits":5}` |
//! | `PUT /_stand_in/market` | closes or opens an exchange (`FOREX`, `CRYPTO`, `*`): `{"exchange":"NYSE","is_open":false}` |
//! | `PUT /_stand_in/clock` | has the vendor's clock go wrong: `{"ahead_s":1200}` |
//! | `PUT /_stand_in/upgrade` | what asks for a WebSocket gets: `"forbidden"` |
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
use axum::routing::{get, post, put};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::Upgrade;
use crate::credits::CreditPlan;
use crate::faults::{Injection, WebSocketFault};
use crate::ledger::Totals;
use crate::lock::locked;
use crate::market::ReplayProgress;
use crate::stage::Stage;

pub(crate) fn router() -> Router<Arc<Stage>> {
    Router::new()
        .route("/faults", get(pending_faults).post(inject).delete(clear_faults))
        .route("/plan", put(set_plan))
        .route("/credits", post(spend_credits))
        .route("/market", put(set_market))
        .route("/clock", put(set_clock))
        .route("/upgrade", put(set_upgrade))
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

async fn clear_faults(State(stage): State<Arc<Stage>>) -> StatusCode {
    stage.faults.clear();
    StatusCode::NO_CONTENT
}

async fn set_plan(State(stage): State<Arc<Stage>>, Json(plan): Json<CreditPlan>) -> StatusCode {
    tracing::info!(?plan, "the plan changes");
    locked(&stage.credits).set_plan(plan);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spending {
    credits: u64,
}

async fn spend_credits(
    State(stage): State<Arc<Stage>>,
    Json(Spending { credits }): Json<Spending>,
) -> StatusCode {
    locked(&stage.credits).spend(stage.clock.now(), credits);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketOrder {
    exchange: String,
    is_open: Option<bool>,
}

async fn set_market(
    State(stage): State<Arc<Stage>>,
    Json(MarketOrder { exchange, is_open }): Json<MarketOrder>,
) -> StatusCode {
    tracing::info!(exchange, ?is_open, "a market's hours change");
    let now = stage.clock.now();
    stage.market.calendar.order(&exchange, is_open, now);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOrder {
    ahead_s: i64,
}

async fn set_clock(
    State(stage): State<Arc<Stage>>,
    Json(ClockOrder { ahead_s }): Json<ClockOrder>,
) -> StatusCode {
    tracing::info!(ahead_s, "the clock goes wrong");
    stage.clock.set_ahead(SignedDuration::from_secs(ahead_s));
    StatusCode::NO_CONTENT
}

async fn set_upgrade(State(stage): State<Arc<Stage>>, Json(upgrade): Json<Upgrade>) -> StatusCode {
    stage.set_upgrade(upgrade);
    StatusCode::NO_CONTENT
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
