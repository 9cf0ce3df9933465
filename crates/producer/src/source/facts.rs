//! What the vendor says is held against what it said before, and against this host's clock. An oddity costs no tick:
//! it is told once a symbol, and counted.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use quote_model::{Symbol, Text};
use serde::Serialize;
use tracing::{info, warn};
use twelve_data::Quote;

/// The market is open, and the quote is older than so: longer than the vendor delays any market's data.
const STALE: SignedDuration = SignedDuration::from_mins(60);

/// This host's clock and the vendor's may differ by so much.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// How often which oddity came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Oddities {
    /// Quotes with a field that could not be read.
    pub(crate) odd_quotes: u64,
    /// Quotes whose time is long ago although their market is open.
    pub(crate) stale_quotes: u64,
    /// Quotes whose time is before that of the quote before.
    pub(crate) quotes_back_in_time: u64,
    /// Quotes in another currency than the quote before, such as pence after pounds.
    pub(crate) currency_changes: u64,
    /// Quotes of another exchange than the quote before.
    pub(crate) listing_changes: u64,
    /// Replies whose time is far from this host's.
    pub(crate) clock_differences: u64,
}

/// Compares quotes.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    last: HashMap<Symbol<'static>, Last>,
    counts: Oddities,
    is_clock_told: bool,
}

#[derive(Debug, Default)]
struct Last {
    ts_event: Option<Timestamp>,
    currency: Option<Text<'static>>,
    exchange: Option<Text<'static>>,
    mic_code: Option<Text<'static>>,
    told: Vec<&'static str>,
}

impl Last {
    /// Whether the oddity is a new one.
    fn is_news(&mut self, oddity: &'static str) -> bool {
        let is_news = !self.told.contains(&oddity);
        if is_news {
            self.told.push(oddity);
        }
        is_news
    }
}

impl Facts {
    pub(crate) fn counts(&self) -> Oddities {
        self.counts
    }

    /// A quote came.
    pub(crate) fn compare(&mut self, symbol: &Symbol<'static>, quote: &Quote, ts_recv: Timestamp) {
        let last = self.last.entry(symbol.clone()).or_default();
        if !quote.odd_fields.is_empty() {
            self.counts.odd_quotes += 1;
        }
        for field in &quote.odd_fields {
            if last.is_news(field) {
                warn!(%symbol, field, "the field cannot be read, the tick goes without it; counted from here on");
            }
        }
        if let (Some(before), Some(now)) = (&last.currency, &quote.currency)
            && before != now
        {
            self.counts.currency_changes += 1;
            let (before, now) = (before.as_str().to_owned(), now.as_str());
            if last.is_news("currency changed") {
                warn!(%symbol, before, now, "the currency changed: GBp are pence, GBP pounds; ticks carry it as told");
            }
        }
        let is_other = |before: &Option<Text<'static>>, now: &Option<Text<'static>>| {
            before.is_some() && now.is_some() && before != now
        };
        if is_other(&last.exchange, &quote.exchange) || is_other(&last.mic_code, &quote.mic_code) {
            self.counts.listing_changes += 1;
            let now = quote
                .exchange
                .as_ref()
                .or(quote.mic_code.as_ref())
                .map(|text| text.as_str().to_owned());
            if last.is_news("listing changed") {
                warn!(
                    %symbol, now = now.unwrap_or_default(),
                    "the vendor answers with another exchange than before; name the listing, as in `AAPL:NASDAQ`"
                );
            }
        }
        if let Some(ts_event) = quote.ts_event {
            if last.ts_event.is_some_and(|before| ts_event < before) {
                self.counts.quotes_back_in_time += 1;
                if last.is_news("back in time") {
                    warn!(%symbol, %ts_event, "a quote is older than the one before it; counted from here on");
                }
            }
            if quote.is_market_open == Some(true) && ts_recv.duration_since(ts_event) > STALE {
                self.counts.stale_quotes += 1;
                if last.is_news("stale") {
                    warn!(%symbol, %ts_event, "the market is open and the quote is old; counted from here on");
                }
            }
            last.ts_event = Some(ts_event);
        }
        let keep = |last: &mut Option<Text<'static>>, now: &Option<Text<'static>>| {
            if now.is_some() {
                last.clone_from(now);
            }
        };
        keep(&mut last.currency, &quote.currency);
        keep(&mut last.exchange, &quote.exchange);
        keep(&mut last.mic_code, &quote.mic_code);
    }

    /// A reply carries the vendor's time, in whole seconds.
    pub(crate) fn compare_clocks(&mut self, vendor: Timestamp, host: Timestamp) {
        let ahead = host.duration_since(vendor);
        if ahead.abs() <= CLOCK_TOLERANCE {
            if std::mem::take(&mut self.is_clock_told) {
                info!("this host's clock and Twelve Data's agree again");
            }
            return;
        }
        self.counts.clock_differences += 1;
        if !std::mem::replace(&mut self.is_clock_told, true) {
            let (seconds, side) = (
                ahead.abs().as_secs(),
                if ahead.is_positive() { "ahead of" } else { "behind" },
            );
            warn!(
                seconds,
                "this host's clock is {side} Twelve Data's, and each tick's `ts_recv` with it; set it by NTP"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use quote_model::Decimal;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_789_574_220 + second).unwrap()
    }

    fn quote(ts_event: i64, currency: &str, exchange: &str) -> Quote {
        Quote {
            ts_event: Some(at(ts_event)),
            currency: Text::present(currency.to_owned()),
            exchange: Text::present(exchange.to_owned()),
            is_market_open: Some(true),
            ..Quote::of_price(Decimal::parse("1").unwrap())
        }
    }

    fn counts(quotes: &[Quote]) -> Oddities {
        let mut facts = Facts::default();
        for quote in quotes {
            facts.compare(&"A".parse().unwrap(), quote, at(10));
        }
        facts.counts()
    }

    #[test]
    fn oddities_are_counted_each_time() {
        assert_eq!(
            counts(&[quote(0, "GBp", "LSE"), quote(5, "GBp", "LSE")]),
            Oddities::default()
        );
        let flips = [
            quote(0, "GBp", "LSE"),
            quote(1, "GBP", "LSE"),
            quote(2, "GBp", "LSE"),
        ];
        assert_eq!(counts(&flips).currency_changes, 2);
        assert_eq!(
            counts(&[quote(0, "USD", "NYSE"), quote(1, "USD", "NASDAQ")]).listing_changes,
            1
        );
        assert_eq!(
            counts(&[quote(5, "USD", "NYSE"), quote(1, "USD", "NYSE")]).quotes_back_in_time,
            1
        );
        assert_eq!(counts(&[quote(-4000, "USD", "NYSE")]).stale_quotes, 1);
        let closed = Quote {
            is_market_open: Some(false),
            ..quote(-4000, "USD", "NYSE")
        };
        assert_eq!(counts(&[closed]).stale_quotes, 0);
    }

    #[test]
    fn clocks_are_compared() {
        let mut facts = Facts::default();
        facts.compare_clocks(at(0), at(30));
        assert_eq!(facts.counts().clock_differences, 0);
        facts.compare_clocks(at(0), at(31));
        facts.compare_clocks(at(0), at(-1200));
        assert_eq!(facts.counts().clock_differences, 2);
    }
}
