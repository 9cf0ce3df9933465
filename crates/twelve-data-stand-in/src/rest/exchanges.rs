//! Exchanges and what is listed there: `/market_state`, `/stocks` and `/symbol_search`.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::request::VendorRequest;
use crate::market::{EQUITIES, Instrument, Listing, VENUES, zone_of};
use crate::stage::Stage;

/// Entries of a search where none are asked for, and at most.
const SEARCH_SIZE: usize = 30;
const SEARCH_SIZE_MAX: usize = 120;

/// A bare array, one object an exchange.
pub(super) fn market_state(stage: &Stage, request: &VendorRequest) -> Value {
    let now = stage.clock.now();
    VENUES
        .iter()
        .filter(|(name, code, country, _)| {
            is_asked(request, "exchange", name)
                && is_asked(request, "code", code)
                && is_asked(request, "country", country)
        })
        .map(|(name, code, country, _)| {
            let session = stage.market.calendar.session(name, now);
            json!({
                "name": name,
                "code": code,
                "country": country,
                "is_market_open": session.is_open,
                "time_after_open": hours(session.since_open),
                "time_to_open": hours(session.until_open),
                "time_to_close": hours(session.until_close),
            })
        })
        .collect()
}

pub(super) fn stocks(request: &VendorRequest) -> Value {
    let data: Vec<Value> = EQUITIES
        .iter()
        .filter_map(|(symbol, name, exchange, kind, _)| {
            let (_, mic_code, country, currency) = VENUES.iter().find(|venue| venue.0 == *exchange)?;
            let is_listed = is_asked(request, "symbol", symbol)
                && is_asked(request, "exchange", exchange)
                && is_asked(request, "mic_code", mic_code)
                && is_asked(request, "country", country)
                && is_asked(request, "type", kind);
            is_listed.then(|| {
                json!({
                    "symbol": symbol, "name": name, "currency": currency, "exchange": exchange, "mic_code": mic_code,
                    "country": country, "type": kind,
                })
            })
        })
        .collect();
    json!({ "count": data.len(), "data": data, "status": "ok" })
}

pub(super) fn symbol_search(request: &VendorRequest) -> Value {
    let wanted = request.parameter("symbol").unwrap_or_default().to_uppercase();
    let size = request.parameter("outputsize").and_then(|size| size.parse().ok());
    let data: Vec<Value> = EQUITIES
        .iter()
        .filter(|(symbol, name, ..)| symbol.starts_with(&wanted) || name.to_uppercase().starts_with(&wanted))
        .filter_map(|(symbol, name, exchange, kind, _)| {
            let (_, mic_code, country, currency) = VENUES.iter().find(|venue| venue.0 == *exchange)?;
            Some(json!({
                "symbol": symbol, "instrument_name": name, "exchange": exchange, "mic_code": mic_code,
                "exchange_timezone": Instrument::find(symbol, Listing::KnownOnly).as_ref().map(zone_of),
                "instrument_type": kind, "country": country, "currency": currency,
            }))
        })
        .take(size.unwrap_or(SEARCH_SIZE).min(SEARCH_SIZE_MAX))
        .collect();
    json!({ "data": data, "status": "ok" })
}

/// Whether a parameter asks for this value, or is not there.
fn is_asked(request: &VendorRequest, name: &str, value: &str) -> bool {
    request
        .parameter(name)
        .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
}

/// `02:39:03`; `00:00:00` for what is not to come.
fn hours(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
