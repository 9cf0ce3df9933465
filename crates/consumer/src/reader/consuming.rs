use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline_runtime::systemd;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use slot_protocol::{ClosedBy, Hour, Offer};
use tokio_util::sync::CancellationToken;

use super::idle::Idle;
use super::retention::Doubt;
use super::unreadable::Unreadable;
use super::{
    Commits, Drained, Error, RECORDS_A_ROUND, RECORDS_TIMEOUT, Reader, Settings, Surroundings, Tally, Writing,
};
use crate::encode::{Content, Record};
use crate::events;
use crate::kafka::{Event, Log};
use crate::partition::Partition;
use crate::requests::Answer;

/// Records are read and encoded.
#[derive(Default)]
pub(crate) struct Consuming {
    /// Partitions that are ours, by the assignment that made them so, whose chain's end is being looked for.
    pub(super) unlocated: BTreeMap<i32, u64>,
    pub(super) assignments: u64,
    /// Of the offsets that are wanted next.
    pub(super) doubt: Doubt,
    pub(super) is_over_memory: bool,
    /// Partitions that stand before a batch that cannot be read.
    pub(super) unreadable: Unreadable,
    pub(super) idle: Idle,
}

impl<L: Log> Reader<L, Consuming> {
    pub(crate) fn new(settings: Settings, surroundings: Surroundings<L>) -> Self {
        let Surroundings {
            log,
            requests,
            answers,
            encoders,
            clock,
            random,
        } = surroundings;
        let now = clock.now();
        let commits = Commits::new(requests.destination().layout);
        Self {
            settings,
            log: Arc::new(log),
            answers,
            encoders,
            clock,
            partitions: BTreeMap::new(),
            writing: Writing::new(requests, commits, random),
            tally: Tally::default(),
            round_began_at: now,
            state_told_at: now,
            records_told: 0,
            state: Consuming::default(),
        }
    }

    /// Reads until `shutdown`, then writes what was read. Blocks.
    ///
    /// # Errors
    ///
    /// Another log's chain in the bucket, a Kafka client that cannot go on, a drain that took too long.
    pub(crate) fn run(mut self, shutdown: &CancellationToken) -> Result<Drained, Error> {
        while !shutdown.is_cancelled() {
            self.round()?;
        }
        self.drain().run()
    }

    /// One look at everything, and the records that are there.
    pub(super) fn round(&mut self) -> Result<(), Error> {
        self.begin_round();
        self.follow_rebalances();
        self.take_answers()?;
        self.close_due()?;
        self.keep_to_memory()?;
        self.ask_for_log_ranges();
        self.try_unreadable_again();
        self.steer();
        self.tell_idleness();
        self.tell_state();
        self.commit_what_is_owed();
        self.take_events()?;
        let log = Arc::clone(&self.log);
        log.read(RECORDS_A_ROUND, RECORDS_TIMEOUT, |consumed| match consumed {
            Ok(record) => self.take(&record),
            Err(error) => self.take_error(error),
        })
    }

    fn take_answers(&mut self) -> Result<(), Error> {
        while let Ok(answer) = self.answers.try_recv() {
            match answer {
                Answer::Written(ticket, written) => self.written(ticket, written)?,
                Answer::Committed(committed) => {
                    self.writing.commits.answered(committed, self.round_began_at);
                }
                Answer::LogRanges(ranges) => self.compare_with_log(ranges)?,
                Answer::Located { assignment, resumes } => {
                    self.located(assignment, resumes)?;
                    systemd::ready();
                }
                Answer::NotLocated(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Rebalances and errors. Records come by [`Log::read`] once their partition's chain is found.
    fn take_events(&mut self) -> Result<(), Error> {
        while let Some(event) = self.log.next_event() {
            match event {
                Event::TooEarly { partition } => {
                    if let Some(partition) = self.partitions.get_mut(&partition) {
                        partition.chain.read_again();
                    }
                }
                Event::Unreadable { partition, offset } => self.stop_before(partition, offset),
                Event::Failed(error) => self.take_error(error)?,
            }
        }
        Ok(())
    }

    fn take_error(&mut self, error: KafkaError) -> Result<(), Error> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.state.doubt.raise();
                Ok(())
            }
            _ => self.survives(error),
        }
    }

    fn take(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let Some(partition) = self.partitions.get_mut(&record.partition) else {
            return Ok(());
        };
        let hour = Hour::of_timestamp_ms(record.timestamp_ms.unwrap_or(0));
        let closed_by = match partition.chain.offer(record.offset, hour) {
            Offer::Skip => return Ok(()),
            Offer::Doubt => {
                partition.chain.doubt(record.offset);
                return Ok(());
            }
            Offer::CloseFirst => Some(ClosedBy::Hour),
            Offer::Take => partition.full(&self.settings.flush),
        };
        if let Some(closed_by) = closed_by {
            if !partition.chain.can_close() {
                // another run waits already: the record is read again when that one is under way
                partition.chain.read_again();
                return Ok(());
            }
            self.writing.close(partition, closed_by)?;
        }
        let content = record.content(self.encoders.encoding());
        if let Content::NotATick { reason } = &content {
            self.tally.not_ticks += 1;
            events::not_a_tick(record, reason, self.tally.not_ticks);
        }
        partition
            .take(record, &content, hour, &self.encoders, self.round_began_at)
            .map_err(|source| self.writing.encode_error(record.partition, record.offset, source))?;
        self.tally.records += 1;
        Ok(())
    }

    fn close_due(&mut self) -> Result<(), Error> {
        for partition in self.partitions.values_mut() {
            if let Some(closed_by) = partition.due(&self.settings.flush, self.round_began_at) {
                self.writing.close(partition, closed_by)?;
            }
        }
        Ok(())
    }

    /// Stops reading and closes the largest runs while all together have more than their share of `--memory`.
    fn keep_to_memory(&mut self) -> Result<(), Error> {
        let memory = self.settings.memory;
        let held_bytes: u64 = self.partitions.values().map(Partition::held_bytes).sum();
        if self.state.is_over_memory {
            self.state.is_over_memory = held_bytes > memory.runs_low_bytes();
            if !self.state.is_over_memory {
                events::memory_free(held_bytes);
            }
        } else if held_bytes > memory.runs_max_bytes() {
            self.state.is_over_memory = true;
            events::memory_full(held_bytes);
        }
        if !self.state.is_over_memory {
            return Ok(());
        }
        // what is closed comes free by itself once the bucket has it
        let open_bytes: u64 = self.partitions.values().map(Partition::open_bytes).sum();
        if open_bytes <= memory.runs_low_bytes() {
            return Ok(());
        }
        let largest = self
            .partitions
            .values_mut()
            .filter(|partition| partition.chain.can_close())
            .max_by_key(|partition| partition.open_bytes());
        match largest {
            Some(largest) => self.writing.close(largest, ClosedBy::Memory),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
impl<L: Log> Reader<L, Consuming> {
    /// Whether a partition's next record is this one, and all before are in the bucket.
    pub(super) fn is_at(&self, partition: i32, offset: i64) -> bool {
        let partition = self.partitions.get(&partition);
        partition.is_some_and(|it| it.chain.expected() == Some(offset) && it.chain.is_idle())
    }
}
