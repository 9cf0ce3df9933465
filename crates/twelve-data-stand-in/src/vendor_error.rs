//! The vendor's errors: their envelope, codes and texts.

use serde::Serialize;

const PRICING: &str = "https://twelvedata.com/pricing";

/// `{"code":…,"message":"…","status":"error"}`, with `meta` where the vendor adds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct VendorError {
    pub(crate) code: u16,
    pub(crate) message: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
}

/// What was asked for: the symbol is the whole list, also in the entry of the one that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Meta {
    symbol: String,
    interval: &'static str,
    exchange: &'static str,
}

impl VendorError {
    pub(crate) fn new(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: "error",
            meta: None,
        }
    }

    pub(crate) fn with_meta(mut self, requested: &str) -> Self {
        self.meta = Some(Meta {
            symbol: requested.to_owned(),
            interval: "",
            exchange: "",
        });
        self
    }

    pub(crate) fn api_key() -> Self {
        Self::new(
            401,
            format!(
                "**apikey** parameter is incorrect or not specified. You can get your free API key instantly \
                 following this link: {PRICING}. If you believe that everything is correct, you can contact us at \
                 https://twelvedata.com/contact/customer"
            ),
        )
    }

    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "The requested endpoint does not exist")
    }

    pub(crate) fn symbol_missing() -> Self {
        Self::new(400, SYMBOL_INVALID)
    }

    pub(crate) fn parameter(name: &str, text: &str, supported: &str) -> Self {
        Self::new(
            400,
            format!("Invalid **{name}** provided: {text}. Supported values: {supported}"),
        )
    }

    pub(crate) fn interval(text: &str, supported: &str) -> Self {
        Self::new(
            400,
            format!("Invalid **interval** provided: {text}. Supported intervals: {supported}"),
        )
    }

    pub(crate) fn no_bars() -> Self {
        Self::new(
            400,
            "No data is available on the specified dates. Try setting different start/end dates.",
        )
    }

    pub(crate) fn too_many_symbols() -> Self {
        Self::new(414, "Input parameter array exceeds the allowed length")
    }

    /// A single symbol that nobody knows.
    pub(crate) fn symbol_unknown() -> Self {
        Self::new(404, SYMBOL_INVALID)
    }

    /// The same as one entry of a batch.
    pub(crate) fn symbol_unknown_in_batch(symbol: &str) -> Self {
        Self::new(
            400,
            format!(
                "**symbol** not found: {symbol}. Please specify it correctly according to API Documentation."
            ),
        )
    }

    /// A single symbol that the plan does not hold.
    pub(crate) fn plan() -> Self {
        Self::new(
            404,
            format!(
                "This symbol is available starting with the Grow or Venture plan. Consider upgrading now at {PRICING}"
            ),
        )
    }

    /// The same as one entry of a batch.
    pub(crate) fn plan_in_batch(symbol: &str) -> Self {
        Self::new(
            400,
            format!(
                "**symbol** {symbol} is not available with your plan. You may select the appropriate plan at {PRICING}"
            ),
        )
    }

    pub(crate) fn data_not_found() -> Self {
        Self::new(404, "Data not found")
    }
}

const SYMBOL_INVALID: &str = "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol \
                              according to API documentation: https://twelvedata.com/docs#reference-data";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_the_vendors() {
        let error = VendorError::symbol_unknown_in_batch("NIKK").with_meta("SPY,NIKK,BTC/USD");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"code":400,"message":"**symbol** not found: NIKK. Please specify it correctly according to API Documentation.","status":"error","meta":{"symbol":"SPY,NIKK,BTC/USD","interval":"","exchange":""}}"#
        );
    }

    #[test]
    fn only_the_plans_404_speaks_of_a_plan() {
        assert!(VendorError::plan().message.contains("plan"));
        assert!(!VendorError::symbol_unknown().message.contains("plan"));
        assert!(!VendorError::data_not_found().message.contains("plan"));
    }
}
