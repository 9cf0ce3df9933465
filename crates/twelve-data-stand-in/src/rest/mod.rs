//! A REST request on its way to a reply: key, faults, credits, body, ledger.

mod answer;
mod endpoint;
mod exchanges;
mod prices;
mod quote;
mod reply;
mod request;
mod time_series;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::header::DATE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::answer::Answer;
use self::endpoint::Endpoint;
use self::reply::Reply;
pub(crate) use self::reply::json;
pub(crate) use self::request::{VendorRequest, authorise};
use crate::connection::Scissors;
use crate::credits::{Balance, Span};
use crate::faults::Fault;
use crate::ledger::{Request, Served};
use crate::lock::locked;
use crate::stage::Stage;
use crate::vendor_error::VendorError;

/// Answers a request on any path but the stand-in's own.
pub(crate) async fn answer(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let request = VendorRequest::read(&uri, &headers);
    let number = stage.ledger.received();
    let fault = stage
        .faults
        .take(&request.path, &request.symbols, stage.clock.now());
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
    let time = stage.clock.now();
    let skew = match fault {
        Some(Fault::DateSkewed { seconds }) => seconds,
        _ => 0,
    };
    let entry = Request {
        number,
        time,
        path: request.path,
        symbols: request.symbols,
        query: request.query,
        key_in: request.api_key.map(|(_, place)| place),
        status: reply.status(),
        code: reply.code(),
        credits: reply.credits(),
        fault,
    };
    tracing::debug!(?entry, "answered");
    stage.ledger.answered(entry, prices);
    let mut response = reply.into_response();
    if let Some(date) = http_date(time, skew) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

/// `Date` by the stand-in's clock, so that it goes wrong with it.
fn http_date(time: Timestamp, skew_s: i64) -> Option<HeaderValue> {
    let second = Timestamp::from_second(time.as_second().checked_add(skew_s)?).ok()?;
    let text = TimeZone::UTC
        .to_datetime(second)
        .strftime("%a, %d %b %Y %H:%M:%S GMT");
    text.to_string().parse().ok()
}

/// The reply to a fault of what stands between the vendor and its client.
fn broken_reply(fault: &Fault) -> Option<Reply> {
    match fault {
        Fault::Html { status } => Some(Reply::Html(status.get())),
        Fault::NotJson => Some(Reply::NotJson),
        Fault::TruncatedBody => Some(Reply::Truncated),
        Fault::ConnectionClosed => Some(Reply::Cut),
        Fault::Redirect { location } => Some(Reply::Redirect(location.clone())),
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
            endpoint.answer(stage, request, number, fault),
        ),
        Err((balance, error)) => (balance, 0, Err(error)),
    };
    let balance = balance.filter(|_| stage.sends_credit_headers);
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
    let mut meter = locked(&stage.credits);
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
    if let Some(Fault::Refused { code, message }) = fault {
        let error = VendorError::new(u16::from(*code), message);
        return Err((Some(meter.balance(now)), error));
    }
    if endpoint.is_by_symbol() {
        let checked = request.check_symbols();
        checked.map_err(|error| (Some(meter.balance(now)), error))?;
    }
    meter
        .charge(now, credits)
        .map_err(|exhausted| (Some(meter.balance(now)), exhausted.into()))
}

/// What a method other than GET gets.
pub(crate) async fn method_not_allowed() -> Response {
    json(
        StatusCode::METHOD_NOT_ALLOWED,
        &VendorError::new(405, "Method not allowed"),
    )
}
