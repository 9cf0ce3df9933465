//! The reading thread: polls Kafka, encodes, and drives each partition's chain. It alone owns all of that, so
//! that no record meets a lock or an await; the background only asks the store and the broker.
//!
//! First it is [`Consuming`], then [`draining::Draining`]. Time, log and answers are values, so the same loop runs in a
//! simulation.

mod commits;
mod consuming;
mod draining;
mod error;
mod idle;
mod ownership;
mod retention;
#[cfg(test)]
pub(crate) mod simulation;
mod tally;
mod unreadable;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use pipeline_runtime::systemd;
use rand::rngs::StdRng;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::debug;

pub(crate) use consuming::Consuming;
pub(crate) use error::Error;
pub(crate) use tally::Tally;

use crate::clock::Clock;
use crate::encode::Encoders;
use crate::events;
use crate::kafka::Log;
use crate::memory::MemoryBudget;
use crate::partition::{Flush, Partition};
use crate::requests::{Answer, Requests};
use commits::Commits;
use writing::Writing;

/// How long to wait for records. Answers, rebalances and signals wait as long at most.
const RECORDS_TIMEOUT: Duration = Duration::from_millis(50);
/// Records between two looks at answers, ages and memory.
const RECORDS_A_ROUND: usize = 2000;
/// Between two updates of the gauges.
const STATE_INTERVAL: Duration = Duration::from_secs(1);

/// What may be set.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The group, for errors.
    pub(crate) group: String,
    /// When a run is closed.
    pub(crate) flush: Flush,
    /// How much all runs may take.
    pub(crate) memory: MemoryBudget,
    /// How long to write what was read after the end of reading.
    pub(crate) drain_timeout: humantime::Duration,
}

/// What the loop did, once all that was read is in the bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drained {
    /// How much.
    pub(crate) tally: Tally,
    /// Until when anything may still be waited for.
    pub(crate) deadline: Instant,
}

/// All that lies around the loop.
pub(crate) struct Surroundings<L> {
    pub(crate) log: L,
    pub(crate) requests: Requests,
    /// What was asked by these requests.
    pub(crate) answers: Receiver<Answer>,
    pub(crate) encoders: Encoders,
    pub(crate) clock: Arc<dyn Clock>,
    /// Run ids, and what pauses are stretched by.
    pub(crate) random: StdRng,
}

/// The loop, in one of its states.
pub(crate) struct Reader<L, S> {
    settings: Settings,
    log: Arc<L>,
    answers: Receiver<Answer>,
    encoders: Encoders,
    clock: Arc<dyn Clock>,
    /// Partitions that are ours and whose chain's end is known.
    partitions: BTreeMap<i32, Partition>,
    writing: Writing,
    tally: Tally,
    round_began_at: Instant,
    state_told_at: Instant,
    records_told: u64,
    state: S,
}

impl<L: Log, S> Reader<L, S> {
    fn begin_round(&mut self) {
        systemd::alive();
        self.round_began_at = self.clock.now();
    }

    /// What is not in the bucket yet is dropped: whoever owns the partition next reads it again. A PUT under way
    /// may still land; the next owner then finds and adopts it.
    fn give_up(&mut self, numbers: &[i32]) {
        for number in numbers {
            self.partitions.remove(number);
            self.writing.commits.forget(*number);
        }
    }

    fn commit_what_is_owed(&mut self) {
        if let Some(notes) = self.writing.commits.next(self.round_began_at) {
            self.writing.requests.commit(notes);
        }
    }

    fn tell_state(&mut self) {
        if self.round_began_at.saturating_duration_since(self.state_told_at) < STATE_INTERVAL {
            return;
        }
        self.state_told_at = self.round_began_at;
        let runs = || self.partitions.values();
        events::state(events::State {
            partitions: self.partitions.len(),
            runs_open: runs().filter(|partition| partition.open_bytes() > 0).count(),
            held_bytes: runs().map(Partition::held_bytes).sum(),
            oldest_run_age: runs()
                .filter_map(Partition::oldest_read_at)
                .map(|read_at| self.round_began_at.saturating_duration_since(read_at))
                .max()
                .unwrap_or_default(),
            records_read: self.tally.records - self.records_told,
        });
        self.records_told = self.tally.records;
        systemd::status(&self.tally.in_words(self.partitions.len()));
    }

    /// Whether the client goes on after this.
    fn survives(&self, error: KafkaError) -> Result<(), Error> {
        match error.rdkafka_error_code() {
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                Err(Error::Fatal { source: error })
            }
            Some(RDKafkaErrorCode::Fatal) => Err(Error::Fatal { source: error }),
            Some(
                RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed,
            ) => Err(Error::Refused {
                group: self.settings.group.clone(),
                topic: self.writing.requests.source().topic.clone(),
                source: error,
            }),
            // the client's context has told it, with the reason
            _ => {
                debug!(%error, "Kafka trouble, going on");
                Ok(())
            }
        }
    }

    /// The same loop in another state.
    fn in_state<T>(self, state: T) -> Reader<L, T> {
        Reader {
            settings: self.settings,
            log: self.log,
            answers: self.answers,
            encoders: self.encoders,
            clock: self.clock,
            partitions: self.partitions,
            writing: self.writing,
            tally: self.tally,
            round_began_at: self.round_began_at,
            state_told_at: self.state_told_at,
            records_told: self.records_told,
            state,
        }
    }
}
