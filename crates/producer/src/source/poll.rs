use std::num::NonZeroU64;
use std::time::Duration;

use quote_model::Symbol;
use tracing::warn;
use twelve_data::{Endpoint, Entry, Question, Refusal};

use super::troubles::Troubles;
use super::{Counts, Quotes, Symbols};
use crate::Error;
use crate::api_key::ApiKey;
use crate::clock::{Clock, Moment};
use crate::credits::{Demand, Pacer, learn_plan};
use crate::http::{ApiBaseUrl, CallError, TwelveData};

/// Symbols that the vendor takes in one call.
const MAX_SYMBOLS_PER_CALL: usize = 120;

/// What to poll, and how.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) base_url: ApiBaseUrl,
    pub(crate) key: ApiKey,
    pub(crate) endpoint: Endpoint,
    pub(crate) symbols: Symbols,
    pub(crate) interval: Duration,
    /// Polls to do; without it there is no end.
    pub(crate) samples: Option<NonZeroU64>,
}

/// Twelve Data, polled.
#[derive(Debug)]
pub(crate) struct Feed {
    api: TwelveData,
    endpoint: Endpoint,
    symbols: Symbols,
    interval: Duration,
    samples: Option<NonZeroU64>,
    pacer: Pacer,
    poll: Option<Poll>,
    troubles: Troubles,
    counts: Counts,
    /// Whether a call brought quotes before.
    is_proven: bool,
}

/// The poll that is under way: one call, or several where the symbols do not fit into one.
#[derive(Debug, Default)]
struct Poll {
    /// When its first call had its credits.
    started: Option<Moment>,
    /// Symbols that were asked for.
    asked: usize,
    quotes: usize,
    failed_calls: usize,
    /// Symbols that no poll will bring.
    hopeless: Vec<String>,
}

impl Feed {
    /// Asks for the plan's credits. Waits for as long as Twelve Data does not answer.
    pub(crate) async fn open(settings: Settings, clock: Clock) -> Result<Self, Error> {
        if settings.base_url.is_unprotected() {
            warn!("the base URL is not https: the API key travels in clear text");
        }
        let api = TwelveData::new(settings.base_url, settings.key)?;
        let mut pacer = Pacer::new(clock, settings.interval);
        learn_plan(&api, &mut pacer).await?;
        let credits_per_poll = settings.symbols.credits_per_poll();
        if let Some(per_day) = pacer.governor.plan().per_day
            && per_day < credits_per_poll
        {
            return Err(Error::PollTooLarge {
                credits_per_poll,
                per_day,
            });
        }
        let mut feed = Self {
            api,
            endpoint: settings.endpoint,
            symbols: settings.symbols,
            interval: settings.interval,
            samples: settings.samples,
            pacer,
            poll: None,
            troubles: Troubles::default(),
            counts: Counts::default(),
            is_proven: false,
        };
        let (demand, now) = (feed.demand(), feed.pacer.now());
        feed.pacer.pace(demand, now);
        Ok(feed)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Symbols that bring no quote at present.
    pub(crate) fn troubles(&self) -> usize {
        self.troubles.count()
    }

    /// The next reply's quotes, at least one; nothing after the last sample. A reply is taken wholly, or not
    /// at all if this is dropped while it waits.
    pub(crate) async fn next(&mut self) -> Result<Option<Quotes>, Error> {
        loop {
            if self.poll.is_none() {
                if self
                    .samples
                    .is_some_and(|samples| self.counts.polls >= samples.get())
                {
                    return Ok(None);
                }
                self.pacer.until_due().await;
            }
            let mut poll = self.poll.take().unwrap_or_default();
            let quotes = self.call(&mut poll).await?;
            if poll.asked < self.symbols.as_slice().len() {
                self.poll = Some(poll);
            } else {
                self.conclude(poll)?;
            }
            if !quotes.by_symbol.is_empty() {
                return Ok(Some(quotes));
            }
        }
    }

    /// Asks for the poll's next symbols.
    async fn call(&mut self, poll: &mut Poll) -> Result<Quotes, Error> {
        let credits_per_minute = usize::try_from(self.pacer.governor.plan().per_minute).unwrap_or(usize::MAX);
        let at_most = MAX_SYMBOLS_PER_CALL.min(credits_per_minute.max(1));
        let rest = self.symbols.as_slice().get(poll.asked..).unwrap_or_default();
        let symbols: Vec<Symbol<'static>> = rest.iter().take(at_most).cloned().collect();
        let credits = u32::try_from(symbols.len()).unwrap_or(u32::MAX);
        let list = symbols.iter().map(Symbol::as_str).collect::<Vec<_>>().join(",");

        self.pacer.credits(credits).await;
        poll.started.get_or_insert(self.pacer.now());
        let reply = self.api.get(self.endpoint.path(), Some(&list)).await;
        let now = self.pacer.now();
        let facts = reply.as_ref().map(|reply| reply.facts).unwrap_or_default();
        self.pacer.governor.settle(credits, facts.credits, now);
        poll.asked += symbols.len();

        let question = Question {
            endpoint: self.endpoint,
            symbols: &symbols,
            ts_recv: now.utc,
        };
        let mut quotes = Quotes {
            ts_recv: now.utc,
            channel: self.endpoint.channel(),
            by_symbol: Vec::with_capacity(symbols.len()),
        };
        match reply.and_then(|reply| Ok(twelve_data::read(&reply.body, facts.status, question)?)) {
            Ok(entries) => {
                for entry in entries {
                    self.sort(entry, poll, &mut quotes);
                }
                poll.quotes += quotes.by_symbol.len();
            }
            Err(error) => {
                poll.failed_calls += 1;
                self.bear(&self.api.redacted(error), facts.retry_after, now)?;
            }
        }
        Ok(quotes)
    }

    fn sort(&mut self, entry: Entry, poll: &mut Poll, quotes: &mut Quotes) {
        let Entry { symbol, outcome } = entry;
        match outcome {
            Ok(quote) => {
                self.troubles.end(&symbol);
                if !quote.odd_fields.is_empty() {
                    self.counts.odd_quotes += 1;
                    self.troubles.note_odd_fields(&symbol, &quote.odd_fields);
                }
                quotes.by_symbol.push((symbol, quote));
            }
            Err(error) => {
                self.counts.symbol_errors += 1;
                let reason = self.api.redact(&error.to_string());
                if error.is_permanent() {
                    poll.hopeless.push(format!("{symbol}: {reason}"));
                }
                self.troubles.begin(&symbol, reason);
            }
        }
    }

    /// An error of the whole call: ends the program, or is told and borne.
    fn bear(&mut self, error: &CallError, retry_after: Option<Duration>, now: Moment) -> Result<(), Error> {
        let endpoint = self.endpoint.path();
        match error.judge(self.is_proven) {
            Refusal::Key { message } => return Err(Error::KeyRefused { message }),
            Refusal::Endpoint { message } => return Err(Error::EndpointRefused { endpoint, message }),
            Refusal::Request { code, message } => {
                return Err(Error::RequestRefused {
                    endpoint,
                    code,
                    message,
                });
            }
            Refusal::Credits(exhausted) => {
                self.pacer.governor.refuse(exhausted, retry_after, now);
                warn!("poll refused for want of credits: {error}");
            }
            Refusal::Passing => warn!("poll failed, to be tried again: {error}"),
        }
        Ok(())
    }

    /// The poll is over: counts it and sets the time of the next one.
    fn conclude(&mut self, poll: Poll) -> Result<(), Error> {
        let is_success = poll.failed_calls == 0 && poll.quotes > 0;
        if is_success {
            self.counts.polls += 1;
        } else {
            self.counts.failed_polls += 1;
        }
        self.is_proven |= poll.quotes > 0;
        if !self.is_proven && poll.hopeless.len() == self.symbols.as_slice().len() {
            return Err(Error::NoUsableSymbol {
                reasons: poll.hopeless,
            });
        }
        let demand = self.demand();
        let started = poll.started.unwrap_or_else(|| self.pacer.now());
        self.pacer.schedule(started, is_success, demand);
        Ok(())
    }

    fn demand(&self) -> Demand {
        Demand {
            interval: self.interval,
            credits_per_poll: self.symbols.credits_per_poll(),
            polls_left: self
                .samples
                .map(|samples| samples.get().saturating_sub(self.counts.polls)),
        }
    }
}
