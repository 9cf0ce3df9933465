use std::path::PathBuf;

use clap::Parser;
use quote_model::Symbol;

/// Runs the whole pipeline on this machine and shows the ticks that arrive: a real Kafka, a real S3 server, and
/// producer, consumer and broker-setup as on three hosts
///
/// Prices come from a stand-in for Twelve Data; with `TWELVEDATA_API_KEY` set, from Twelve Data itself, by one
/// request for all symbols. All is stopped and removed at the end.
#[derive(Debug, Parser)]
#[command(name = "demo.sh")]
pub(crate) struct Args {
    /// Symbols to ask for [default: AAPL,MSFT,EUR/USD,BTC/USD]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    symbols: Vec<Symbol<'static>>,
    /// Bring each tick of this file to the bucket, `time,bid,ask[,volume]` a line, as ticks of the one symbol of
    /// `--symbols`, as fast as it goes
    #[arg(long, value_name = "FILE", requires = "symbols")]
    pub(crate) replay: Option<PathBuf>,
    /// Keep all running until Ctrl-C, and say how to look at it
    #[arg(long)]
    pub(crate) keep: bool,
}

impl Args {
    pub(crate) fn symbols(&self) -> Vec<String> {
        if self.symbols.is_empty() {
            ["AAPL", "MSFT", "EUR/USD", "BTC/USD"].map(str::to_owned).into()
        } else {
            self.symbols.iter().map(ToString::to_string).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().help_expected(true).debug_assert();
        let args = Args::try_parse_from(["demo.sh", "--symbols", "A,B/C"]).unwrap();
        assert_eq!(args.symbols(), ["A", "B/C"]);
        assert_eq!(Args::try_parse_from(["demo.sh"]).unwrap().symbols().len(), 4);
    }

    #[test]
    fn a_replay_needs_a_symbol() {
        assert!(Args::try_parse_from(["demo.sh", "--replay", "ticks.csv"]).is_err());
        assert!(Args::try_parse_from(["demo.sh", "--symbols", "A,,B"]).is_err());
    }
}
