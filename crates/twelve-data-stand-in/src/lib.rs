//! A stand-in for the Twelve Data API, for tests and the demo. Never part of what users run in production.
//!
//! A request's way: `connection` accepts it, `server` gives it to `rest` or `websocket`, which read its key and
//! symbols and take from the `stage` the fault that a test ordered for it (`faults`), its `credits` and the next price
//! of the `market`, from a random walk or a replay of real ticks; they put it into the vendor's shape, and the `ledger`
//! keeps what was served, digit for digit. `control` has the paths by which another process orders faults, changes
//! plan, hours and clock, and reads the ledger.
//!
//! Where the vendor's behaviour is not known, both readings are there and a switch in [`Config`] chooses.
//! What the vendor does not have: `bid` and `ask` in the `/quote` of a replayed symbol, so that a replay
//! reaches a client digit for digit by REST, and `last_quote_at` there is the tick's own time.

mod args;
mod clock;
mod config;
mod connection;
mod control;
mod credits;
mod error;
mod faults;
mod ledger;
mod lock;
mod market;
mod rest;
mod server;
mod sessions;
mod stage;
mod vendor_error;
mod websocket;

pub use args::Args;
pub use clock::{Clock, ClockHands};
pub use config::{Config, ErrorStyle, Upgrade, WebSocketConfig};
pub use credits::{CreditPlan, MinuteWindow};
pub use error::Error;
pub use faults::{BadPrice, ErrorStatus, Fault, Injection, WebSocketFault};
pub use ledger::{Channel, KeyPlace, Request, Served, Totals};
pub use market::{MarketConfig, MarketHours, Replay, ReplayProgress};
pub use server::StandIn;

use std::io::Write;

use pipeline_runtime::exit::ExitStatus;
use pipeline_runtime::shutdown;

/// Runs until a signal comes: starts, tells the address on stdout, stops in order.
///
/// # Errors
///
/// Any [`Error`] of the start, or [`Error::Serve`] if the server breaks off.
pub async fn run(args: Args) -> Result<ExitStatus, Error> {
    let signals = shutdown::on_signals()?;
    let mut stand_in = StandIn::start(args.into_config()?).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", stand_in.base_url())
        .and_then(|()| stdout.flush())
        .map_err(|source| Error::Stdout { source })?;
    tokio::select! {
        () = signals.cancelled() => stand_in.stop().await?,
        result = stand_in.broken_off() => result?,
    }
    Ok(ExitStatus::Done)
}
