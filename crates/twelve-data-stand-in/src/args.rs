use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::civil::Date;
use pipeline_runtime::logs::LogArgs;

use crate::Error;
use crate::clock::Clock;
use crate::config::{Config, ErrorStyle, Upgrade, WebSocketConfig};
use crate::credits::{CreditPlan, MinuteWindow};
use crate::market::{MarketConfig, MarketHours, Replay};

/// A stand-in for the Twelve Data API, for tests and demos
///
/// Prints its address as one line on stdout when it is ready, and runs until SIGTERM or SIGINT. Faults are ordered
/// by `POST /_stand_in/faults`; what was served is read from `GET /_stand_in/served`.
#[derive(Debug, clap::Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
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
    /// When prices move: at all times, or in the hours of each symbol's exchange
    #[arg(long, value_enum, default_value_t, help_heading = "Market")]
    market_hours: MarketHours,
    /// Days on which exchanges do not open
    #[arg(long, value_name = "DATE,...", value_delimiter = ',', help_heading = "Market")]
    holidays: Vec<Date>,
    /// Seconds by which the vendor's clock is ahead, or behind if negative
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t,
        allow_negative_numbers = true,
        help_heading = "Market"
    )]
    clock_ahead: i64,
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
    /// Tell no credits in the headers of replies
    #[arg(long, help_heading = "Credits")]
    no_credit_headers: bool,
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
    /// Connections of one key; 1 in the vendor's free plan
    #[arg(
        long,
        value_name = "N",
        default_value_t = WebSocketConfig::default().connections_max,
        help_heading = "WebSocket"
    )]
    websocket_connections: NonZeroUsize,
    /// Write `null` for an empty list of failures
    #[arg(long, help_heading = "WebSocket")]
    null_lists: bool,
    /// Leave out of an event what need not be there
    #[arg(long, help_heading = "WebSocket")]
    lean_events: bool,
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
        let clock = Clock::system();
        clock.set_ahead(SignedDuration::from_secs(self.clock_ahead));
        Ok(Config {
            listen: self.listen,
            clock,
            api_key: self.api_key,
            error_style: self.error_style,
            credits: CreditPlan {
                per_minute: self.credits_per_minute,
                per_day: self.credits_per_day,
                minute_window: self.minute_window,
                charges_refused: self.charge_refused,
            },
            sends_credit_headers: !self.no_credit_headers,
            market: MarketConfig {
                seed: self.seed,
                known_only: self.known_only,
                plan_gated: self.plan_gated.into_iter().collect(),
                replay,
                hours: self.market_hours,
                holidays: self.holidays.into_iter().collect(),
            },
            websocket: WebSocketConfig {
                upgrade: self.upgrade,
                ticks_per_second: self.ticks_per_second,
                symbols_max: self.websocket_symbols,
                connections_max: self.websocket_connections,
                has_null_lists: self.null_lists,
                is_lean: self.lean_events,
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
