//! The reading thread: polls Kafka, encodes, and drives each partition's chain. It alone owns all of that, so
//! that no record meets a lock or an await; the background only asks the store and the broker.

mod commits;
mod effects;
mod ownership;
mod retention;
mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use pipeline_runtime::systemd;
use rdkafka::Message;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use tally::Tally;

use crate::Error;
use crate::args::Config;
use crate::encode::{Content, Encoders, Record};
use crate::events;
use crate::kafka::{Consumed, GroupConsumer, Rebalance, RecordQueue};
use crate::partition::Partition;
use crate::requests::{Answer, Requests};
use commits::Commits;
use slot_protocol::{ClosedBy, Hour, Offer};

/// How long to wait for records. Answers, rebalances and signals wait as long at most.
const RECORDS_TIMEOUT: Duration = Duration::from_millis(50);
/// Records between two looks at answers, ages and memory.
const RECORDS_A_ROUND: usize = 2000;
/// Between two updates of the gauges.
const STATE_INTERVAL: Duration = Duration::from_secs(1);

/// All that comes to the reading thread.
pub(crate) struct Input {
    /// The group's consumer, for rebalances and errors.
    pub(crate) consumer: Arc<GroupConsumer>,
    /// Its rebalances.
    pub(crate) rebalances: Receiver<Rebalance>,
    /// The records of the partitions that are ours.
    pub(crate) records: Arc<RecordQueue>,
    /// What was asked in the background.
    pub(crate) answers: Receiver<Answer>,
}

pub(crate) struct Reader {
    config: Config,
    input: Input,
    requests: Requests,
    encoders: Encoders,
    /// Partitions that are ours and whose chain's end is known.
    partitions: BTreeMap<i32, Partition>,
    /// Partitions that are ours, by the assignment that made them so, whose chain's end is being looked for.
    unlocated: BTreeMap<i32, u64>,
    assignments: u64,
    /// librdkafka said that an offset is not in the log.
    is_log_range_in_doubt: bool,
    is_over_memory: bool,
    commits: Commits,
    tally: Tally,
    round_began_at: Instant,
    state_told_at: Instant,
    records_told: u64,
}

impl Reader {
    pub(crate) fn new(config: Config, input: Input, requests: Requests, encoders: Encoders) -> Self {
        let commits = Commits::new(config.kafka.topic.clone(), requests.locator.layout);
        Self {
            config,
            input,
            requests,
            encoders,
            partitions: BTreeMap::new(),
            unlocated: BTreeMap::new(),
            assignments: 0,
            is_log_range_in_doubt: false,
            is_over_memory: false,
            commits,
            tally: Tally::default(),
            round_began_at: Instant::now(),
            state_told_at: Instant::now(),
            records_told: 0,
        }
    }

    /// Reads until `shutdown`, then writes what was read. Blocks.
    ///
    /// # Errors
    ///
    /// Another log's chain in the bucket, a Kafka client that cannot go on, a drain that took too long.
    pub(crate) fn run(mut self, shutdown: &CancellationToken) -> Result<Tally, Error> {
        while !shutdown.is_cancelled() {
            self.round(false)?;
        }
        systemd::stopping();
        let records: u64 = self.partitions.values().map(Partition::records).sum();
        info!(records, "draining");
        let deadline = Instant::now() + *self.config.drain_timeout;
        while !self
            .partitions
            .values()
            .all(|partition| partition.chain.is_idle())
        {
            if Instant::now() >= deadline {
                return Err(self.not_drained());
            }
            self.round(true)?;
        }
        self.commits.commit_and_wait(&self.input.consumer);
        Ok(self.tally)
    }

    fn not_drained(&self) -> Error {
        Error::NotDrained {
            records: self.partitions.values().map(Partition::records).sum(),
            partitions: self
                .partitions
                .values()
                .filter(|partition| !partition.chain.is_idle())
                .count(),
            timeout: self.config.drain_timeout,
        }
    }

    /// One look at everything, and the records that are there.
    fn round(&mut self, is_draining: bool) -> Result<(), Error> {
        systemd::alive();
        self.round_began_at = Instant::now();
        self.follow_rebalances();
        self.take_answers()?;
        self.close_due(is_draining)?;
        self.keep_to_memory()?;
        if self.is_log_range_in_doubt {
            self.check_log_range()?;
        }
        self.steer(is_draining);
        self.tell_state();
        if let Some(offsets) = self.commits.next(self.round_began_at) {
            self.requests.commit(offsets);
        }
        self.take_events()?;
        let records = Arc::clone(&self.input.records);
        for record in records.take(RECORDS_A_ROUND, RECORDS_TIMEOUT) {
            match record.error() {
                None => self.read(&record)?,
                Some(error) => self.take_error(error)?,
            }
        }
        Ok(())
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

    /// Rebalances and errors. Records come by a queue of their own once their partition's chain is found.
    fn take_events(&mut self) -> Result<(), Error> {
        let consumer = Arc::clone(&self.input.consumer);
        while let Some(event) = consumer.poll(Duration::ZERO) {
            match event {
                Ok(early) => {
                    if let Some(partition) = self.partitions.get_mut(&early.partition()) {
                        partition.chain.read_again();
                    }
                }
                Err(error) => self.take_error(error)?,
            }
        }
        Ok(())
    }

    fn read(&mut self, consumed: &Consumed<'_>) -> Result<(), Error> {
        let record = Record {
            partition: consumed.partition(),
            offset: consumed.offset(),
            timestamp_ms: consumed.timestamp_ms(),
            key: consumed.key(),
            value: consumed.value(),
        };
        let Some(partition) = self.partitions.get_mut(&record.partition) else {
            return Ok(());
        };
        let hour = Hour::of_timestamp_ms(record.timestamp_ms.unwrap_or(0));
        let closed_by = match partition.offer(record.offset, hour) {
            Offer::Skip => return Ok(()),
            Offer::Doubt => {
                partition.chain.doubt(record.offset);
                return Ok(());
            }
            Offer::CloseFirst => Some(ClosedBy::Hour),
            Offer::Take => partition.full(&self.config.flush),
        };
        if let Some(closed_by) = closed_by {
            if !partition.chain.can_close() {
                // another run waits already: the record is read again when that one is under way
                partition.chain.read_again();
                return Ok(());
            }
            self.close(record.partition, closed_by)?;
        }
        let content = record.content(self.encoders.encoding());
        if let Content::NotATick { reason } = &content {
            self.tally.not_ticks += 1;
            events::not_a_tick(&record, reason, self.tally.not_ticks);
        }
        let Some(partition) = self.partitions.get_mut(&record.partition) else {
            return Ok(());
        };
        partition
            .take(&record, &content, hour, &self.encoders, self.round_began_at)
            .map_err(|source| self.encode_error(record.partition, record.offset, source))?;
        self.tally.records += 1;
        Ok(())
    }

    fn encode_error(&self, partition: i32, offset: i64, source: std::io::Error) -> Error {
        Error::Encode {
            topic: self.config.kafka.topic.clone(),
            partition,
            offset,
            source,
        }
    }

    fn take_error(&mut self, error: KafkaError) -> Result<(), Error> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.is_log_range_in_doubt = true;
                Ok(())
            }
            Some(RDKafkaErrorCode::Fatal) => Err(Error::KafkaFatal { source: error }),
            Some(
                RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed,
            ) => Err(Error::KafkaRefused {
                group: self.config.group.clone(),
                topic: self.config.kafka.topic.clone(),
                source: error,
            }),
            _ => {
                warn!(%error, "Kafka trouble, going on");
                Ok(())
            }
        }
    }

    /// Closes the runs that are due; all of them while draining.
    fn close_due(&mut self, is_draining: bool) -> Result<(), Error> {
        let now = self.round_began_at;
        let due: Vec<(i32, ClosedBy)> = self
            .partitions
            .iter()
            .filter_map(|(number, partition)| {
                let closed_by = if is_draining {
                    Some(ClosedBy::Shutdown)
                } else {
                    partition.due(&self.config.flush, now)
                };
                Some((*number, closed_by?))
            })
            .collect();
        for (number, closed_by) in due {
            self.close(number, closed_by)?;
        }
        Ok(())
    }

    /// Stops reading and closes the largest runs while all together have more than their share of `--memory`.
    fn keep_to_memory(&mut self) -> Result<(), Error> {
        let memory = self.config.memory;
        let held_bytes: u64 = self.partitions.values().map(Partition::held_bytes).sum();
        if self.is_over_memory {
            self.is_over_memory = held_bytes > memory.runs_low_bytes();
            if !self.is_over_memory {
                events::memory_free(held_bytes);
            }
        } else if held_bytes > memory.runs_max_bytes() {
            self.is_over_memory = true;
            events::memory_full(held_bytes);
        }
        if !self.is_over_memory {
            return Ok(());
        }
        // what is closed comes free by itself once the bucket has it
        let open_bytes: u64 = self.partitions.values().map(Partition::open_bytes).sum();
        if open_bytes <= memory.runs_low_bytes() {
            return Ok(());
        }
        let largest = self
            .partitions
            .iter()
            .filter(|(_, partition)| partition.chain.can_close())
            .max_by_key(|(_, partition)| partition.open_bytes());
        match largest.map(|(number, _)| *number) {
            Some(number) => self.close(number, ClosedBy::Memory),
            None => Ok(()),
        }
    }
}
