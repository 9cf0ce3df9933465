//! A stand-in for the Twelve Data API, for tests and the demo. Never part of what users run in production.
//!
//! A request's way: `connection` accepts it, `rest` (or `websocket`) reads its key and symbols (`request`),
//! takes the fault that a test ordered for it (`faults`) and its `credits`; `market` gives the next price, from a
//! random `walk` or a `replay` of real ticks; `bodies` and `quote` put it into the vendor's shape, `reply` writes
//! it, and the `ledger` keeps what was served, digit for digit. `control` has the paths by which another process
//! orders faults and reads the ledger.
//!
//! Where the vendor's behaviour is not known, both readings are there and a switch in [`Config`] chooses.
//! What the vendor does not have: `bid` and `ask` in the `/quote` of a replayed symbol, so that a replay
//! reaches a client digit for digit by REST, and `last_quote_at` there is the tick's own time.

mod args;
mod bodies;
mod clock;
mod config;
mod connection;
mod control;
mod credits;
mod day;
mod error;
mod faults;
mod figures;
mod instruments;
mod ledger;
mod lock;
mod market;
mod quote;
mod replay;
mod reply;
mod request;
mod rest;
mod server;
mod vendor_error;
mod walk;
mod websocket;

pub use args::Args;
pub use clock::{Clock, ClockHands};
pub use config::{Config, ErrorStyle, Upgrade, WebSocketConfig};
pub use credits::{CreditPlan, MinuteWindow};
pub use error::Error;
pub use faults::{BadPrice, ErrorStatus, Fault, Injection};
pub use ledger::{Channel, Request, Served, Totals};
pub use replay::{Replay, ReplayProgress};
pub use server::StandIn;
pub use websocket::WebSocketFault;

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
