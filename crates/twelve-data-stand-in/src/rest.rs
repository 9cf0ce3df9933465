//! A REST request on its way to a reply: key, faults, credits, body, ledger.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::bodies::{Answer, prices_and_quotes};
use crate::connection::Scissors;
use crate::credits::{Balance, Span};
use crate::faults::Fault;
use crate::ledger::{Channel, Request, Served};
use crate::reply::{self, Reply};
use crate::request::VendorRequest;
use crate::server::Stage;
use crate::vendor_error::VendorError;

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Prices(Channel),
    ApiUsage,
    /// The official Python client asks for it before anything else.
    TechnicalIndicators,
    Nothing,
}

impl Endpoint {
    fn at(path: &str) -> Self {
        match path {
            "/price" => Self::Prices(Channel::RestPrice),
            "/quote" => Self::Prices(Channel::RestQuote),
            "/api_usage" => Self::ApiUsage,
            "/technical_indicators" => Self::TechnicalIndicators,
            _ => Self::Nothing,
        }
    }

    fn credits(self, request: &VendorRequest) -> u64 {
        match self {
            Self::Prices(_) => request.symbols.len() as u64,
            Self::ApiUsage => 1,
            Self::TechnicalIndicators | Self::Nothing => 0,
        }
    }
}

/// Answers a request on any path but the stand-in's own.
pub(crate) async fn answer(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let request = VendorRequest::read(&uri, &headers);
    let number = stage.ledger.number();
    let fault = stage.faults.take(&request.path, &request.symbols);
    if let Some(Fault::Slow { delay_ms }) = fault {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(delay_ms)) => {}
            () = stage.stop.cancelled() => {}
        }
    }
    let (reply, prices) = match fault.as_ref().and_then(broken_reply) {
        Some(reply) => (reply, Vec::new()),
        None => vendor_reply(&stage, &request, number, fault.as_ref()),
    };
    if matches!(reply, Reply::Cut) {
        scissors.cut();
    }
    let entry = Request {
        number,
        time: stage.clock.now(),
        path: request.path,
        symbols: request.symbols,
        status: reply.status(),
        code: reply.code(),
        credits: reply.credits(),
        fault,
    };
    tracing::debug!(?entry, "answered");
    stage.ledger.answered(entry, prices);
    reply.into_response()
}

/// The reply to a fault of what stands between the vendor and its client.
fn broken_reply(fault: &Fault) -> Option<Reply> {
    match fault {
        Fault::Html { status } => Some(Reply::Html(status.get())),
        Fault::NotJson => Some(Reply::NotJson),
        Fault::TruncatedBody => Some(Reply::Truncated),
        Fault::ConnectionClosed => Some(Reply::Cut),
        _ => None,
    }
}

fn vendor_reply(
    stage: &Stage,
    request: &VendorRequest,
    number: u64,
    fault: Option<&Fault>,
) -> (Reply, Vec<Served>) {
    let endpoint = Endpoint::at(&request.path);
    let credits = endpoint.credits(request);
    let (balance, cost, result) = match admit(stage, request, endpoint, credits, fault) {
        Ok(balance) => (
            Some(balance),
            credits,
            body(stage, request, endpoint, number, fault),
        ),
        Err((balance, error)) => (balance, 0, Err(error)),
    };
    let style = stage.error_style;
    match result {
        Ok((answer, prices)) => (Reply::from_answer(answer, style, balance, cost), prices),
        Err(error) => (
            Reply::from_answer(Answer::error(&error), style, balance, cost),
            Vec::new(),
        ),
    }
}

type Refusal = (Option<Balance>, VendorError);

/// Lets a request in that has a key and symbols, and takes its credits.
fn admit(
    stage: &Stage,
    request: &VendorRequest,
    endpoint: Endpoint,
    credits: u64,
    fault: Option<&Fault>,
) -> Result<Balance, Refusal> {
    if fault == Some(&Fault::Unauthorized) {
        return Err((None, VendorError::api_key()));
    }
    request
        .authorise(stage.api_key.as_deref())
        .map_err(|error| (None, error))?;
    let mut meter = crate::lock::locked(&stage.credits);
    let now = stage.clock.now();
    let exhausted = match fault {
        Some(Fault::MinuteCreditsExhausted) => Some(Span::Minute),
        Some(Fault::DayCreditsExhausted) => Some(Span::Day),
        _ => None,
    };
    if let Some(span) = exhausted {
        let error = meter.as_if_exhausted(now, span, credits);
        let used = u64::from(meter.plan().per_minute);
        return Err((Some(Balance { used, left: 0 }), error.into()));
    }
    if matches!(endpoint, Endpoint::Prices(_)) {
        let checked = request.check_symbols();
        checked.map_err(|error| (Some(meter.balance(now)), error))?;
    }
    meter
        .charge(now, credits)
        .map_err(|exhausted| (Some(meter.balance(now)), exhausted.into()))
}

fn body(
    stage: &Stage,
    request: &VendorRequest,
    endpoint: Endpoint,
    number: u64,
    fault: Option<&Fault>,
) -> Result<(Answer, Vec<Served>), VendorError> {
    match endpoint {
        Endpoint::Prices(channel) => {
            let places = request.decimal_places()?;
            Ok(prices_and_quotes(stage, request, channel, places, number, fault))
        }
        Endpoint::ApiUsage => Ok((Answer::object(api_usage(stage)), Vec::new())),
        Endpoint::TechnicalIndicators => {
            Ok((Answer::object(json!({ "data": {}, "status": "ok" })), Vec::new()))
        }
        Endpoint::Nothing => Err(VendorError::no_such_path()),
    }
}

fn api_usage(stage: &Stage) -> Value {
    let mut meter = crate::lock::locked(&stage.credits);
    let now = stage.clock.now();
    let balance = meter.balance(now);
    let plan = meter.plan();
    let mut usage = json!({
        "timestamp": TimeZone::UTC.to_datetime(now).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "current_usage": balance.used,
        "plan_limit": plan.per_minute,
        "plan_category": if plan.per_day.is_some() { "basic" } else { "enterprise" },
    });
    if let (Some(limit), Some(fields)) = (plan.per_day, usage.as_object_mut()) {
        fields.insert("daily_usage".to_owned(), json!(meter.day_used()));
        fields.insert("plan_daily_limit".to_owned(), json!(limit));
    }
    usage
}

/// What a method other than GET gets.
pub(crate) async fn method_not_allowed() -> Response {
    reply::json(
        StatusCode::METHOD_NOT_ALLOWED,
        &VendorError::new(405, "Method not allowed"),
    )
}
