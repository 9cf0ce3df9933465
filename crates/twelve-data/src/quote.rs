use jiff::{SignedDuration, Timestamp};
use quote_model::{Decimal, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::field::{NotReadable, Raw, as_decimal, as_text, excerpt, whole_number};
use crate::{AssetClass, Endpoint, Instrument, SymbolError};

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
    /// Whether its market trades now, by the vendor.
    pub is_market_open: Option<bool>,
    /// What it is, where the fields show it.
    pub class: Option<AssetClass>,
    /// Fields that were there and could not be read, by the vendor's names. They are absent above.
    pub odd_fields: Vec<&'static str>,
}

/// The fields of `/price` and `/quote` that are of use. Any of them may be `null`, and prices may be JSON
/// strings or numbers.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    symbol: Raw<'a>,
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
    #[serde(borrow)]
    is_market_open: Raw<'a>,
    #[serde(borrow)]
    extended_price: Raw<'a>,
    #[serde(borrow)]
    extended_timestamp: Raw<'a>,
    /// Coins only have it.
    #[serde(borrow, alias = "rolling_1day_change")]
    rolling_1d_change: Raw<'a>,
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
            is_market_open: None,
            class: None,
            odd_fields: Vec::new(),
        }
    }

    /// Reads one instrument's entry, which is no error. `ts_recv` is when it was received.
    pub(crate) fn read(
        entry: &str,
        instrument: &Instrument,
        endpoint: Endpoint,
        ts_recv: Timestamp,
    ) -> Result<Self, SymbolError> {
        let malformed = |_| SymbolError::Malformed {
            entry: excerpt(entry),
        };
        let fields: Fields<'_> = serde_json::from_str(entry).map_err(malformed)?;
        compare(&fields, instrument)?;
        match endpoint {
            Endpoint::Price => Ok(Self::of_price(price("price", fields.price)?)),
            // not `timestamp`: that is the open of the bar, hours ago
            Endpoint::Quote => Ok(Self::of_price(price("close", fields.close)?)
                .with_facts(&fields, ts_recv)
                .with_extended_hours(&fields, ts_recv)),
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
        self.is_market_open = fields
            .is_market_open
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        self.class = self.class_of(fields);
        self
    }

    fn class_of(&self, fields: &Fields<'_>) -> Option<AssetClass> {
        let exchange = self.exchange.as_ref().map(Text::as_str);
        let is_forex = exchange.is_some_and(|name| name.eq_ignore_ascii_case("forex"));
        if self.mic_code.is_some() || self.currency.is_some() {
            Some(AssetClass::Listed)
        } else if fields.rolling_1d_change.is_some() {
            Some(AssetClass::Crypto)
        } else if self.currency_base.is_none() && self.currency_quote.is_none() {
            None
        } else if is_forex || exchange.is_none() {
            Some(AssetClass::Forex)
        } else {
            Some(AssetClass::Crypto)
        }
    }

    /// Before and after hours the price stands in fields of its own, with a time of its own.
    fn with_extended_hours(mut self, fields: &Fields<'_>, ts_recv: Timestamp) -> Self {
        let price = fields
            .extended_price
            .and_then(|raw| as_decimal(raw).ok().flatten());
        let time = fields.extended_timestamp.and_then(|raw| event_time(raw, ts_recv));
        if let (Some(price), Some(time)) = (price, time)
            && self.ts_event.is_none_or(|regular| time > regular)
        {
            self.price = price;
            self.ts_event = Some(time);
        }
        self
    }
}

/// Whether the entry is of what was asked for, as far as it says.
fn compare(fields: &Fields<'_>, instrument: &Instrument) -> Result<(), SymbolError> {
    let text = |raw: Raw<'_>| raw.and_then(|raw| as_text(raw).ok().flatten());
    let (symbol, exchange, mic_code) = (text(fields.symbol), text(fields.exchange), text(fields.mic_code));
    if let Some(answered) = symbol
        && !answered.as_str().eq_ignore_ascii_case(instrument.ticker())
        && !answered.as_str().eq_ignore_ascii_case(instrument.symbol.as_str())
    {
        return Err(SymbolError::OtherSymbol {
            answered: answered.as_str().to_owned(),
        });
    }
    let (exchange, mic_code) = (
        exchange.as_ref().map(Text::as_str),
        mic_code.as_ref().map(Text::as_str),
    );
    if !instrument.is_listed_at(exchange, mic_code) {
        let answered = [exchange, mic_code].into_iter().flatten().collect::<Vec<_>>();
        return Err(SymbolError::OtherListing {
            answered: answered.join(", "),
        });
    }
    Ok(())
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

    fn read(entry: &str, instrument: &str, endpoint: Endpoint) -> Result<Quote, SymbolError> {
        Quote::read(entry, &instrument.parse().unwrap(), endpoint, ts_recv())
    }

    fn price_of(entry: &str) -> Result<String, SymbolError> {
        read(entry, "AAPL", Endpoint::Price).map(|quote| quote.price.to_string())
    }

    fn quote_of(entry: &str, instrument: &str) -> Quote {
        read(entry, instrument, Endpoint::Quote).unwrap()
    }

    fn quote(entry: &str) -> Quote {
        quote_of(entry, "AAPL")
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
        let quote = quote_of(
            r#"{"symbol":"BTC/USD","exchange":"Binance","close":29299.0,"currency_base":"Bitcoin",
                "currency_quote":"US Dollar","bid":29298.95,"ask":"29299.05","volume":null,"mic_code":""}"#,
            "BTC/USD",
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

    #[test]
    fn another_symbol_and_another_listing_are_refused() {
        let new_york =
            r#"{"symbol":"FTS","exchange":"NYSE","mic_code":"XNYS","currency":"USD","close":"40.27"}"#;
        for asked in ["FTS:TSX", "FTS;mic_code=XTSE", "FTS;exchange=TSX"] {
            let error = read(new_york, asked, Endpoint::Quote).unwrap_err();
            assert!(
                matches!(&error, SymbolError::OtherListing { answered } if answered == "NYSE, XNYS"),
                "{asked}"
            );
        }
        for asked in ["FTS", "FTS:NYSE", "fts", "FTS;mic_code=XNYS"] {
            assert!(read(new_york, asked, Endpoint::Quote).is_ok(), "{asked}");
        }
        let error = read(new_york, "FTSX", Endpoint::Quote).unwrap_err();
        assert!(matches!(error, SymbolError::OtherSymbol { answered } if answered == "FTS"));
    }

    #[test]
    fn the_class_follows_from_the_fields() {
        let class = |entry: &str, asked: &str| quote_of(entry, asked).class;
        assert_eq!(quote(STOCK).class, Some(AssetClass::Listed));
        assert_eq!(quote(STOCK).is_market_open, Some(true));
        for (entry, expected) in [
            (
                r#"{"close":"1","currency_base":"Euro","currency_quote":"US Dollar"}"#,
                Some(AssetClass::Forex),
            ),
            (
                r#"{"close":"1","currency_base":"Bitcoin","currency_quote":"US Dollar","exchange":"Binance"}"#,
                Some(AssetClass::Crypto),
            ),
            (
                r#"{"close":"1","currency_base":"Bitcoin","rolling_1day_change":"2"}"#,
                Some(AssetClass::Crypto),
            ),
            (r#"{"close":"1"}"#, None),
        ] {
            assert_eq!(class(entry, "A/B"), expected, "{entry}");
        }
    }

    #[test]
    fn before_and_after_hours_the_later_price_counts() {
        let with = |time: i64| {
            quote(&format!(
                r#"{{"close":"1","last_quote_at":1789574000,"extended_price":"2","extended_timestamp":"{time}"}}"#
            ))
        };
        let later = with(1_789_574_100);
        assert_eq!(later.price.as_str(), "2");
        assert_eq!(later.ts_event.unwrap().as_second(), 1_789_574_100);
        assert_eq!(with(1_789_573_000).price.as_str(), "1");
    }
}
