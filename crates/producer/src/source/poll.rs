//! Polls: the desk's calls, each sent when it is due.

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

/// Whom to ask, and what.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) base_url: ApiBaseUrl,
    pub(crate) key: ApiKey,
    pub(crate) watchlist: Watchlist,
    pub(crate) orders: Orders,
}

/// Twelve Data, polled.
#[derive(Debug)]
pub(crate) struct Feed {
    api: TwelveData,
    clock: Clock,
    desk: Desk,
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
        Ok(Self {
            api: TwelveData::new(settings.base_url, settings.key)?,
            desk: Desk::new(settings.orders, clock.now()),
            clock,
            is_ready: false,
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        self.desk.counts()
    }

    /// The state in a sentence.
    pub(crate) fn status(&self) -> String {
        self.desk.status(self.clock.now())
    }

    /// The next reply's quotes, at least one; nothing after the last sample. To be dropped at the end only: a call
    /// that is under way then counts as spent.
    pub(crate) async fn next(&mut self) -> Result<Option<Quotes>, Error> {
        loop {
            let Some(task) = self.next_task().await else {
                return Ok(None);
            };
            let (path, query) = self.desk.request(&task.ask);
            let reply = self.api.get(path, &query).await;
            let quotes = self.desk.take(task, reply, self.clock.now())?;
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
