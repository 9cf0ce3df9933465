//! Which partitions are ours, and from where each is read.

use pipeline_runtime::systemd;
use slot_protocol::Resume;
use tracing::{debug, info};

use super::{Consuming, Error, Reader};
use crate::events;
use crate::kafka::{Log, Rebalance};
use crate::partition::Partition;
use crate::requests::Ticket;

impl<L: Log> Reader<L, Consuming> {
    pub(super) fn follow_rebalances(&mut self) {
        while let Some(change) = self.log.next_rebalance() {
            match change {
                Rebalance::Assigned(numbers) => self.gain(numbers),
                Rebalance::Revoked(numbers) => {
                    info!(partitions = ?numbers, "revoked");
                    self.give_up(&numbers);
                    for number in &numbers {
                        self.state.unlocated.remove(number);
                        self.state.unreadable.forget(*number);
                    }
                }
            }
        }
    }

    fn gain(&mut self, numbers: Vec<i32>) {
        if !numbers.is_empty() {
            info!(partitions = ?numbers, "assigned");
            self.locate_again(numbers);
        } else if self.partitions.is_empty() && self.state.unlocated.is_empty() {
            info!("no partition is left for this consumer, it stands by");
            systemd::ready();
        }
    }

    /// Looks for where partitions go on that are ours.
    pub(super) fn locate_again(&mut self, numbers: Vec<i32>) {
        if numbers.is_empty() {
            return;
        }
        self.state.assignments += 1;
        for number in &numbers {
            self.partitions.remove(number);
            self.state.unlocated.insert(*number, self.state.assignments);
        }
        let jitter_seed = self.writing.jitter_seed();
        self.writing
            .requests
            .locate(self.state.assignments, numbers, jitter_seed);
    }

    pub(super) fn located(&mut self, assignment: u64, resumes: Vec<(i32, Resume)>) -> Result<(), Error> {
        for (number, resume) in resumes {
            if self.state.unlocated.get(&number) != Some(&assignment) {
                continue;
            }
            self.state.unlocated.remove(&number);
            self.log.listen(number)?;
            self.report_lost(number, resume.read_from, resume.lost());
            let ticket = Ticket {
                partition: number,
                assignment,
            };
            let partition = Partition::new(resume, ticket, self.writing.jitter_seed());
            self.partitions.insert(number, partition);
        }
        Ok(())
    }

    fn report_lost(&mut self, partition: i32, low: i64, lost: i64) {
        if lost > 0 {
            self.tally.offsets_lost += lost;
            events::offsets_lost(partition, low, lost);
        }
    }

    /// Moves, stops and starts the reading of each partition as its chain wants it.
    pub(super) fn steer(&mut self) {
        let mut stopped = Vec::new();
        for (number, partition) in &mut self.partitions {
            let must_wait =
                self.state.is_over_memory || partition.is_full() || self.state.unreadable.stops(*number);
            if must_wait && !partition.is_paused {
                partition.is_paused = self.log.pause(*number).is_ok();
            }
            if must_wait {
                continue;
            }
            if partition.is_paused {
                // what librdkafka had fetched is dropped by the pause, so say again where to go on
                partition.chain.read_again();
            }
            if let Some(offset) = partition.chain.seek_target() {
                match self.log.seek(*number, offset) {
                    Ok(()) => {
                        // its queue is its own no more if it was taken again
                        if let Err(error) = self.log.listen(*number) {
                            debug!(partition = number, %error, "cannot read yet");
                            continue;
                        }
                        partition.chain.sought();
                    }
                    Err(error) => {
                        debug!(partition = number, offset, %error, "cannot seek");
                        stopped.push(*number);
                        continue;
                    }
                }
            }
            if partition.is_paused {
                partition.is_paused = self.log.resume(*number).is_err();
            }
        }
        for number in stopped {
            self.take_again(number);
        }
    }

    /// Takes a partition as if it were newly assigned: librdkafka stops one whose offset is not in the log, and no
    /// seek wakes it. Where the group's protocol lets no single one be taken, takes all.
    fn take_again(&mut self, number: i32) {
        let numbers: Vec<i32> = if self.log.is_cooperative() {
            vec![number]
        } else {
            let located = self.partitions.keys();
            located.chain(self.state.unlocated.keys()).copied().collect()
        };
        let places: Vec<(i32, Option<i64>)> = numbers
            .iter()
            .map(|number| (*number, self.place_of(*number)))
            .collect();
        if let Err(error) = self.log.take_again(&places) {
            debug!(?numbers, %error, "cannot take again yet");
            return;
        }
        for number in numbers {
            let is_paused = self.partitions.get_mut(&number).is_none_or(|partition| {
                partition.chain.read_again();
                partition.is_paused
            });
            if is_paused && let Err(error) = self.log.pause(number) {
                debug!(partition = number, %error, "cannot pause");
            }
        }
    }

    /// Where a partition is to be read, if that is known.
    fn place_of(&self, number: i32) -> Option<i64> {
        let chain = &self.partitions.get(&number)?.chain;
        chain.seek_target().or_else(|| chain.expected())
    }
}

#[cfg(test)]
mod tests {
    use slot_protocol::PutReply;

    use super::*;
    use crate::reader::simulation::alone::{Alone, records};
    use crate::reader::simulation::bucket::Manners;
    use crate::requests::Written;

    #[test]
    fn an_answer_to_an_assignment_that_is_over_is_dropped() {
        let mut alone = Alone::new([records(8)]);
        let reader = &mut alone.process.reader;
        reader.follow_rebalances();
        let over = reader.state.assignments;
        alone.process.log.revoke(&[0]);
        alone.process.log.assign(&[0]);
        let reader = &mut alone.process.reader;
        reader.follow_rebalances();
        let resume = Resume {
            boundary: 5,
            read_from: 5,
        };
        reader.located(over, vec![(0, resume)]).unwrap();
        assert!(reader.partitions.is_empty());
        alone.rounds_until(|alone| alone.slots() == [(0, 3), (4, 7)]);
    }

    #[test]
    fn what_is_revoked_is_neither_written_nor_committed_any_more() {
        let mut alone = Alone::new([records(3), records(3)]);
        alone.rounds_until(|alone| alone.held() == 6);
        alone.process.log.revoke(&[0]);
        alone.rounds(30).unwrap();
        assert_eq!(alone.slots(), [(0, 2)]);
        let state = alone.topic.state();
        assert_eq!(state.partitions[&0].commit, None);
        assert!(state.partitions[&1].commit.is_some());
    }

    #[test]
    fn a_reply_to_a_put_of_an_assignment_that_is_over_changes_nothing() {
        let mut alone = Alone::new([records(4)]);
        alone.rounds_until(|alone| alone.process.reader.partitions.contains_key(&0));
        let over = alone.process.reader.partitions[&0].ticket;
        alone.process.log.revoke(&[0]);
        alone.process.log.assign(&[0]);
        alone.rounds(1).unwrap();
        alone.rounds_until(|alone| alone.held() == 4);
        alone.bucket.state().manners = Manners::Away;
        alone.rounds_until(|alone| alone.process.reader.partitions[&0].chain.closed().count() == 1);
        let created = Written::Put(PutReply::Created);
        alone.process.reader.written(over, created).unwrap();
        assert_eq!(alone.held(), 4, "what is not in the bucket was let go");
        assert_eq!(alone.process.reader.tally.objects_created, 0);
    }

    #[test]
    fn while_a_run_waits_behind_another_the_partition_is_not_read() {
        let mut alone = Alone::new([records(20)]);
        alone.rounds_until(|alone| alone.process.reader.partitions.contains_key(&0));
        alone.bucket.state().manners = Manners::Away;
        alone.rounds_until(|alone| alone.process.reader.partitions[&0].is_full());
        alone.rounds(2).unwrap();
        assert!(!alone.process.log.is_read(0));
        alone.bucket.state().manners = Manners::Good;
        alone.rounds_until(|alone| alone.process.reader.is_at(0, 20));
        let ends: Vec<i64> = alone.slots().iter().map(|(_, end)| *end).collect();
        assert_eq!(ends.last(), Some(&19));
    }

    #[test]
    fn a_stopped_partition_is_taken_again_and_its_siblings_with_it() {
        let mut alone = Alone::new([records(4), records(4)]);
        alone.rounds_until(|alone| (0..2).all(|it| alone.process.reader.is_at(it, 4)));
        {
            let mut state = alone.topic.state();
            for partition in state.partitions.values_mut() {
                partition.timestamps_ms = (0..12).map(Some).collect();
                partition.high = 12;
            }
            state.partitions.get_mut(&0).unwrap().low = 8;
        }
        alone.rounds_until(|alone| (0..2).all(|it| alone.process.reader.is_at(it, 12)));
        assert_eq!(alone.process.reader.tally.offsets_lost, 4);
        assert_eq!(alone.process.reader.tally.records_stored, 8 + 12);
    }
}
