use std::str::FromStr;

use quote_model::Symbol;

use crate::Error;

/// The symbols to poll: at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbols(Vec<Symbol<'static>>);

impl Symbols {
    pub(crate) fn as_slice(&self) -> &[Symbol<'static>] {
        &self.0
    }

    /// Credits that one poll costs: one a symbol.
    pub(crate) fn credits_per_poll(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

impl FromStr for Symbols {
    type Err = Error;

    fn from_str(list: &str) -> Result<Self, Error> {
        let mut symbols: Vec<Symbol<'static>> = Vec::new();
        for text in list.split(',') {
            let symbol: Symbol<'static> = text.trim().parse().map_err(|source| Error::Symbol { source })?;
            // the vendor may answer in another case, so two that differ by case only cannot be told apart
            if symbols
                .iter()
                .any(|known| known.as_str().eq_ignore_ascii_case(symbol.as_str()))
            {
                return Err(Error::SymbolTwice {
                    symbol: symbol.to_string(),
                });
            }
            symbols.push(symbol);
        }
        Ok(Self(symbols))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_parsed_with_or_without_spaces() {
        let symbols: Symbols = "AAPL, BTC/USD,RY:TSX".parse().unwrap();
        let texts: Vec<_> = symbols.as_slice().iter().map(Symbol::as_str).collect();
        assert_eq!(texts, ["AAPL", "BTC/USD", "RY:TSX"]);
        assert_eq!(symbols.credits_per_poll(), 3);
    }

    #[test]
    fn empty_and_repeated_symbols_are_refused() {
        for list in ["", ",", "AAPL,", "AAPL,,MSFT", "AAPL,AAPL", "AAPL,aapl"] {
            assert!(list.parse::<Symbols>().is_err(), "{list:?} was taken");
        }
    }
}
