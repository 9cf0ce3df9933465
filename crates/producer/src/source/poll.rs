//! Polls: the desk's calls, each sent when it is due.

use std::path::PathBuf;
use std::time::Duration;

use pipeline_runtime::systemd;
use tracing::warn;

use super::desk::{Desk, MAX_WAIT, Orders, Task};
use super::watchlist::Watchlist;
use super::{Counts, Quotes};
use crate::Error;
use crate::api_key::ApiKey;
use crate::clock::Clock;
use crate::http::{ApiBaseUrl, TwelveData};
use crate::state_dir::{Left, StateDir};

/// Whom to ask, and what.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) base_url: ApiBaseUrl,
    pub(crate) key: ApiKey,
    pub(crate) watchlist: Watchlist,
    pub(crate) orders: Orders,
    /// Where the account outlives the process.
    pub(crate) state_dir: Option<PathBuf>,
}

/// Twelve Data, polled.
#[derive(Debug)]
pub(crate) struct Feed {
    api: TwelveData,
    clock: Clock,
    desk: Desk,
    state_dir: StateDir,
    is_ready: bool,
}

impl Feed {
    pub(crate) fn open(settings: Settings, clock: Clock) -> Result<Self, Error> {
        if settings.base_url.is_unprotected() {
            warn!("the base URL is not https: the API key travels in clear text");
        }
        for (symbol, lines) in settings.watchlist.repeated() {
            warn!(
                symbol,
                ?lines,
                "the symbol stands in the file more than once and is polled once"
            );
        }
        let state_dir = match &settings.state_dir {
            Some(directory) => StateDir::open(directory, settings.key.check(settings.base_url.as_str()))?,
            None => StateDir::none(),
        };
        let now = clock.now();
        let desk = match state_dir.load() {
            Left::State(state) => Desk::restore(settings.orders, &state, now),
            Left::Nothing => Desk::new(settings.orders, now),
            Left::Lost => Desk::of_unknown_use(settings.orders, now),
        };
        Ok(Self {
            api: TwelveData::new(settings.base_url, settings.key)?,
            desk,
            state_dir,
            clock,
            is_ready: false,
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        self.desk.counts()
    }

    /// All ticks that were given so far are in Kafka.
    pub(crate) fn all_in_kafka(&mut self) {
        self.desk.all_in_kafka();
    }

    /// The same at the end, to be kept.
    pub(crate) fn close(&mut self) {
        self.desk.all_in_kafka();
        self.keep_state();
    }

    /// Whether an earlier run brought all samples.
    pub(crate) fn is_done(&self) -> bool {
        self.desk.is_done()
    }

    /// The state in a sentence.
    pub(crate) fn status(&self) -> String {
        let mut status = self.desk.status(self.clock.now());
        if self.state_dir.is_failing() {
            status.push_str("; what is spent cannot be kept over a restart");
        }
        status
    }

    /// The next reply's quotes, at least one; nothing after the last sample. To be dropped at the end only: a call
    /// that is under way then counts as spent.
    pub(crate) async fn next(&mut self) -> Result<Option<Quotes>, Error> {
        loop {
            let Some(task) = self.next_task().await else {
                return Ok(None);
            };
            self.keep_state();
            let (path, query) = self.desk.request(&task.ask);
            let reply = self.api.get(path, &query).await;
            let quotes = self.desk.take(task, reply, self.clock.now());
            self.keep_state();
            let quotes = quotes?;
            self.note_readiness();
            if !quotes.by_symbol.is_empty() {
                return Ok(Some(quotes));
            }
        }
    }

    /// Waits for the next call that is due and has its credits: the only place that waits. Nothing after the last
    /// sample.
    async fn next_task(&mut self) -> Option<Task> {
        loop {
            if self.desk.is_done() {
                return None;
            }
            let now = self.clock.now();
            match self.desk.task_at(now) {
                Ok(task) => return Some(task),
                Err(wait) => {
                    self.desk.tell_wait(wait, now);
                    self.note_readiness();
                    systemd::alive();
                    systemd::status(&self.status());
                    tokio::time::sleep(wait.wait.clamp(Duration::from_millis(1), MAX_WAIT)).await;
                    systemd::alive();
                }
            }
        }
    }

    /// Before a call is sent and once it is settled: a process that dies in between has spent it.
    fn keep_state(&mut self) {
        let now = self.clock.now();
        let desk = &self.desk;
        self.state_dir
            .save(|| desk.state(now), desk.has_credits_of_a_day());
    }

    fn note_readiness(&mut self) {
        if self.is_ready {
            return;
        }
        // the other way is the first tick in Kafka
        if self.desk.needs_no_operator(self.clock.now()) {
            self.is_ready = true;
            systemd::ready();
        }
    }
}
