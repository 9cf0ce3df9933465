//! Which partitions are ours, and from where each is read.

use std::time::Duration;

use pipeline_runtime::systemd;
use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, info};

use super::Reader;
use crate::Error;
use crate::events;
use crate::kafka::{NOWHERE_YET, Rebalance};
use crate::partition::Partition;
use slot_protocol::Resume;

/// For librdkafka's own threads, no broker is asked.
const SEEK_TIMEOUT: Duration = Duration::from_secs(1);

impl Reader {
    pub(super) fn follow_rebalances(&mut self) {
        while let Ok(change) = self.input.rebalances.try_recv() {
            match change {
                Rebalance::Assigned(numbers) => self.gain(numbers),
                Rebalance::Revoked(numbers) => self.give_up(&numbers),
            }
        }
    }

    fn gain(&mut self, numbers: Vec<i32>) {
        if !numbers.is_empty() {
            info!(partitions = ?numbers, "assigned");
            self.locate_again(numbers);
        } else if self.partitions.is_empty() && self.unlocated.is_empty() {
            info!("no partition is left for this consumer, it stands by");
            systemd::ready();
        }
    }

    /// Looks for where partitions go on that are ours.
    pub(super) fn locate_again(&mut self, numbers: Vec<i32>) {
        if numbers.is_empty() {
            return;
        }
        self.assignments += 1;
        for number in &numbers {
            self.partitions.remove(number);
            self.unlocated.insert(*number, self.assignments);
        }
        self.requests.locate(self.assignments, numbers);
    }

    /// What is not in the bucket yet is dropped: whoever owns the partition next reads it again. A PUT under way
    /// may still land; the next owner then finds and adopts it.
    fn give_up(&mut self, numbers: &[i32]) {
        info!(partitions = ?numbers, "revoked");
        for number in numbers {
            self.partitions.remove(number);
            self.unlocated.remove(number);
            self.commits.forget(*number);
        }
    }

    pub(super) fn located(
        &mut self,
        assignment: u64,
        resumes: Result<Vec<(i32, Resume)>, Error>,
    ) -> Result<(), Error> {
        for (number, resume) in resumes? {
            if self.unlocated.get(&number) != Some(&assignment) {
                continue;
            }
            self.unlocated.remove(&number);
            self.input.records.add_partition(number)?;
            self.report_lost(number, resume.read_from, resume.lost());
            self.partitions.insert(number, Partition::new(resume, assignment));
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
    pub(super) fn steer(&mut self, is_draining: bool) {
        let must_all_wait = is_draining || self.is_over_memory;
        let mut stopped = Vec::new();
        for (number, partition) in &mut self.partitions {
            let must_wait = must_all_wait || partition.is_full();
            if must_wait && !partition.is_paused {
                partition.is_paused = self
                    .input
                    .consumer
                    .pause(&one(&self.config.kafka.topic, *number))
                    .is_ok();
            }
            if must_wait {
                continue;
            }
            if partition.is_paused {
                // what librdkafka had fetched is dropped by the pause, so say again where to go on
                partition.chain.read_again();
            }
            if let Some(offset) = partition.chain.seek_target() {
                let topic = self.config.kafka.topic.as_str();
                match self
                    .input
                    .consumer
                    .seek(topic, *number, Offset::Offset(offset), SEEK_TIMEOUT)
                {
                    Ok(()) => {
                        // its queue is its own no more if it was taken again
                        if let Err(error) = self.input.records.add_partition(*number) {
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
                partition.is_paused = self
                    .input
                    .consumer
                    .resume(&one(&self.config.kafka.topic, *number))
                    .is_err();
            }
        }
        for number in stopped {
            self.take_again(number);
        }
    }

    /// Takes a partition as if it were newly assigned: librdkafka stops one whose offset is not in the log, and no
    /// seek wakes it. Where the group's protocol lets no single one be taken, takes all.
    fn take_again(&mut self, number: i32) {
        let is_cooperative = matches!(
            self.input.consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        );
        let numbers: Vec<i32> = if is_cooperative {
            vec![number]
        } else {
            self.partitions
                .keys()
                .chain(self.unlocated.keys())
                .copied()
                .collect()
        };
        let taken = self.places(&numbers).and_then(|places| {
            if is_cooperative {
                self.input.consumer.incremental_unassign(&places)?;
                self.input.consumer.incremental_assign(&places)
            } else {
                self.input.consumer.assign(&places)
            }
        });
        if let Err(error) = taken {
            debug!(?numbers, %error, "cannot take again yet");
            return;
        }
        for number in numbers {
            let is_paused = self.partitions.get_mut(&number).is_none_or(|partition| {
                partition.chain.read_again();
                partition.is_paused
            });
            if is_paused && let Err(error) = self.input.consumer.pause(&one(&self.config.kafka.topic, number))
            {
                debug!(partition = number, %error, "cannot pause");
            }
        }
    }

    /// Where each of the partitions is to be read.
    fn places(&self, numbers: &[i32]) -> KafkaResult<TopicPartitionList> {
        let mut places = TopicPartitionList::with_capacity(numbers.len());
        for number in numbers {
            let chain = self.partitions.get(number).map(|partition| &partition.chain);
            let offset = chain.and_then(|chain| chain.seek_target().or_else(|| chain.expected()));
            let place = offset.map_or(NOWHERE_YET, Offset::Offset);
            places.add_partition_offset(self.config.kafka.topic.as_str(), *number, place)?;
        }
        Ok(places)
    }
}

fn one(topic: &pipeline_runtime::kafka::TopicName, partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic.as_str(), partition);
    list
}
