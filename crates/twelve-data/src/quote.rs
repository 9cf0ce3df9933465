use jiff::{SignedDuration, Timestamp};
use quote_model::{Decimal, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::field::{NotReadable, Raw, as_decimal, as_text, excerpt, whole_number};
use crate::{Endpoint, SymbolError};

/// `last_quote_at` was seen up to 16 s ahead, and is the time of a minute's candle.
const MAX_AHEAD: SignedDuration = SignedDuration::from_secs(90);

/// What the vendor says of one symbol at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Last price, in `currency`.
    pub price: Decimal<'static>,
    /// When it was made, by the vendor.
    pub ts_event: Option<Timestamp>,
    /// The vendor's `exchange`.
    pub exchange: Option<Text<'static>>,
    /// The vendor's `mic_code`.
    pub mic_code: Option<Text<'static>>,
    /// The vendor's `currency`.
    pub currency: Option<Text<'static>>,
    /// The vendor's `currency_base`.
    pub currency_base: Option<Text<'static>>,
    /// The vendor's `currency_quote`.
    pub currency_quote: Option<Text<'static>>,
    /// Best bid.
    pub bid: Option<Decimal<'static>>,
    /// Best ask.
    pub ask: Option<Decimal<'static>>,
    /// The vendor's `volume`.
    pub day_volume: Option<Decimal<'static>>,
    /// Fields that were there and could not be read, by the vendor's names. They are absent above.
    pub odd_fields: Vec<&'static str>,
}

/// The fields of `/price` and `/quote` that are of use. Any of them may be `null`, and prices may be JSON
/// strings or numbers.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    price: Raw<'a>,
    #[serde(borrow)]
    close: Raw<'a>,
    #[serde(borrow)]
    last_quote_at: Raw<'a>,
    #[serde(borrow)]
    exchange: Raw<'a>,
    #[serde(borrow)]
    mic_code: Raw<'a>,
    #[serde(borrow)]
    currency: Raw<'a>,
    #[serde(borrow)]
    currency_base: Raw<'a>,
    #[serde(borrow)]
    currency_quote: Raw<'a>,
    #[serde(borrow)]
    bid: Raw<'a>,
    #[serde(borrow)]
    ask: Raw<'a>,
    #[serde(borrow)]
    volume: Raw<'a>,
}

impl Quote {
    /// A reply of `/price` says nothing else.
    #[must_use]
    pub fn of_price(price: Decimal<'static>) -> Self {
        Self {
            price,
            ts_event: None,
            exchange: None,
            mic_code: None,
            currency: None,
            currency_base: None,
            currency_quote: None,
            bid: None,
            ask: None,
            day_volume: None,
            odd_fields: Vec::new(),
        }
    }

    /// Reads one symbol's entry, which is no error. `ts_recv` is when it was received.
    pub(crate) fn read(entry: &str, endpoint: Endpoint, ts_recv: Timestamp) -> Result<Self, SymbolError> {
        let malformed = |_| SymbolError::Malformed {
            entry: excerpt(entry),
        };
        let fields: Fields<'_> = serde_json::from_str(entry).map_err(malformed)?;
        match endpoint {
            Endpoint::Price => Ok(Self::of_price(price("price", fields.price)?)),
            // not `timestamp`: that is the open of the bar, hours ago
            Endpoint::Quote => Ok(Self::of_price(price("close", fields.close)?).with_facts(&fields, ts_recv)),
        }
    }

    fn with_facts(mut self, fields: &Fields<'_>, ts_recv: Timestamp) -> Self {
        let mut odd_fields = Vec::new();
        let mut note = |name, is_odd: bool| {
            if is_odd {
                odd_fields.push(name);
            }
        };
        let mut text = |name, raw: Raw<'_>| {
            let text = raw.map(as_text).transpose();
            note(name, text.is_err());
            text.ok().flatten().flatten()
        };
        self.exchange = text("exchange", fields.exchange);
        self.mic_code = text("mic_code", fields.mic_code);
        self.currency = text("currency", fields.currency);
        self.currency_base = text("currency_base", fields.currency_base);
        self.currency_quote = text("currency_quote", fields.currency_quote);
        let mut number = |name, raw: Raw<'_>| {
            let number = raw.map(as_decimal).transpose();
            note(name, number.is_err());
            number.ok().flatten().flatten()
        };
        self.bid = number("bid", fields.bid);
        self.ask = number("ask", fields.ask);
        self.day_volume = number("volume", fields.volume);
        self.ts_event = fields.last_quote_at.and_then(|raw| event_time(raw, ts_recv));
        note(
            "last_quote_at",
            fields.last_quote_at.is_some() && self.ts_event.is_none(),
        );
        self.odd_fields = odd_fields;
        self
    }
}

fn price(name: &'static str, raw: Raw<'_>) -> Result<Decimal<'static>, SymbolError> {
    let raw = raw.ok_or(SymbolError::NoPrice { name })?;
    match as_decimal(raw) {
        Ok(Some(price)) => Ok(price),
        Ok(None) => Err(SymbolError::NoPrice { name }),
        Err(NotReadable) => Err(SymbolError::NotDecimal {
            name,
            text: excerpt(raw.get()),
        }),
    }
}

/// Seconds since 1970 as an instant; nothing if it cannot be one at which a quote was made.
fn event_time(raw: &RawValue, ts_recv: Timestamp) -> Option<Timestamp> {
    let seconds = whole_number(raw).filter(|seconds| *seconds > 0)?;
    let ts_event = Timestamp::from_second(seconds).ok()?;
    (ts_event.duration_since(ts_recv) <= MAX_AHEAD).then_some(ts_event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: &str = r#"{"symbol":"AAPL","name":"Apple Inc.","exchange":"NASDAQ","mic_code":"XNGS",
        "currency":"USD","datetime":"2026-09-16","timestamp":1789565400,"last_quote_at":1789574220,
        "open":"332.525","high":"335.47","low":"331.945","close":"332.695","volume":"466780",
        "previous_close":"331.34000","is_market_open":true,
        "fifty_two_week":{"low":"236.32001","range":"236.320007 - 344.570007"}}"#;

    fn ts_recv() -> Timestamp {
        Timestamp::from_second(1_789_574_225).unwrap()
    }

    fn price_of(entry: &str) -> Result<String, SymbolError> {
        Quote::read(entry, Endpoint::Price, ts_recv()).map(|quote| quote.price.to_string())
    }

    fn quote(entry: &str) -> Quote {
        Quote::read(entry, Endpoint::Quote, ts_recv()).unwrap()
    }

    #[test]
    fn a_price_keeps_the_vendors_digits_as_string_and_as_number() {
        for (entry, digits) in [
            (r#"{"price":"200.99001"}"#, "200.99001"),
            (r#"{"price":"26575.60000"}"#, "26575.60000"),
            (r#"{"price":73027.02000000001}"#, "73027.02000000001"),
            (r#"{"price": "0.060006104", "more": [1]}"#, "0.060006104"),
            (r#"{"price":"1e-5"}"#, "1e-5"),
            (r#"{"price":"-37.63"}"#, "-37.63"),
        ] {
            assert_eq!(price_of(entry).unwrap(), digits);
        }
    }

    #[test]
    fn a_price_that_is_none_is_an_error_and_no_tick() {
        for entry in [r#"{"price":null}"#, "{}", r#"{"price":""}"#] {
            let error = price_of(entry).unwrap_err();
            assert!(matches!(error, SymbolError::NoPrice { .. }), "{entry}");
        }
        let long = format!(r#"{{"price":"{}"}}"#, "1".repeat(65));
        for entry in [
            r#"{"price":"NaN"}"#,
            r#"{"price":"1,5"}"#,
            r#"{"price":true}"#,
            r#"{"price":["1"]}"#,
            r#"{"price":" 1"}"#,
            long.as_str(),
        ] {
            let error = price_of(entry).unwrap_err();
            assert!(matches!(error, SymbolError::NotDecimal { .. }), "{entry}");
        }
        for entry in ["null", "[]", "17", r#"{"price":"1","price":"2"}"#] {
            let error = price_of(entry).unwrap_err();
            assert!(matches!(error, SymbolError::Malformed { .. }), "{entry}");
        }
    }

    #[test]
    fn a_quote_of_a_stock_is_read_whole() {
        let quote = quote(STOCK);
        assert_eq!(quote.price.as_str(), "332.695");
        assert_eq!(
            quote.ts_event,
            Some(Timestamp::from_second(1_789_574_220).unwrap())
        );
        assert_eq!(quote.exchange, Text::present("NASDAQ"));
        assert_eq!(quote.mic_code, Text::present("XNGS"));
        assert_eq!(quote.currency, Text::present("USD"));
        assert_eq!(quote.day_volume.unwrap().as_str(), "466780");
        assert_eq!((quote.bid, quote.ask), (None, None));
        assert!(quote.odd_fields.is_empty());
    }

    #[test]
    fn a_quote_of_a_pair_has_no_volume_and_two_currencies() {
        let quote = quote(
            r#"{"symbol":"BTC/USD","exchange":"Binance","close":29299.0,"currency_base":"Bitcoin",
                "currency_quote":"US Dollar","bid":29298.95,"ask":"29299.05","volume":null,"mic_code":""}"#,
        );
        assert_eq!(quote.day_volume, None);
        assert_eq!(quote.currency_base, Text::present("Bitcoin"));
        assert_eq!(quote.currency_quote, Text::present("US Dollar"));
        assert_eq!(quote.bid.unwrap().as_str(), "29298.95");
        assert_eq!(quote.ask.unwrap().as_str(), "29299.05");
        assert_eq!(
            (quote.ts_event, quote.mic_code, quote.odd_fields),
            (None, None, vec![])
        );
    }

    #[test]
    fn an_odd_time_is_absent_and_named() {
        let with = |last_quote_at: &str| {
            quote(&format!(
                r#"{{"close":"1","last_quote_at":{last_quote_at},"timestamp":1789565400}}"#
            ))
        };
        for time in ["1789574220", "\"1789574220\"", "1789574241"] {
            assert!(with(time).ts_event.is_some(), "{time}");
        }
        assert!(with("null").odd_fields.is_empty());
        for time in [
            "1789574220000",
            "0",
            "-1",
            "1789574220.5",
            "\"2026-09-16\"",
            "1789575225",
            "99999999999999999999",
            "{}",
        ] {
            let quote = with(time);
            assert_eq!(
                (quote.ts_event, quote.odd_fields),
                (None, vec!["last_quote_at"]),
                "{time}"
            );
        }
    }

    #[test]
    fn an_odd_field_costs_no_tick() {
        let quote = quote(r#"{"close":"1","volume":"NaN","exchange":7,"bid":"x"}"#);
        assert_eq!(quote.price.as_str(), "1");
        assert_eq!(quote.odd_fields, ["exchange", "bid", "volume"]);
    }
}
