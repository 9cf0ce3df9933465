//! Batches that the client cannot read: a digit changed on the broker's disk, or the compression is broken. librdkafka
//! tells of one and goes on behind it, so the partition stops here until the batch can be read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Consuming, Reader};
use crate::events;
use crate::kafka::Log;

/// Between two looks whether the batch can be read now: another replica may have become the leader.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// The partitions that stand before such a batch, each with the time at which it is tried again.
#[derive(Default)]
pub(super) struct Unreadable(BTreeMap<i32, Instant>);

impl Unreadable {
    /// Whether nothing of the partition may be taken.
    pub(super) fn stops(&self, partition: i32) -> bool {
        // looked up for each record, and nearly always empty
        !self.0.is_empty() && self.0.contains_key(&partition)
    }

    /// Forgets a partition that is not ours any more.
    pub(super) fn forget(&mut self, partition: i32) {
        self.0.remove(&partition);
    }
}

impl<L: Log> Reader<L, Consuming> {
    /// Stops a partition before the batch that begins at `offset`.
    pub(super) fn stop_before(&mut self, partition: i32, offset: i64) {
        let unreadable = &mut self.state.unreadable;
        if !self.partitions.contains_key(&partition) || unreadable.stops(partition) {
            return;
        }
        unreadable
            .0
            .insert(partition, self.round_began_at + RETRY_INTERVAL);
        self.tally.batches_unreadable += 1;
        events::batch_unreadable(&self.writing.requests.source().topic, partition, offset);
        events::partitions_stopped(unreadable.0.len());
    }

    /// Has those read again that were stopped long enough.
    pub(super) fn try_unreadable_again(&mut self) {
        let now = self.round_began_at;
        let unreadable = &mut self.state.unreadable;
        let stops = unreadable.0.iter();
        let due: Vec<i32> = stops.filter(|(_, at)| **at <= now).map(|(it, _)| *it).collect();
        for number in due {
            unreadable.forget(number);
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.chain.read_again();
            }
            events::partitions_stopped(unreadable.0.len());
        }
    }
}
