use std::fmt;
use std::str::FromStr;

use quote_model::Symbol;

use crate::field::excerpt;

/// What is asked for: a symbol, and which of its listings is meant.
///
/// Written `AAPL`, `AAPL:NASDAQ`, `BTC/USD:Binance`, or with the vendor's own parameters behind semicolons:
/// `RY;mic_code=XTSE`, `SPY;exchange=NYSE;type=ETF`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instrument {
    /// As it is sent, and the key of its ticks: with the exchange if one is given behind a colon.
    pub symbol: Symbol<'static>,
    /// What narrows it down beside the symbol.
    pub filter: Filter,
}

/// Parameters of a whole call: only instruments of the same can be asked for together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Filter {
    /// Name of the exchange.
    pub exchange: Option<String>,
    /// ISO 10383 code of the market.
    pub mic_code: Option<String>,
    /// Kind of instrument, such as `ETF`.
    pub kind: Option<String>,
}

/// Why a text names no instrument.
#[derive(Debug, thiserror::Error)]
pub enum InstrumentError {
    /// The symbol is none.
    #[error("the symbol is wrong")]
    Symbol {
        /// Why.
        #[from]
        source: quote_model::Error,
    },
    /// What stands behind a semicolon is no parameter.
    #[error("`{text}` is not `exchange=…`, `mic_code=…` or `type=…`")]
    Parameter {
        /// What was found.
        text: String,
    },
}

impl Instrument {
    /// The symbol alone, without an exchange behind a colon.
    #[must_use]
    pub fn ticker(&self) -> &str {
        let symbol = self.symbol.as_str();
        symbol.split_once(':').map_or(symbol, |(ticker, _)| ticker)
    }

    /// The exchange that was asked for, by name or by code.
    #[must_use]
    pub fn exchange(&self) -> Option<&str> {
        let behind_colon = self.symbol.as_str().split_once(':').map(|(_, exchange)| exchange);
        behind_colon
            .filter(|exchange| !exchange.is_empty())
            .or(self.filter.exchange.as_deref())
    }

    /// Whether a listing at `exchange` with `mic_code` is the one that was asked for; what either side does not
    /// say is not compared.
    #[must_use]
    pub fn is_listed_at(&self, exchange: Option<&str>, mic_code: Option<&str>) -> bool {
        let is_any = |wanted: &str, said: &[Option<&str>]| {
            let mut said = said.iter().flatten().peekable();
            said.peek().is_none() || said.any(|said| said.eq_ignore_ascii_case(wanted))
        };
        // the name behind a colon may be a MIC as well
        self.exchange()
            .is_none_or(|wanted| is_any(wanted, &[exchange, mic_code]))
            && self
                .filter
                .mic_code
                .as_deref()
                .is_none_or(|wanted| is_any(wanted, &[mic_code]))
    }
}

impl Filter {
    /// The vendor's parameters, by name.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("exchange", &self.exchange),
            ("mic_code", &self.mic_code),
            ("type", &self.kind),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
    }
}

impl FromStr for Instrument {
    type Err = InstrumentError;

    fn from_str(text: &str) -> Result<Self, InstrumentError> {
        let mut parts = text.split(';').map(str::trim);
        let symbol = parts.next().unwrap_or_default().parse()?;
        let mut filter = Filter::default();
        for part in parts.filter(|part| !part.is_empty()) {
            let refuse = || InstrumentError::Parameter { text: excerpt(part) };
            let (name, value) = part.split_once('=').ok_or_else(refuse)?;
            let value = value.trim();
            let field = match name.trim() {
                "exchange" => &mut filter.exchange,
                "mic_code" => &mut filter.mic_code,
                "type" => &mut filter.kind,
                _ => return Err(refuse()),
            };
            if value.is_empty() || value.contains(char::is_control) || field.is_some() {
                return Err(refuse());
            }
            *field = Some(value.to_owned());
        }
        Ok(Self { symbol, filter })
    }
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.symbol)?;
        self.filter
            .parameters()
            .try_for_each(|(name, value)| write!(f, ";{name}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instrument(text: &str) -> Instrument {
        text.parse().unwrap()
    }

    #[test]
    fn an_instrument_is_written_with_colon_or_parameters() {
        let plain = instrument("BRK B");
        assert_eq!((plain.ticker(), plain.exchange()), ("BRK B", None));
        let colon = instrument("BTC/USD:Binance");
        assert_eq!((colon.ticker(), colon.exchange()), ("BTC/USD", Some("Binance")));
        let full = instrument(" RY ; exchange=TSX; mic_code=XTSE;type=Common Stock ");
        assert_eq!(full.symbol.as_str(), "RY");
        let parameters: Vec<_> = full.filter.parameters().collect();
        assert_eq!(
            parameters,
            [
                ("exchange", "TSX"),
                ("mic_code", "XTSE"),
                ("type", "Common Stock")
            ]
        );
        assert_eq!(
            full.to_string(),
            "RY;exchange=TSX;mic_code=XTSE;type=Common Stock"
        );
        for text in [
            "",
            ";type=ETF",
            "A;x=1",
            "A;type",
            "A;type=",
            "A;type=ETF;type=ETF",
        ] {
            assert!(text.parse::<Instrument>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn what_was_asked_for_is_compared_with_what_is_said() {
        let fts = instrument("FTS:TSX");
        assert!(fts.is_listed_at(Some("TSX"), Some("XTSE")));
        assert!(fts.is_listed_at(Some("tsx"), None));
        assert!(fts.is_listed_at(None, None));
        assert!(!fts.is_listed_at(Some("NYSE"), Some("XNYS")));
        assert!(instrument("AAPL:XNGS").is_listed_at(Some("NASDAQ"), Some("XNGS")));
        let mic = instrument("FTS;mic_code=XTSE");
        assert!(mic.is_listed_at(Some("TSX"), Some("XTSE")));
        assert!(!mic.is_listed_at(Some("NYSE"), Some("XNYS")));
        assert!(mic.is_listed_at(Some("NYSE"), None));
        assert!(instrument("AAPL").is_listed_at(Some("NYSE"), Some("XNYS")));
    }
}
