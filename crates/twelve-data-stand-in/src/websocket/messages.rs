//! The messages of both sides.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::market::{Class, Instrument, Observation};

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(super) enum Action {
    Subscribe { params: Params },
    Unsubscribe { params: Params },
    Reset,
    Heartbeat,
}

#[derive(Debug, Deserialize)]
pub(super) struct Params {
    symbols: Symbols,
}

/// `"AAPL,RY:TSX"`, or an array of texts and objects.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Symbols {
    List(String),
    Items(Vec<Item>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Item {
    Text(String),
    Object {
        symbol: String,
        #[serde(default)]
        exchange: Option<String>,
    },
}

impl Params {
    /// The symbols, an exchange joined on as in `RY:TSX`.
    pub(super) fn symbols(self) -> Vec<String> {
        let symbols = match self.symbols {
            Symbols::List(list) => list.split(',').map(|symbol| symbol.trim().to_owned()).collect(),
            Symbols::Items(items) => items.into_iter().map(Item::into_symbol).collect::<Vec<_>>(),
        };
        symbols.into_iter().filter(|symbol| !symbol.is_empty()).collect()
    }
}

impl Item {
    fn into_symbol(self) -> String {
        match self {
            Self::Object {
                symbol,
                exchange: Some(exchange),
            } if !symbol.contains('/') => format!("{symbol}:{exchange}"),
            Self::Text(symbol) | Self::Object { symbol, .. } => symbol,
        }
    }
}

/// `subscribe-status`: a list of nothing is `null`, as seen, if all else failed.
#[derive(Debug, Serialize)]
pub(super) struct SubscribeStatus {
    event: &'static str,
    status: &'static str,
    success: Option<Vec<Success>>,
    fails: Option<Vec<Fail>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Success {
    symbol: String,
    exchange: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mic_code: Option<&'static str>,
    country: &'static str,
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Fail {
    pub(super) symbol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

impl SubscribeStatus {
    pub(super) fn new(success: Vec<Success>, fails: Vec<Fail>, has_null_lists: bool) -> Self {
        let (status, success) = match (success.is_empty(), fails.is_empty()) {
            (true, false) => ("error", None),
            (false, false) => ("warning", Some(success)),
            (_, true) => ("ok", Some(success)),
        };
        Self {
            event: "subscribe-status",
            status,
            success,
            fails: Some(fails).filter(|fails| !(has_null_lists && fails.is_empty())),
        }
    }
}

impl From<Instrument> for Success {
    fn from(instrument: Instrument) -> Self {
        let kind = kind(&instrument);
        let (exchange, mic_code, country) = match instrument.class {
            Class::Equity(equity) => (equity.exchange.into_owned(), equity.mic_code, equity.country),
            Class::Forex(_) => ("FOREX".to_owned(), None, ""),
            Class::Crypto(pair) => (
                pair.exchange.unwrap_or_else(|| CRYPTO_EXCHANGE.to_owned()),
                None,
                "",
            ),
        };
        Self {
            symbol: instrument.symbol,
            exchange,
            mic_code,
            country,
            r#type: kind,
        }
    }
}

const CRYPTO_EXCHANGE: &str = "Coinbase Pro";

fn kind(instrument: &Instrument) -> &'static str {
    match &instrument.class {
        Class::Equity(equity) => equity.kind,
        Class::Forex(_) => "Physical Currency",
        Class::Crypto(_) => "Digital Currency",
    }
}

/// A price, whose numbers are JSON numbers in the very digits of the market.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PriceEvent {
    event: &'static str,
    symbol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_base: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_quote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mic_code: Option<&'static str>,
    r#type: &'static str,
    pub(super) timestamp: i64,
    /// `None` is written as `null`.
    pub(super) price: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bid: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ask: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day_volume: Option<u64>,
}

impl PriceEvent {
    /// The event of one observation.
    ///
    /// # Errors
    ///
    /// If a price is no JSON number.
    pub(super) fn new(observation: Observation) -> Result<Self, serde_json::Error> {
        let kind = kind(&observation.instrument);
        let number = RawValue::from_string;
        let (bid, ask) = match observation.spread {
            Some((bid, ask)) => (Some(number(bid)?), Some(number(ask)?)),
            None => (None, None),
        };
        let mut event = Self {
            event: "price",
            symbol: observation.instrument.symbol,
            currency: None,
            currency_base: None,
            currency_quote: None,
            exchange: None,
            mic_code: None,
            r#type: kind,
            timestamp: observation.time.as_second(),
            price: Some(number(observation.price.number())?),
            bid,
            ask,
            day_volume: Some(observation.day.volume),
        };
        match observation.instrument.class {
            Class::Equity(equity) => {
                event.currency = Some(equity.currency.to_owned());
                event.exchange = Some(equity.exchange.into_owned());
                event.mic_code = equity.mic_code;
            }
            Class::Forex(pair) => {
                event.currency = Some(pair.quote_code);
                event.currency_base = Some(pair.base.into_owned());
                event.currency_quote = Some(pair.quote.into_owned());
                event.day_volume = None;
            }
            Class::Crypto(pair) => {
                event.currency_base = Some(pair.base.into_owned());
                event.currency_quote = Some(pair.quote.into_owned());
                event.exchange = Some(pair.exchange.unwrap_or_else(|| CRYPTO_EXCHANGE.to_owned()));
            }
        }
        Ok(event)
    }

    /// The same, so many seconds later.
    pub(super) fn shifted(self, seconds: i64) -> Self {
        Self {
            timestamp: self.timestamp.saturating_add(seconds),
            ..self
        }
    }

    /// The same with the least of its facts.
    pub(super) fn lean(self) -> Self {
        Self {
            mic_code: None,
            day_volume: None,
            ..self
        }
    }

    pub(super) fn of_a_new_day(self) -> Self {
        Self {
            day_volume: self.day_volume.map(|_| 0),
            ..self
        }
    }

    pub(super) fn without_price(self) -> Self {
        Self { price: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Market, MarketConfig};

    fn symbols(message: &str) -> Vec<String> {
        match serde_json::from_str(message) {
            Ok(Action::Subscribe { params }) => params.symbols(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_forms_of_symbols_and_their_mixture_are_read() {
        assert_eq!(
            symbols(r#"{"action":"subscribe","params":{"symbols":"AAPL,RY:TSX, EUR/USD"}}"#),
            ["AAPL", "RY:TSX", "EUR/USD"]
        );
        assert_eq!(
            symbols(
                r#"{"action":"subscribe","params":{"symbols":["BTC/USD",{"symbol":"RY","exchange":"TSX"},{"symbol":"IBM","mic_code":"XNYS"},{"symbol":"EUR/USD","exchange":"FOREX","type":"Forex"}]}}"#
            ),
            ["BTC/USD", "RY:TSX", "IBM", "EUR/USD"]
        );
    }

    #[test]
    fn an_event_has_the_fields_of_its_asset_class_and_numbers_that_are_numbers() {
        let market = Market::new(MarketConfig::default()).unwrap();
        let now = "2026-09-16T16:07:23Z".parse().unwrap();
        let names = |symbol: &str| {
            let observation = market
                .next(symbol, now, false)
                .unwrap_or_else(|_| panic!("{symbol}"));
            let event = serde_json::to_value(PriceEvent::new(observation).unwrap()).unwrap();
            assert!(
                event["price"].is_number() && event["timestamp"].is_i64(),
                "{event}"
            );
            event
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            names("AAPL"),
            "currency day_volume event exchange mic_code price symbol timestamp type"
        );
        assert_eq!(
            names("XAU/USD"),
            "ask bid currency currency_base currency_quote event price symbol timestamp type"
        );
        assert_eq!(
            names("BTC/USD"),
            "ask bid currency_base currency_quote day_volume event exchange price symbol timestamp type"
        );
    }
}
