//! A REST request as the vendor reads it: its key, its symbols and its decimal places.

use axum::extract::Query;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};

use crate::figures::DEFAULT_PLACES;
use crate::vendor_error::VendorError;

/// Symbols in one request.
const SYMBOLS_MAX: usize = 120;
/// Digits after the point.
const PLACES_MAX: u32 = 11;

pub(crate) struct VendorRequest {
    pub(crate) path: String,
    /// From the query or from a header.
    pub(crate) api_key: Option<String>,
    /// `symbol` as sent.
    pub(crate) requested: String,
    /// Its parts, each once, in their order.
    pub(crate) symbols: Vec<String>,
    decimal_places: Option<String>,
}

impl VendorRequest {
    /// Reads the query, whose names are taken in any case, and the headers.
    pub(crate) fn read(uri: &Uri, headers: &HeaderMap) -> Self {
        let mut request = Self {
            path: uri.path().to_owned(),
            api_key: header_key(headers),
            requested: String::new(),
            symbols: Vec::new(),
            decimal_places: None,
        };
        // what cannot be decoded is taken as not sent, as one reads it there
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri).unwrap_or_default();
        for (name, value) in query.0 {
            match name.to_ascii_lowercase().as_str() {
                "apikey" => request.api_key = Some(value),
                "symbol" => request.requested = value,
                "dp" => request.decimal_places = Some(value),
                _ => {}
            }
        }
        for symbol in request.requested.split(',').filter(|symbol| !symbol.is_empty()) {
            if !request.symbols.iter().any(|known| known == symbol) {
                request.symbols.push(symbol.to_owned());
            }
        }
        request
    }

    /// Refuses a key that is wrong, empty or missing.
    pub(crate) fn authorise(&self, only: Option<&str>) -> Result<(), VendorError> {
        authorise(self.api_key.as_deref(), only)
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
        let Some(text) = &self.decimal_places else {
            return Ok(DEFAULT_PLACES);
        };
        text.parse()
            .ok()
            .filter(|places| *places <= PLACES_MAX)
            .ok_or_else(|| VendorError::decimal_places(text))
    }
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
        assert_eq!(request.api_key.as_deref(), Some("k"));
        assert!(request.check_symbols().is_ok());
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
    }
}
