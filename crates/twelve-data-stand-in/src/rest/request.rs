//! A REST request as the vendor reads it: its key, its symbols and its other parameters.

use axum::extract::Query;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};

use crate::ledger::KeyPlace;
use crate::market::{DEFAULT_PLACES, venue_of};
use crate::vendor_error::VendorError;

/// Symbols in one request.
const SYMBOLS_MAX: usize = 120;
/// Digits after the point.
const PLACES_MAX: u32 = 11;

pub(crate) struct VendorRequest {
    pub(crate) path: String,
    /// From the query or from a header, with its place.
    pub(crate) api_key: Option<(String, KeyPlace)>,
    /// `symbol` as sent.
    pub(crate) requested: String,
    /// Its parts, each once, in their order.
    pub(crate) symbols: Vec<String>,
    /// All parameters but the key, their names in lower case.
    pub(crate) query: Vec<(String, String)>,
}

impl VendorRequest {
    /// Reads the query, whose names are taken in any case, and the headers.
    pub(crate) fn read(uri: &Uri, headers: &HeaderMap) -> Self {
        let mut request = Self {
            path: uri.path().to_owned(),
            api_key: header_key(headers).map(|key| (key, KeyPlace::Header)),
            requested: String::new(),
            symbols: Vec::new(),
            query: Vec::new(),
        };
        // what cannot be decoded is taken as not sent, as one reads it there
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri).unwrap_or_default();
        for (name, value) in query.0 {
            match name.to_ascii_lowercase() {
                name if name == "apikey" => request.api_key = Some((value, KeyPlace::Query)),
                name => request.query.push((name, value)),
            }
        }
        let requested = request.parameter("symbol").map(str::to_owned);
        request.requested = requested.unwrap_or_default();
        for symbol in request.requested.split(',').filter(|symbol| !symbol.is_empty()) {
            if !request.symbols.iter().any(|known| known == symbol) {
                request.symbols.push(symbol.to_owned());
            }
        }
        request
    }

    /// A parameter, by its name in lower case; of several the last holds.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut named = self.query.iter().rev().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_asked(&self, name: &str) -> bool {
        self.parameter(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The listing that a symbol of the request is of: with the exchange that is asked for beside it.
    pub(crate) fn listing(&self, symbol: &str) -> String {
        let by_mic = || venue_of(self.parameter("mic_code")?);
        match self.parameter("exchange").or_else(by_mic) {
            Some(exchange) if !symbol.contains(':') => format!("{symbol}:{exchange}"),
            _ => symbol.to_owned(),
        }
    }

    /// Refuses a key that is wrong, empty or missing.
    pub(crate) fn authorise(&self, only: Option<&str>) -> Result<(), VendorError> {
        authorise(self.api_key.as_ref().map(|(key, _)| key.as_str()), only)
    }

    /// Refuses a request for no symbol or for too many.
    pub(crate) fn check_symbols(&self) -> Result<(), VendorError> {
        match self.symbols.len() {
            0 => Err(VendorError::symbol_missing()),
            count if count > SYMBOLS_MAX => Err(VendorError::too_many_symbols()),
            _ => Ok(()),
        }
    }

    pub(crate) fn decimal_places(&self) -> Result<u32, VendorError> {
        self.parameter("dp").map_or(Ok(DEFAULT_PLACES), places)
    }

    /// As `/time_series` has it: without a number, or with -1, as many as there are.
    pub(crate) fn decimal_places_or_all(&self) -> Result<u32, VendorError> {
        match self.parameter("dp") {
            None | Some("-1") => Ok(PLACES_MAX),
            Some(text) => places(text),
        }
    }
}

fn places(text: &str) -> Result<u32, VendorError> {
    text.parse()
        .ok()
        .filter(|places| *places <= PLACES_MAX)
        .ok_or_else(|| VendorError::parameter("dp", text, "0 to 11"))
}

/// Refuses a key that is wrong, empty or missing.
pub(crate) fn authorise(given: Option<&str>, only: Option<&str>) -> Result<(), VendorError> {
    match (given, only) {
        (Some(given), Some(only)) if given == only => Ok(()),
        (Some(given), None) if !given.is_empty() => Ok(()),
        _ => Err(VendorError::api_key()),
    }
}

/// `Authorization: apikey KEY`, with this very word and one space.
fn header_key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("apikey ").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str) -> VendorRequest {
        VendorRequest::read(&uri.parse().unwrap(), &HeaderMap::new())
    }

    #[test]
    fn an_encoded_list_is_read_in_its_order_and_each_symbol_once() {
        let request = read("/price?symbol=BTC%2FUSD%2CAAPL%3ANASDAQ%2CBTC/USD,&ApiKey=k");
        assert_eq!(request.symbols, ["BTC/USD", "AAPL:NASDAQ"]);
        assert_eq!(request.api_key, Some(("k".to_owned(), KeyPlace::Query)));
        assert!(
            request.query.iter().all(|(name, _)| name == "symbol"),
            "the key is not kept"
        );
        assert!(request.check_symbols().is_ok());
    }

    #[test]
    fn an_exchange_beside_the_symbol_says_which_listing_is_meant() {
        assert_eq!(read("/quote?symbol=RY&exchange=TSX").listing("RY"), "RY:TSX");
        assert_eq!(read("/quote?symbol=RY&mic_code=XTSE").listing("RY"), "RY:TSX");
        assert_eq!(
            read("/quote?symbol=RY:TSX&exchange=NYSE").listing("RY:TSX"),
            "RY:TSX"
        );
        assert_eq!(read("/quote?symbol=RY&mic_code=XXXX").listing("RY"), "RY");
    }

    #[test]
    fn a_list_of_none_or_too_many_is_refused() {
        let code = |uri: &str| read(uri).check_symbols().map_err(|error| error.code);
        assert_eq!(code("/price"), Err(400));
        assert_eq!(code("/price?symbol=,"), Err(400));
        let list = |count: usize| (0..count).map(|n| format!("S{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(code(&format!("/price?symbol={}", list(120))), Ok(()));
        assert_eq!(code(&format!("/price?symbol={}", list(121))), Err(414));
    }

    #[test]
    fn the_headers_key_needs_the_vendors_word() {
        let with = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            VendorRequest::read(&Uri::from_static("/price"), &headers)
                .authorise(Some("k"))
                .is_ok()
        };
        assert!(with("apikey k"));
        assert!(!with("Bearer k"));
        assert!(!with("apikey  k"));
        assert!(!with("apikey other"));
    }

    #[test]
    fn decimal_places_go_from_0_to_11() {
        let places = |uri: &str| read(uri).decimal_places().map_err(|error| error.code);
        assert_eq!(places("/price"), Ok(5));
        assert_eq!(places("/price?dp=11"), Ok(11));
        assert_eq!(places("/price?dp=12"), Err(400));
        assert_eq!(places("/price?dp=-1"), Err(400));
        assert_eq!(read("/time_series?dp=-1").decimal_places_or_all().ok(), Some(11));
    }
}
