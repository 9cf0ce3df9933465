//! The body of `/quote`, which differs by asset class.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::market::{Class, Observation, Way, written};

/// Seconds from midnight UTC to the opening of the US exchanges in summer, where a day's bar begins.
const US_OPEN_S: i64 = 13 * 3600 + 30 * 60;
const DAY_S: i64 = 86_400;
const MINUTE_S: i64 = 60;

/// Fields that the vendor's reference calls required: all others may be `null`.
pub(crate) const REQUIRED: &[&str] = &[
    "symbol",
    "name",
    "datetime",
    "timestamp",
    "open",
    "high",
    "low",
    "close",
    "previous_close",
    "change",
    "percent_change",
    "is_market_open",
    "fifty_two_week",
];

/// A quote whose `close` is the price. A replayed one also has `bid` and `ask`, which the vendor's never has.
pub(crate) fn quote(observation: &Observation, places: u32) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let Observation {
        instrument,
        day,
        time,
        ..
    } = observation;
    let text = |value: Decimal, way: Way| Value::from(written(value, way, places));
    put("symbol", json!(instrument.symbol));
    put("name", json!(instrument.name));
    let bar_opens_at = match &instrument.class {
        Class::Equity(equity) => {
            put("exchange", json!(equity.exchange));
            put("currency", json!(equity.currency));
            if let Some(mic_code) = equity.mic_code {
                put("mic_code", json!(mic_code));
            }
            put("volume", json!(day.volume.to_string()));
            put("average_volume", json!("50953600"));
            US_OPEN_S
        }
        Class::Forex(pair) => {
            put("exchange", json!("FOREX"));
            put("currency_base", json!(pair.base));
            put("currency_quote", json!(pair.quote));
            0
        }
        Class::Crypto(pair) => {
            put("exchange", json!(pair.exchange.as_deref().unwrap_or("Binance")));
            put("currency_base", json!(pair.base));
            put("currency_quote", json!(pair.quote));
            put(
                "rolling_1d_change",
                text(percent(day.open, day.close), Way::Padded),
            );
            put(
                "rolling_7d_change",
                text(percent(day.low, day.close), Way::Padded),
            );
            put("rolling_change", text(percent(day.open, day.close), Way::Padded));
            0
        }
    };
    let date = TimeZone::UTC.to_datetime(*time).date();
    put("datetime", json!(date.to_string()));
    let midnight = time.as_second() - time.as_second().rem_euclid(DAY_S);
    put("timestamp", json!(midnight + bar_opens_at));
    put("last_quote_at", json!(last_quote_at(observation)));
    put("open", text(day.open, Way::AsIs));
    put("high", text(day.high, Way::Trimmed));
    put("low", text(day.low, Way::AsIs));
    put("close", json!(observation.price.mixed(places)));
    put("previous_close", text(day.previous_close, Way::Padded));
    put(
        "change",
        text(day.close.saturating_sub(day.previous_close), Way::Padded),
    );
    put(
        "percent_change",
        text(percent(day.previous_close, day.close), Way::Padded),
    );
    put("is_market_open", json!(observation.session.is_open));
    put("fifty_two_week", fifty_two_week(day.close, day.low, day.high));
    if let (true, Some((bid, ask))) = (observation.is_replayed(), &observation.spread) {
        put("bid", json!(bid));
        put("ask", json!(ask));
    }
    if let Some(price) = &observation.extended_price {
        let change = price.value().unwrap_or(day.close).saturating_sub(day.close);
        put("extended_price", json!(price.mixed(places)));
        put("extended_change", text(change, Way::Padded));
        put(
            "extended_percent_change",
            text(percent(day.close, day.close.saturating_add(change)), Way::Padded),
        );
        put("extended_timestamp", json!(minute_of(observation.session.now)));
    }
    fields
}

/// The vendor's time of the last minute's candle; in a replay the time of the line itself.
pub(crate) fn last_quote_at(observation: &Observation) -> i64 {
    let second = Timestamp::as_second(observation.time);
    if observation.is_replayed() {
        second
    } else {
        minute_of(observation.time)
    }
}

fn minute_of(time: Timestamp) -> i64 {
    let second = time.as_second();
    second - second.rem_euclid(MINUTE_S)
}

fn percent(from: Decimal, to: Decimal) -> Decimal {
    let share = to.saturating_sub(from).checked_div(from).unwrap_or_default();
    share.saturating_mul(Decimal::ONE_HUNDRED)
}

fn fifty_two_week(close: Decimal, low: Decimal, high: Decimal) -> Value {
    // a year that holds the day: a fifth below and above it, written with the vendor's six places
    let (low, high) = (
        low.saturating_mul(Decimal::new(8, 1)),
        high.saturating_mul(Decimal::new(12, 1)),
    );
    let six = |value| written(value, Way::AsIs, 6);
    json!({
        "low": six(low),
        "high": six(high),
        "low_change": six(close.saturating_sub(low)),
        "high_change": six(close.saturating_sub(high)),
        "low_change_percent": six(percent(low, close)),
        "high_change_percent": six(percent(high, close)),
        "range": format!("{} - {}", six(low), six(high)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Market, MarketConfig};

    fn quote_of(symbol: &str) -> Map<String, Value> {
        let market = Market::new(MarketConfig::default()).unwrap();
        let now = "2026-09-16T16:07:23Z".parse().unwrap();
        quote(
            &market
                .next(symbol, now, false)
                .unwrap_or_else(|_| panic!("{symbol}")),
            5,
        )
    }

    #[test]
    fn each_asset_class_has_the_fields_that_the_vendor_sends_for_it() {
        let has = |symbol: &str, name: &str| quote_of(symbol).contains_key(name);
        for (name, equity, forex, crypto) in [
            ("mic_code", true, false, false),
            ("currency", true, false, false),
            ("volume", true, false, false),
            ("currency_base", false, true, true),
            ("rolling_1d_change", false, false, true),
            ("last_quote_at", true, true, true),
            ("bid", false, false, false),
        ] {
            assert_eq!(
                (has("AAPL", name), has("EUR/USD", name), has("BTC/USD", name)),
                (equity, forex, crypto),
                "{name}"
            );
        }
        for symbol in ["AAPL", "EUR/USD", "BTC/USD"] {
            let quote = quote_of(symbol);
            assert!(REQUIRED.iter().all(|name| quote.contains_key(*name)), "{symbol}");
        }
    }

    #[test]
    fn prices_are_strings_and_times_are_whole_numbers() {
        let quote = quote_of("AAPL");
        assert_eq!(quote["timestamp"], 1_789_565_400);
        assert_eq!(quote["last_quote_at"], 1_789_574_820);
        assert_eq!(quote["datetime"], "2026-09-16");
        for name in ["open", "close", "volume", "previous_close", "percent_change"] {
            assert!(quote[name].is_string(), "{name}");
        }
    }
}
