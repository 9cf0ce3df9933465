use std::sync::Arc;
use std::time::Instant;

use pipeline_runtime::systemd;
use slot_protocol::ClosedBy;
use tracing::{debug, info, warn};

use super::{Consuming, Drained, Error, RECORDS_A_ROUND, RECORDS_TIMEOUT, Reader};
use crate::kafka::{Event, Log, Rebalance};
use crate::partition::Partition;
use crate::requests::Answer;

/// Nothing is read any more: what was read is written and committed, until the deadline.
pub(crate) struct Draining {
    deadline: Instant,
}

impl<L: Log> Reader<L, Consuming> {
    /// Ends the reading.
    pub(super) fn drain(self) -> Reader<L, Draining> {
        systemd::stopping();
        let records: u64 = self.partitions.values().map(Partition::records).sum();
        info!(records, "draining");
        let deadline = self.clock.now() + *self.settings.drain_timeout;
        self.in_state(Draining { deadline })
    }
}

impl<L: Log> Reader<L, Draining> {
    /// Writes and commits what was read. Blocks until the deadline at most.
    ///
    /// # Errors
    ///
    /// As for reading, and [`Error::NotDrained`] if the bucket has not taken all by the deadline. An offset that could not
    /// be committed by then is no error: the chain in the bucket tells where to go on.
    pub(super) fn run(mut self) -> Result<Drained, Error> {
        while !self.is_done() {
            if self.clock.now() >= self.state.deadline {
                self.give_up_waiting()?;
                break;
            }
            self.round()?;
        }
        Ok(Drained {
            tally: self.tally,
            deadline: self.state.deadline,
        })
    }

    pub(super) fn is_done(&self) -> bool {
        self.undrained().next().is_none() && self.writing.commits.are_settled()
    }

    fn undrained(&self) -> impl Iterator<Item = &Partition> {
        self.partitions
            .values()
            .filter(|partition| !partition.chain.is_idle())
    }

    fn give_up_waiting(&self) -> Result<(), Error> {
        let partitions = self.undrained().count();
        if partitions == 0 {
            warn!("the last offsets were not committed; the chain in the bucket tells where to go on");
            return Ok(());
        }
        Err(Error::NotDrained {
            records: self.undrained().map(Partition::records).sum(),
            partitions,
            timeout: self.settings.drain_timeout,
        })
    }

    /// One look at everything that may still come.
    pub(super) fn round(&mut self) -> Result<(), Error> {
        self.begin_round();
        self.follow_rebalances();
        self.take_answers()?;
        self.close_all()?;
        self.stop_reading();
        self.tell_state();
        self.commit_what_is_owed();
        while let Some(event) = self.log.next_event() {
            if let Event::Failed(error) = event {
                self.survives(error)?;
            }
        }
        // what was fetched before is left to whoever reads it next
        let log = Arc::clone(&self.log);
        log.read(RECORDS_A_ROUND, RECORDS_TIMEOUT, |consumed| match consumed {
            Ok(_) => Ok(()),
            Err(error) => self.survives(error),
        })
    }

    fn follow_rebalances(&mut self) {
        while let Some(change) = self.log.next_rebalance() {
            match change {
                Rebalance::Assigned(numbers) => {
                    debug!(partitions = ?numbers, "assigned too late, left alone");
                }
                Rebalance::Revoked(numbers) => {
                    info!(partitions = ?numbers, "revoked");
                    self.give_up(&numbers);
                }
            }
        }
    }

    fn take_answers(&mut self) -> Result<(), Error> {
        while let Ok(answer) = self.answers.try_recv() {
            match answer {
                Answer::Written(ticket, written) => self.written(ticket, written)?,
                Answer::Committed(committed) => {
                    self.writing.commits.answered(committed, self.round_began_at);
                }
                Answer::Located { .. } | Answer::NotLocated(_) | Answer::LogRanges(_) => {}
            }
        }
        Ok(())
    }

    fn close_all(&mut self) -> Result<(), Error> {
        for partition in self.partitions.values_mut() {
            self.writing.close(partition, ClosedBy::Shutdown)?;
        }
        Ok(())
    }

    fn stop_reading(&mut self) {
        for (number, partition) in &mut self.partitions {
            if !partition.is_paused {
                partition.is_paused = self.log.pause(*number).is_ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::reader::simulation::alone::{Alone, records};
    use crate::reader::simulation::bucket::Manners;
    use crate::reader::simulation::process::DRAIN_TIMEOUT;

    /// Drains while nothing happens in the background, and tells how long it took.
    fn drain(alone: Alone) -> (Result<Drained, Error>, Duration) {
        let Alone { clock, process, .. } = alone;
        process.log.let_time_pass(clock.clone());
        let began_at = clock.now();
        let drained = process.reader.drain().run();
        (drained, clock.now() - began_at)
    }

    #[test]
    fn what_the_bucket_does_not_take_by_the_deadline_is_told() {
        let mut alone = Alone::new([records(3), records(2), records(0)]);
        alone.rounds_until(|alone| alone.held() == 5);
        alone.bucket.state().manners = Manners::Away;
        let (drained, took) = drain(alone);
        let error = drained.unwrap_err();
        let Error::NotDrained {
            records,
            partitions,
            timeout,
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((records, partitions, *timeout), (5, 2, DRAIN_TIMEOUT));
        assert!(
            (DRAIN_TIMEOUT..DRAIN_TIMEOUT + RECORDS_TIMEOUT).contains(&took),
            "{took:?}"
        );
    }

    #[test]
    fn a_commit_that_nobody_takes_does_not_hold_up_the_end() {
        let mut alone = Alone::new([records(5)]);
        alone.topic.state().takes_no_commit = true;
        alone.rounds_until(|alone| alone.slots().len() == 2 && alone.held() == 0);
        let (drained, took) = drain(alone);
        assert_eq!(drained.unwrap().tally.records_stored, 5);
        assert!(
            (DRAIN_TIMEOUT..DRAIN_TIMEOUT + RECORDS_TIMEOUT).contains(&took),
            "{took:?}"
        );
    }

    #[test]
    fn all_that_was_read_is_written_and_committed_and_no_more_is_read() {
        let mut alone = Alone::new([records(3)]);
        alone.rounds_until(|alone| alone.held() > 0);
        let held = alone.held();
        let Alone {
            topic,
            bucket,
            process,
            ..
        } = alone;
        topic
            .state()
            .partitions
            .get_mut(&0)
            .unwrap()
            .timestamps_ms
            .push(Some(0));
        topic.state().partitions.get_mut(&0).unwrap().high = 4;
        let mut background = process.background;
        let mut draining = process.reader.drain();
        for _ in 0..10 {
            draining.round().unwrap();
            background.run();
        }
        assert!(draining.is_done());
        assert_eq!(draining.tally.records_stored, held);
        let state = topic.state();
        let committed = state.partitions[&0].commit.as_ref().map(|(offset, _)| *offset);
        assert_eq!(committed, Some(i64::try_from(held).unwrap()));
        let bucket = bucket.state();
        let (_, object) = bucket.objects.list().next().unwrap();
        assert_eq!(object.metadata["closed-by"], "shutdown");
        assert!(!process.log.is_read(0));
    }
}
