//! What was answered, taken apart.

use std::time::Duration;

use credit_account::{Heard, Moment, PlanSource, Refused, Reservation};
use jiff::Timestamp;
use metrics::counter;
use tracing::{info, warn};
use twelve_data::{
    Endpoint, Entry, Exhausted, Exhaustion, MarketState, Question, Refusal, SymbolError, Usage,
};

use super::telling::tell_turn;
use super::{Ask, Desk, Task};
use crate::Error;
use crate::http::{CallError, Reply, ReplyFacts};
use crate::source::Quotes;
use crate::source::agenda::{Call, Errand, Outcome};
use crate::source::patience::What;

impl Desk {
    /// Takes the reply to a call; gives its quotes. An error is final.
    pub(in crate::source) fn take(
        &mut self,
        task: Task,
        reply: Result<Reply, CallError>,
        now: Moment,
    ) -> Result<Quotes, Error> {
        let Task { ask, reservation } = task;
        let facts = reply.as_ref().map(|reply| reply.facts).unwrap_or_default();
        let mut quotes = Quotes::none(now.utc, self.endpoint);
        match ask {
            Ask::Usage => self.take_usage(reservation, reply, facts, now)?,
            Ask::MarketState => self.take_market_state(reservation, reply, facts, now),
            Ask::Prices(call) => quotes = self.take_prices(call, reservation, reply, facts, now)?,
        }
        self.conclude_round();
        Ok(quotes)
    }

    fn take_prices(
        &mut self,
        call: Call,
        reservation: Reservation,
        reply: Result<Reply, CallError>,
        facts: ReplyFacts,
        now: Moment,
    ) -> Result<Quotes, Error> {
        let members = call.members.iter();
        let instruments: Vec<_> = members
            .map(|member| self.agenda.instrument(*member).clone())
            .collect();
        let question = Question {
            endpoint: call.endpoint,
            instruments: &instruments,
            ts_recv: now.utc,
        };
        let read = reply.and_then(|reply| Ok(twelve_data::read(&reply.body, facts.status, question)?));
        let exhausted = exhaustion(&read);
        self.settle(reservation, facts, (&read, exhausted), now);
        match read {
            Ok(entries) => self.answered(&call, entries, now),
            Err(error) => {
                self.failed(call, &error, now)?;
                Ok(Quotes::none(now.utc, self.endpoint))
            }
        }
    }

    fn answered(&mut self, call: &Call, entries: Vec<Entry>, now: Moment) -> Result<Quotes, Error> {
        self.outage.ended(now.monotonic);
        let mut quotes = Quotes::none(now.utc, call.endpoint);
        let wait_max = self.wait_max(now);
        let is_look = call.endpoint != self.endpoint;
        for (member, Entry { symbol, outcome }) in call.members.iter().copied().zip(entries) {
            let outcome = match outcome {
                Ok(quote) => {
                    self.patience.answered();
                    self.troubles.end(&symbol);
                    self.facts.compare(&symbol, &quote, now.utc);
                    let instrument = self.agenda.instrument(member).clone();
                    if let Some(turn) = self.hours.answered(member, &instrument, &quote, now) {
                        tell_turn(&turn);
                    }
                    quotes.by_symbol.push((symbol, quote));
                    Outcome::Answered
                }
                Err(SymbolError::OutOfCredits { .. }) => Outcome::Unanswered,
                // the quote was asked for to know the exchange; the price may be had without it
                Err(error) if is_look && !error.is_lasting() => {
                    self.hours.look_failed(member);
                    Outcome::Unanswered
                }
                Err(error) => {
                    self.counts.symbol_errors += 1;
                    self.troubles.begin(&symbol, error.to_string());
                    Outcome::Refused(error)
                }
            };
            if matches!(outcome, Outcome::Unanswered) {
                self.schedule.try_again(Duration::ZERO, now);
            }
            self.agenda.note(member, outcome, wait_max, now.monotonic);
        }
        if let Some(round) = &mut self.round {
            round.quotes += quotes.by_symbol.len();
        }
        match self
            .patience
            .symbols_refused(&self.agenda, call.endpoint.path(), now.monotonic)
        {
            Some(error) => Err(error),
            None => Ok(quotes),
        }
    }

    /// The call brought nothing.
    fn failed(&mut self, call: Call, error: &CallError, now: Moment) -> Result<(), Error> {
        let path = call.endpoint.path();
        let refusal = error.judge();
        let is_outside_plan = matches!(
            refusal,
            Refusal::Endpoint { .. } | Refusal::Symbols(SymbolError::NotInPlan(_))
        );
        if is_outside_plan && self.is_prepost && !self.patience.is_proven() {
            warn!("asking with `--prepost` is refused, to go on without: {error}");
            self.is_prepost = false;
            return self.put_back(call, Duration::ZERO, now);
        }
        match refusal {
            Refusal::Symbols(reason) => {
                self.outage.ended(now.monotonic);
                self.patience.interrupted();
                let symbol = call
                    .members
                    .first()
                    .map(|member| self.agenda.instrument(*member).symbol.clone());
                let wait_max = self.wait_max(now);
                if self
                    .agenda
                    .call_refused(&call, reason.clone(), wait_max, now.monotonic)
                {
                    self.counts.symbol_errors += 1;
                    if let Some(symbol) = symbol {
                        self.troubles.begin(&symbol, reason.to_string());
                    }
                } else {
                    info!("a call is refused for one of its symbols, to be asked in halves: {error}");
                }
                self.patience
                    .symbols_refused(&self.agenda, path, now.monotonic)
                    .map_or(Ok(()), Err)
            }
            Refusal::Credits(_) => {
                warn!("poll refused for want of credits: {error}");
                self.put_back(call, Duration::ZERO, now)
            }
            Refusal::Endpoint { .. } if call.endpoint != self.endpoint => {
                warn!(
                    "/{path} is refused, so the hours of markets are not known and all are polled always: {error}"
                );
                for member in &call.members {
                    self.hours.look_failed(*member);
                }
                self.put_back(call, Duration::ZERO, now)
            }
            Refusal::Key { message } => self.refused(Some(call), error, (What::Key, &message), now),
            Refusal::Endpoint { message } => {
                self.refused(Some(call), error, (What::Endpoint(path), &message), now)
            }
            Refusal::Passing => {
                self.patience.interrupted();
                self.bear(Some(call), error, now)
            }
        }
    }

    /// The vendor refuses the key or the endpoint: final in the end, if it never took them.
    fn refused(
        &mut self,
        call: Option<Call>,
        error: &CallError,
        (what, message): (What, &str),
        now: Moment,
    ) -> Result<(), Error> {
        if let Some(fatal) = self.patience.refused(what, message, now.monotonic) {
            return Err(fatal);
        }
        self.bear(call, error, now)
    }

    /// Trouble that may pass: waits a little, and asks again.
    fn bear(&mut self, call: Option<Call>, error: &CallError, now: Moment) -> Result<(), Error> {
        self.counts.failed_polls += 1;
        let pace = self.wait_max(now);
        let wait = self.outage.failed(error, pace, now.monotonic);
        self.paused_until = now.monotonic + wait;
        match call {
            Some(call) => self.put_back(call, wait, now),
            None => Ok(()),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends what can fail")]
    fn put_back(&mut self, call: Call, wait: Duration, now: Moment) -> Result<(), Error> {
        if call.errand == Errand::Round {
            self.schedule.try_again(wait, now);
        }
        self.agenda.call_failed(call);
        Ok(())
    }

    /// The longest wait for what fails but may pass: no longer than from one round to the next.
    fn take_usage(
        &mut self,
        reservation: Reservation,
        reply: Result<Reply, CallError>,
        facts: ReplyFacts,
        now: Moment,
    ) -> Result<(), Error> {
        let read = reply.and_then(|reply| Ok(Usage::read(&reply.body, facts.status)?));
        let exhausted = read.as_ref().err().and_then(exhaustion_of_call);
        self.settle(reservation, facts, (&read, exhausted), now);
        match read {
            Ok(Some(usage)) => {
                self.account.learn(usage, now);
                self.outage.ended(now.monotonic);
                info!(
                    credits_per_minute = usage.plan_limit,
                    credits_per_day = usage.plan_daily_limit,
                    used_this_minute = usage.current_usage,
                    used_today = usage.daily_usage,
                    "plan known from Twelve Data"
                );
                Ok(())
            }
            Ok(None) => {
                self.account.usage_not_answered(now);
                self.tell_assumed("its reply does not say");
                Ok(())
            }
            Err(error) => {
                self.account.usage_not_answered(now);
                self.tell_assumed(&error.to_string());
                match error.judge() {
                    Refusal::Key { message } => self.refused(None, &error, (What::Key, &message), now),
                    _ => Ok(()),
                }
            }
        }
    }

    fn take_market_state(
        &mut self,
        reservation: Reservation,
        reply: Result<Reply, CallError>,
        facts: ReplyFacts,
        now: Moment,
    ) {
        let read = reply.and_then(|reply| Ok(MarketState::read(&reply.body, facts.status)?));
        let exhausted = read.as_ref().err().and_then(exhaustion_of_call);
        self.settle(reservation, facts, (&read, exhausted), now);
        match read {
            Ok(states) => {
                for turn in self.hours.learn(&states, now) {
                    tell_turn(&turn);
                }
            }
            Err(error) => {
                warn!("`/market_state` does not tell when markets open, to be asked again later: {error}");
                self.hours.not_answered(now);
            }
        }
        // what is open now may be due
        self.schedule.hasten(self.wait_max(now), now);
    }

    fn settle<T>(
        &mut self,
        reservation: Reservation,
        facts: ReplyFacts,
        (read, exhausted): (&Result<T, CallError>, Option<Exhaustion>),
        now: Moment,
    ) {
        if let Err(CallError::NotSent(_)) = read {
            self.account.unsend(reservation);
            return;
        }
        if let Some(date) = facts.date {
            self.facts.compare_clocks(date, now.utc);
        }
        let heard = Heard {
            credits: facts.credits,
            date: facts.date,
            refused: exhausted.map(|Exhaustion { of, limit }| Refused {
                of,
                limit,
                retry_after: facts.retry_after,
            }),
        };
        counter!("quote_producer_credits_spent_total").increment(reservation.credits().into());
        if let Some(Refused { of, .. }) = heard.refused {
            let of = match of {
                Exhausted::Minute => "minute",
                Exhausted::Day => "day",
            };
            counter!("quote_producer_calls_refused_total", "credits_of" => of).increment(1);
        }
        let (before, source) = (self.account.plan(), self.account.plan_source());
        self.account.settle(reservation, heard, now);
        self.show_credits(now);
        let after = self.account.plan();
        if before != after {
            if source != PlanSource::Assumed {
                info!(
                    credits_per_minute = after.per_minute,
                    credits_per_day = after.per_day,
                    "the plan is another than was known"
                );
            }
            // what is due was reckoned with the old one
            self.schedule.hasten(self.wait_max(now), now);
        }
    }
}

/// A 429 of the call, or of an entry in it.
fn exhaustion(read: &Result<Vec<Entry>, CallError>) -> Option<Exhaustion> {
    match read {
        Ok(entries) => entries.iter().find_map(|entry| match &entry.outcome {
            Err(SymbolError::OutOfCredits { exhausted, .. }) => Some(*exhausted),
            _ => None,
        }),
        Err(error) => exhaustion_of_call(error),
    }
}

fn exhaustion_of_call(error: &CallError) -> Option<Exhaustion> {
    match error.judge() {
        Refusal::Credits(exhausted) => Some(exhausted),
        _ => None,
    }
}

impl Quotes {
    fn none(ts_recv: Timestamp, endpoint: Endpoint) -> Self {
        Self {
            ts_recv,
            channel: endpoint.channel(),
            by_symbol: Vec::new(),
        }
    }
}
