//! The list of instruments: on the command line, or in a file of a thousand lines.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use twelve_data::Instrument;

use crate::Error;

/// What to ask for: at least one instrument, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watchlist {
    instruments: Vec<Instrument>,
    /// Instruments that stand in a file more than once, each with its lines.
    repeated: Vec<(String, Vec<usize>)>,
}

impl Watchlist {
    pub(crate) fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// What stands in the file more than once, and where.
    pub(crate) fn repeated(&self) -> &[(String, Vec<usize>)] {
        &self.repeated
    }

    /// A list on the command line, in which nothing may stand twice.
    fn of_list(list: &str) -> Result<Self, Error> {
        let mut instruments: Vec<Instrument> = Vec::new();
        for text in list.split(',') {
            let instrument: Instrument = text.trim().parse().map_err(|source| Error::Symbol { source })?;
            // the vendor may answer in another case, so two that differ by case only cannot be told apart
            let is_same = |known: &Instrument| {
                known
                    .symbol
                    .as_str()
                    .eq_ignore_ascii_case(instrument.symbol.as_str())
            };
            if instruments.iter().any(is_same) {
                return Err(Error::SymbolTwice {
                    symbol: instrument.symbol.to_string(),
                });
            }
            instruments.push(instrument);
        }
        Ok(Self {
            instruments,
            repeated: Vec::new(),
        })
    }

    /// A file: an instrument a line, or several with commas; `#` begins a comment. One that stands there again is
    /// left out and told, as long lists are put together from others.
    fn of_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::WatchlistFile {
            path: path.to_owned(),
            source,
        })?;
        Self::of_lines(&text, path)
    }

    fn of_lines(text: &str, path: &Path) -> Result<Self, Error> {
        let mut instruments: Vec<Instrument> = Vec::new();
        let mut lines_of: HashMap<String, (Instrument, Vec<usize>)> = HashMap::new();
        let lines = text.trim_start_matches('\u{feff}').lines();
        for (number, line) in (1..).zip(lines) {
            let line = line.split('#').next().unwrap_or_default();
            for text in line.split(',').map(str::trim).filter(|text| !text.is_empty()) {
                let at_line = |source| Error::WatchlistLine {
                    path: path.to_owned(),
                    line: number,
                    source,
                };
                let instrument: Instrument = text.parse().map_err(at_line)?;
                let name = instrument.symbol.as_str().to_ascii_lowercase();
                match lines_of.get_mut(&name) {
                    Some((known, lines)) if known.filter == instrument.filter => lines.push(number),
                    Some((_, lines)) => {
                        return Err(Error::WatchlistListings {
                            path: path.to_owned(),
                            line: number,
                            symbol: instrument.symbol.to_string(),
                            other_line: lines.first().copied().unwrap_or_default(),
                        });
                    }
                    None => {
                        lines_of.insert(name, (instrument.clone(), vec![number]));
                        instruments.push(instrument);
                    }
                }
            }
        }
        if instruments.is_empty() {
            return Err(Error::WatchlistEmpty {
                path: path.to_owned(),
            });
        }
        let mut repeated: Vec<_> = lines_of
            .into_values()
            .filter(|(_, lines)| lines.len() > 1)
            .map(|(instrument, lines)| (instrument.symbol.to_string(), lines))
            .collect();
        repeated.sort();
        Ok(Self {
            instruments,
            repeated,
        })
    }
}

impl FromStr for Watchlist {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.strip_prefix('@') {
            Some(path) => Self::of_file(Path::new(path)),
            None => Self::of_list(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(watchlist: &Watchlist) -> Vec<&str> {
        watchlist
            .instruments()
            .iter()
            .map(|instrument| instrument.symbol.as_str())
            .collect()
    }

    #[test]
    fn a_list_is_parsed_with_or_without_spaces() {
        let watchlist: Watchlist = "AAPL, BTC/USD,RY:TSX;type=Common Stock".parse().unwrap();
        assert_eq!(symbols(&watchlist), ["AAPL", "BTC/USD", "RY:TSX"]);
    }

    #[test]
    fn empty_and_repeated_symbols_are_refused_on_the_command_line() {
        for list in [
            "",
            ",",
            "AAPL,",
            "AAPL,,MSFT",
            "AAPL,AAPL",
            "AAPL,aapl",
            "@/nowhere/at/all",
        ] {
            assert!(list.parse::<Watchlist>().is_err(), "{list:?} was taken");
        }
    }

    #[test]
    fn a_file_of_a_thousand_lines_has_comments_blanks_and_duplicates() {
        let mut text =
            "\u{feff}# my list\r\n\r\nAAPL:NASDAQ # apple\r\nMSFT, BTC/USD:Binance\n  \n".to_owned();
        text.extend((0..1000).map(|number| format!("S{number}\n")));
        text.push_str("msft\nS7");
        let watchlist = Watchlist::of_lines(&text, Path::new("list")).unwrap();
        assert_eq!(watchlist.instruments().len(), 1003);
        assert_eq!(
            symbols(&watchlist)[..4],
            ["AAPL:NASDAQ", "MSFT", "BTC/USD:Binance", "S0"]
        );
        let repeated = [
            ("MSFT".to_owned(), vec![4, 1006]),
            ("S7".to_owned(), vec![13, 1007]),
        ];
        assert_eq!(watchlist.repeated(), repeated);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let path = Path::new("list");
        let error = Watchlist::of_lines("AAPL\nMSFT;x=1", path).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        let error = Watchlist::of_lines("RY;exchange=TSX\nRY;exchange=NYSE", path).unwrap_err();
        assert!(error.to_string().contains("RY:"), "{error}");
        assert!(Watchlist::of_lines("# nothing\n", path).is_err());
    }
}
