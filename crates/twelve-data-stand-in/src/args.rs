use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use pipeline_runtime::logs::LogArgs;

use crate::Error;
use crate::clock::Clock;
use crate::config::{Config, ErrorStyle, Upgrade, WebSocketConfig};
use crate::credits::{CreditPlan, MinuteWindow};
use crate::replay::Replay;

/// A stand-in for the Twelve Data API, for tests and demos
///
/// Prints its address as one line on stdout when it is ready, and runs until SIGTERM or SIGINT. Faults are ordered
/// by `POST /_stand_in/faults`; what was served is read from `GET /_stand_in/served`.
#[derive(Debug, clap::Parser)]
#[command(version)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Begins the random walks: one seed, one walk for each symbol
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The only key to accept; without it any is that is not empty. Not a real key: it shows in the process list
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Where an error's code stands: in the HTTP status too, or in the body alone
    #[arg(long, value_enum, default_value_t)]
    error_style: ErrorStyle,
    /// Take only symbols of the stand-in's own short list (and the replayed one) as known
    #[arg(long)]
    known_only: bool,
    /// Symbols that the plan does not hold, as they will be requested
    #[arg(long, value_name = "SYMBOL,...", value_delimiter = ',')]
    plan_gated: Vec<String>,
    /// Credits a minute; 8 in the vendor's free plan
    #[arg(long, value_name = "N", default_value_t = CreditPlan::default().per_minute, help_heading = "Credits")]
    credits_per_minute: u32,
    /// Credits a day of UTC; 800 in the vendor's free plan, no limit without it
    #[arg(long, value_name = "N", help_heading = "Credits")]
    credits_per_day: Option<u32>,
    /// Which minute counts: that of the clock, or the last sixty seconds
    #[arg(long, value_enum, default_value_t, help_heading = "Credits")]
    minute_window: MinuteWindow,
    /// Charge refused requests too
    #[arg(long, help_heading = "Credits")]
    charge_refused: bool,
    /// Serve the ticks of this file, `time,bid,ask[,volume]` a line, one a request, digit for digit
    #[arg(
        long,
        value_name = "FILE",
        requires = "replay_symbol",
        help_heading = "Replay"
    )]
    replay: Option<PathBuf>,
    /// The symbol that the ticks are of, such as EUR/USD
    #[arg(long, value_name = "SYMBOL", requires = "replay", help_heading = "Replay")]
    replay_symbol: Option<String>,
    /// What a client gets that asks for the WebSocket with a right key
    #[arg(long, value_enum, default_value_t, help_heading = "WebSocket")]
    upgrade: Upgrade,
    /// Price events a second on each connection, over all its symbols
    #[arg(
        long,
        value_name = "N",
        default_value_t = WebSocketConfig::default().ticks_per_second,
        help_heading = "WebSocket"
    )]
    ticks_per_second: NonZeroU32,
    /// Symbols that one connection may subscribe to; 8 in the vendor's free plan
    #[arg(long, value_name = "N", help_heading = "WebSocket")]
    websocket_symbols: Option<usize>,
    /// How it logs
    #[command(flatten)]
    pub logs: LogArgs,
}

impl Args {
    /// Reads the ticks to replay and gives the configuration.
    ///
    /// # Errors
    ///
    /// What [`Replay::load`] says.
    pub fn into_config(self) -> Result<Config, Error> {
        let replay = match (self.replay, self.replay_symbol) {
            (Some(file), Some(symbol)) => Some(Replay::load(&file, symbol)?),
            _ => None,
        };
        Ok(Config {
            listen: self.listen,
            clock: Clock::system(),
            seed: self.seed,
            api_key: self.api_key,
            error_style: self.error_style,
            credits: CreditPlan {
                per_minute: self.credits_per_minute,
                per_day: self.credits_per_day,
                minute_window: self.minute_window,
                charges_refused: self.charge_refused,
            },
            plan_gated: self.plan_gated.into_iter().collect(),
            known_only: self.known_only,
            replay,
            websocket: WebSocketConfig {
                upgrade: self.upgrade,
                ticks_per_second: self.ticks_per_second,
                symbols_max: self.websocket_symbols,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn each_flag_has_help_and_the_definition_holds() {
        Args::command().help_expected(true).debug_assert();
    }

    #[test]
    fn a_replay_needs_a_file_and_a_symbol() {
        assert!(Args::try_parse_from(["stand-in", "--replay", "ticks.csv"]).is_err());
        assert!(Args::try_parse_from(["stand-in", "--replay-symbol", "EUR/USD"]).is_err());
    }
}
