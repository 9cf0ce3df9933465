//! What is known of each symbol: the facts that the vendor sends beside the price, by asset class.

use std::borrow::Cow;

use rust_decimal::Decimal;

/// An instrument as the vendor describes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instrument {
    /// The symbol in replies: without the exchange that `RY:TSX` asks for.
    pub(crate) symbol: String,
    pub(crate) name: Cow<'static, str>,
    pub(crate) class: Class,
    /// Where its walk begins; an unlisted one begins somewhere that follows from its name.
    pub(crate) start_price: Option<Decimal>,
    /// Digits after the point that its price moves in.
    pub(crate) price_scale: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Class {
    Equity(Equity),
    Forex(Pair),
    Crypto(Pair),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Equity {
    pub(crate) exchange: Cow<'static, str>,
    pub(crate) mic_code: Option<&'static str>,
    pub(crate) country: &'static str,
    pub(crate) currency: &'static str,
    /// `Common Stock`, `ETF`.
    pub(crate) kind: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) base: Cow<'static, str>,
    pub(crate) quote: Cow<'static, str>,
    /// Where a coin trades, if that was asked for.
    pub(crate) exchange: Option<String>,
    /// The code of the quoted currency: metals and forex carry it in WebSocket events.
    pub(crate) quote_code: String,
}

/// Symbols that are answered with facts of their own: symbol, name, venue, kind, first price.
pub(crate) const EQUITIES: &[(&str, &str, &str, &str, i64)] = &[
    ("AAPL", "Apple Inc.", "NASDAQ", "Common Stock", 332_695),
    ("AMZN", "Amazon.com Inc.", "NASDAQ", "Common Stock", 231_470),
    ("GOOGL", "Alphabet Inc.", "NASDAQ", "Common Stock", 280_120),
    (
        "IBM",
        "International Business Machines Corp.",
        "NYSE",
        "Common Stock",
        305_090,
    ),
    ("INFY", "Infosys Ltd.", "NYSE", "Common Stock", 17_020),
    ("MSFT", "Microsoft Corp.", "NASDAQ", "Common Stock", 512_300),
    ("NVDA", "NVIDIA Corp.", "NASDAQ", "Common Stock", 186_600),
    ("QQQ", "Invesco QQQ Trust", "NASDAQ", "ETF", 601_100),
    ("RY", "Royal Bank of Canada", "NYSE", "Common Stock", 147_350),
    ("SPY", "SPDR S&P 500 ETF Trust", "NYSE", "ETF", 671_930),
    ("TRP", "TC Energy Corp.", "NYSE", "Common Stock", 54_130),
    ("TSLA", "Tesla Inc.", "NASDAQ", "Common Stock", 404_350),
];

/// Pairs with a first price of their own: symbol, unscaled price, its scale.
const PAIRS: &[(&str, i64, u32)] = &[
    ("BTC/USD", 2_657_560, 2),
    ("ETH/BTC", 3_412_050, 8),
    ("ETH/USD", 312_045, 2),
    ("EUR/USD", 116_764, 5),
    ("GBP/USD", 131_020, 5),
    ("USD/CHF", 80_730, 5),
    ("USD/JPY", 154_321, 3),
    ("XAU/USD", 192_518, 2),
];

/// Venue, MIC, country, currency.
pub(crate) const VENUES: &[(&str, &str, &str, &str)] = &[
    ("LSE", "XLON", "United Kingdom", "GBp"),
    ("NASDAQ", "XNGS", "United States", "USD"),
    ("NYSE", "XNYS", "United States", "USD"),
    ("TSX", "XTSE", "Canada", "CAD"),
    ("XETR", "XETR", "Germany", "EUR"),
];

const CURRENCIES: &[(&str, &str)] = &[
    ("BTC", "Bitcoin"),
    ("CHF", "Swiss Franc"),
    ("ETH", "Ethereum"),
    ("EUR", "Euro"),
    ("GBP", "British Pound"),
    ("JPY", "Japanese Yen"),
    ("SOL", "Solana"),
    ("USD", "US Dollar"),
    ("XAG", "Silver Spot"),
    ("XAU", "Gold Spot"),
    ("XRP", "XRP"),
];

const COINS: &[&str] = &["ADA", "BNB", "BTC", "DOGE", "ETH", "LTC", "SOL", "XRP"];

/// Which symbols have an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// Any that could be one, except those that begin with `UNKNOWN`.
    Plausible,
    /// Only those in the tables here.
    KnownOnly,
}

impl Instrument {
    /// Finds what a request names, `AAPL`, `RY:TSX`, `BTC/USD` or `BTC/USD:Binance`; `None` if that is unknown.
    pub(crate) fn find(requested: &str, listing: Listing) -> Option<Self> {
        let is_plausible = !requested.is_empty()
            && requested.len() <= 128
            && requested.trim().len() == requested.len()
            && !requested.contains(char::is_control)
            && !requested.starts_with("UNKNOWN");
        if !is_plausible {
            return None;
        }
        let (symbol, venue) = match requested.split_once(':') {
            Some((symbol, venue)) => (symbol, Some(venue)),
            None => (requested, None),
        };
        match symbol.split_once('/') {
            Some((base, quote)) => Self::pair(symbol, base, quote, venue, listing),
            None => Self::equity(symbol, venue, listing),
        }
    }

    fn equity(symbol: &str, asked_venue: Option<&str>, listing: Listing) -> Option<Self> {
        let known = EQUITIES.iter().find(|known| known.0 == symbol);
        if symbol.is_empty() || (known.is_none() && listing == Listing::KnownOnly) {
            return None;
        }
        let exchange = match (asked_venue, known) {
            (Some(venue), _) => Cow::Owned(venue.to_owned()),
            (None, Some(known)) => Cow::Borrowed(known.2),
            (None, None) => Cow::Borrowed("NYSE"),
        };
        let venue = VENUES.iter().find(|venue| venue.0 == exchange);
        Some(Self {
            symbol: symbol.to_owned(),
            name: known.map_or_else(|| Cow::Owned(format!("{symbol} Corp.")), |known| known.1.into()),
            class: Class::Equity(Equity {
                exchange,
                mic_code: venue.map(|venue| venue.1),
                country: venue.map_or("", |venue| venue.2),
                currency: venue.map_or("USD", |venue| venue.3),
                kind: known.map_or("Common Stock", |known| known.3),
            }),
            start_price: known.map(|known| Decimal::new(known.4, 3)),
            price_scale: 5,
        })
    }

    fn pair(symbol: &str, base: &str, quote: &str, venue: Option<&str>, listing: Listing) -> Option<Self> {
        let known = PAIRS.iter().find(|known| known.0 == symbol);
        let is_complete = !base.is_empty() && !quote.is_empty();
        if !is_complete || (known.is_none() && listing == Listing::KnownOnly) {
            return None;
        }
        let pair = Pair {
            base: currency_name(base),
            quote: currency_name(quote),
            exchange: venue.map(str::to_owned),
            quote_code: quote.to_owned(),
        };
        Some(Self {
            symbol: symbol.to_owned(),
            name: format!("{} / {}", pair.base, pair.quote).into(),
            class: if COINS.contains(&base) {
                Class::Crypto(pair)
            } else {
                Class::Forex(pair)
            },
            start_price: known.map(|known| Decimal::new(known.1, known.2)),
            price_scale: known.map_or(5, |known| known.2),
        })
    }
}

/// The exchange of a MIC.
pub(crate) fn venue_of(mic_code: &str) -> Option<&'static str> {
    VENUES
        .iter()
        .find(|venue| venue.1 == mic_code)
        .map(|venue| venue.0)
}

pub(crate) fn mic_of(exchange: &str) -> Option<&'static str> {
    VENUES
        .iter()
        .find(|venue| venue.0 == exchange)
        .map(|venue| venue.1)
}

fn currency_name(code: &str) -> Cow<'static, str> {
    CURRENCIES
        .iter()
        .find(|currency| currency.0 == code)
        .map_or_else(|| Cow::Owned(code.to_owned()), |currency| currency.1.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(symbol: &str) -> Option<Instrument> {
        Instrument::find(symbol, Listing::Plausible)
    }

    #[test]
    fn a_symbol_with_an_exchange_is_the_one_that_trades_there() {
        let Class::Equity(equity) = find("RY:TSX").unwrap().class else {
            panic!("not an equity");
        };
        assert_eq!(
            (equity.exchange.as_ref(), equity.mic_code, equity.currency),
            ("TSX", Some("XTSE"), "CAD")
        );
        assert_eq!(find("RY:TSX").unwrap().symbol, "RY");
    }

    #[test]
    fn a_pair_is_crypto_if_its_base_is_a_coin() {
        assert!(matches!(find("ETH/BTC").unwrap().class, Class::Crypto(_)));
        assert!(matches!(find("XAU/USD").unwrap().class, Class::Forex(_)));
        assert!(matches!(find("NOK/SEK").unwrap().class, Class::Forex(_)));
    }

    #[test]
    fn what_cannot_be_a_symbol_is_unknown() {
        let Class::Crypto(pair) = find("BTC/USD:Kraken").unwrap().class else {
            panic!("not a coin");
        };
        assert_eq!(pair.exchange.as_deref(), Some("Kraken"));
        for text in ["", " A", "A\n", "UNKNOWN", "UNKNOWN1", "/USD", "EUR/", ":TSX"] {
            assert_eq!(find(text), None, "{text:?}");
        }
        assert!(find("三菱").is_some());
        assert!(Instrument::find("XYZ", Listing::KnownOnly).is_none());
        assert!(Instrument::find("AAPL", Listing::KnownOnly).is_some());
    }
}
