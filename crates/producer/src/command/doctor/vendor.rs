//! The key, the plan, the clock and each symbol, as Twelve Data sees them.

use std::time::Duration;

use credit_account::{Account, Demand, Heard, Refused, Reservation};
use jiff::SignedDuration;
use quote_model::Text;
use twelve_data::{
    AssetClass, Endpoint, Exhausted, Instrument, Question, Quote, Refusal, SymbolError, Usage,
};

use super::findings::{Finding, Report};
use crate::Error;
use crate::clock::Clock;
use crate::http::{CallError, Reply, TwelveData};
use crate::source::{MarketHours, Orders, Settings};

/// This host's clock and the vendor's may differ by so much.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// A longer wait for credits is not worth it: the rest is not looked at.
const WAIT_MAX: Duration = Duration::from_secs(65);

/// What an exchange is open in a day, roughly.
const SESSION: Duration = Duration::from_mins(390);

/// A call at a time, its credits counted.
struct Caller {
    api: TwelveData,
    clock: Clock,
    account: Account,
    spent: u32,
}

pub(super) async fn look(settings: Settings, report: &mut Report) -> Result<(), Error> {
    let clock = Clock::start();
    let orders = settings.orders;
    let mut caller = Caller {
        api: TwelveData::new(settings.base_url, settings.key)?,
        account: Account::new(clock.now()),
        clock,
        spent: 0,
    };
    if look_at_plan(&mut caller, report).await {
        look_at_symbols(&mut caller, &orders, report).await;
    }
    report.credits_spent = caller.spent;
    Ok(())
}

/// Tells whether it is of use to ask for symbols.
async fn look_at_plan(caller: &mut Caller, report: &mut Report) -> bool {
    let Some(reply) = caller.call("api_usage", &[]).await else {
        return false;
    };
    let status = reply.as_ref().map(|reply| reply.facts.status).unwrap_or_default();
    if let Some(date) = reply.as_ref().ok().and_then(|reply| reply.facts.date) {
        let ahead = caller.clock.now().utc.duration_since(date);
        let detail = format!("{} s from Twelve Data's", ahead.as_secs());
        report.note(if ahead.abs() <= CLOCK_TOLERANCE {
            Finding::well("clock", detail)
        } else {
            Finding::wrong("clock", format!("{detail}; set it by NTP"))
        });
    }
    match reply.and_then(|reply| Ok(Usage::read(&reply.body, status)?)) {
        Ok(usage) => {
            report.note(Finding::well("API key", "accepted"));
            if let Some(usage) = usage {
                caller.account.learn(usage, caller.clock.now());
                report.note(plan(usage));
            } else {
                report.note(Finding::well(
                    "plan",
                    "not told, the free plan is assumed until replies tell more",
                ));
            }
            true
        }
        Err(error) => {
            let (finding, is_of_use) = refused(&error);
            report.note(finding);
            is_of_use
        }
    }
}

fn plan(usage: Usage) -> Finding {
    let minute = format!("{} credits a minute", usage.plan_limit);
    let Some(per_day) = usage.plan_daily_limit else {
        return Finding::well("plan", minute);
    };
    let left = per_day.saturating_sub(usage.daily_usage.unwrap_or_default());
    let detail = format!("{minute}, {per_day} a day, {left} left of today's");
    if left == 0 {
        Finding::wrong(
            "plan",
            format!("{detail}; they come back at midnight UTC, or take a larger plan"),
        )
    } else {
        Finding::well("plan", detail)
    }
}

fn refused(error: &CallError) -> (Finding, bool) {
    match error.judge() {
        Refusal::Key { message } => {
            let detail = format!("refused: {message}; check it at https://twelvedata.com/account/api-keys");
            (Finding::wrong("API key", detail), false)
        }
        Refusal::Credits(_) => {
            let detail = format!("no credits left ({error}); wait, or take a larger plan");
            (Finding::wrong("plan", detail), false)
        }
        Refusal::Endpoint { .. } | Refusal::Symbols(_) => {
            let detail = format!("not told, the free plan is assumed until replies tell more ({error})");
            (Finding::well("plan", detail), true)
        }
        Refusal::Passing => {
            let detail =
                format!("{error}; try again, and check the network and `--api-base-url` if it stays so");
            (Finding::wrong("Twelve Data", detail), false)
        }
    }
}

async fn look_at_symbols(caller: &mut Caller, orders: &Orders, report: &mut Report) {
    let mut endpoint = Endpoint::Quote;
    let mut members = orders.instruments.iter();
    while let Some(instrument) = members.next() {
        let subject = instrument.to_string();
        let Some(mut outcome) = look_at(caller, instrument, endpoint).await else {
            let rest = members.len() + 1;
            let detail = format!(
                "no credits to look at {rest} symbols; they come back within a minute or at midnight UTC"
            );
            report.note(Finding::wrong(subject, detail));
            return;
        };
        if let Err(Trouble::Endpoint(message)) = &outcome
            && endpoint != orders.endpoint
        {
            report.note(Finding::well(
                "/quote",
                format!("not in the plan, so market hours are not known ({message})"),
            ));
            endpoint = orders.endpoint;
            let Some(again) = look_at(caller, instrument, endpoint).await else {
                return;
            };
            outcome = again;
        }
        report.note(match outcome {
            Ok(quote) => Finding::well(
                subject,
                format!("{}; {}", facts(&quote), way(caller, orders, &quote)),
            ),
            Err(Trouble::Symbol(error)) => Finding::wrong(
                subject,
                format!("{error}; look it up at https://twelvedata.com/symbols"),
            ),
            Err(Trouble::Endpoint(message)) => {
                let detail = format!(
                    "/{} is refused: {message}; choose another `--endpoint` or plan",
                    endpoint.path()
                );
                Finding::wrong(subject, detail)
            }
            Err(Trouble::Call(error)) => Finding::wrong(subject, format!("{error}; try again")),
        });
    }
}

/// Why there is no quote.
enum Trouble {
    Symbol(SymbolError),
    Endpoint(String),
    Call(CallError),
}

/// Nothing if there are no credits for it.
async fn look_at(
    caller: &mut Caller,
    instrument: &Instrument,
    endpoint: Endpoint,
) -> Option<Result<Quote, Trouble>> {
    let mut query = vec![("symbol", instrument.symbol.to_string()), ("dp", "11".to_owned())];
    query.extend(
        instrument
            .filter
            .parameters()
            .map(|(name, value)| (name, value.to_owned())),
    );
    let reply = caller.call(endpoint.path(), &query).await?;
    let question = Question {
        endpoint,
        instruments: std::slice::from_ref(instrument),
        ts_recv: caller.clock.now().utc,
    };
    let read = reply.and_then(|reply| Ok(twelve_data::read(&reply.body, reply.facts.status, question)?));
    Some(match read {
        Ok(entries) => match entries.into_iter().next().map(|entry| entry.outcome) {
            Some(outcome) => outcome.map_err(Trouble::Symbol),
            None => Err(Trouble::Symbol(SymbolError::Missing)),
        },
        Err(error) => Err(match error.judge() {
            Refusal::Symbols(error) => Trouble::Symbol(error),
            Refusal::Endpoint { message } => Trouble::Endpoint(message),
            Refusal::Key { .. } | Refusal::Credits(_) | Refusal::Passing => Trouble::Call(error),
        }),
    })
}

fn facts(quote: &Quote) -> String {
    let text = |text: &Option<Text<'static>>| text.as_ref().map(|text| text.as_str().to_owned());
    let mut facts = quote.price.to_string();
    if let Some(currency) = text(&quote.currency) {
        facts = format!("{facts} {currency}");
    }
    let listing = [text(&quote.exchange), text(&quote.mic_code)];
    let listing = listing.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if !listing.is_empty() {
        facts = format!("{facts} at {listing}");
    }
    match quote.is_market_open {
        Some(true) => format!("{facts}, open now"),
        Some(false) => format!("{facts}, closed now"),
        None => facts,
    }
}

/// How it will come.
fn way(caller: &Caller, orders: &Orders, quote: &Quote) -> String {
    let now = caller.clock.now();
    let has_hours = orders.market_hours == MarketHours::Open && quote.class == Some(AssetClass::Listed);
    let symbols = u32::try_from(orders.instruments.len()).unwrap_or(u32::MAX);
    let day = Duration::from_hours(24);
    let demand = Demand {
        interval: orders.interval,
        symbols,
        asked: 0,
        rounds_left: orders.samples.map(std::num::NonZeroU64::get),
        open_time: if has_hours { SESSION } else { day } * symbols,
        kept_back: 0,
    };
    let every = caller.account.pace(&demand, now).round;
    let every = humantime::format_duration(Duration::from_secs(every.as_secs()));
    let when = if has_hours {
        " while its market is open"
    } else {
        ""
    };
    format!("polled about every {every}{when}")
}

impl Caller {
    /// Makes a call of one credit, once it has it; nothing if that takes too long.
    async fn call(&mut self, path: &str, query: &[(&str, String)]) -> Option<Result<Reply, CallError>> {
        let reservation = self.reserve().await?;
        self.spent += reservation.credits();
        let reply = self.api.get(path, query).await;
        let facts = reply.as_ref().map(|reply| reply.facts).unwrap_or_default();
        let heard = Heard {
            credits: facts.credits,
            date: facts.date,
            // the refusal is told, and what comes after it waits for a minute
            refused: (facts.status == 429).then_some(Refused {
                of: Exhausted::Minute,
                limit: None,
                retry_after: facts.retry_after,
            }),
        };
        self.account.settle(reservation, heard, self.clock.now());
        Some(reply)
    }

    async fn reserve(&mut self) -> Option<Reservation> {
        loop {
            match self.account.reserve(1, self.clock.now()) {
                Ok(reservation) => return Some(reservation),
                Err(wait) if wait.wait > WAIT_MAX => return None,
                Err(wait) => tokio::time::sleep(wait.wait).await,
            }
        }
    }
}
