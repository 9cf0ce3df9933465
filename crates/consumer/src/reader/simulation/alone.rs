//! One consumer alone with a topic and a bucket, for what a random schedule would hardly show.

use std::time::Duration;

use slot_protocol::HeadReply;

use super::background::StandingClock;
use super::bucket::FlakyBucket;
use super::process::{Process, keys, settings};
use super::topic::{LoggedPartition, Topic};
use crate::reader::Error;
use crate::store::found_in;

pub(crate) struct Alone {
    pub(crate) clock: StandingClock,
    pub(crate) topic: Topic,
    pub(crate) bucket: FlakyBucket,
    pub(crate) process: Process,
}

/// A partition with this many records, all of one hour.
pub(crate) fn records(count: i64) -> LoggedPartition {
    LoggedPartition {
        timestamps_ms: (0..count).map(Some).collect(),
        high: count,
        owner: 1,
        ..LoggedPartition::default()
    }
}

impl Alone {
    /// A consumer that is about to be given all the partitions.
    pub(crate) fn new(partitions: impl IntoIterator<Item = LoggedPartition>) -> Self {
        let clock = StandingClock::new();
        let topic = Topic::new(0, partitions);
        let bucket = FlakyBucket::new(0, clock.clone());
        let process = Process::start(1, &topic, &bucket, &clock, settings(), false);
        let numbers: Vec<i32> = topic.state().partitions.keys().copied().collect();
        process.log.assign(&numbers);
        Self {
            clock,
            topic,
            bucket,
            process,
        }
    }

    /// Rounds of the loop, a tenth of a second each.
    pub(crate) fn rounds(&mut self, count: usize) -> Result<(), Error> {
        for _ in 0..count {
            self.process.round()?;
            self.clock.advance(Duration::from_millis(100));
            self.process.background.run();
        }
        Ok(())
    }

    /// Rounds of the loop until something is so.
    pub(crate) fn rounds_until(&mut self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..500 {
            if is_so(self) {
                return;
            }
            self.rounds(1).unwrap();
        }
        panic!("it never came to that");
    }

    /// Starts and ends of the slots in the bucket.
    pub(crate) fn slots(&self) -> Vec<(i64, i64)> {
        let state = self.bucket.state();
        let slots = state
            .objects
            .list()
            .filter(|(key, _)| keys().parse(key).is_some());
        let mut slots: Vec<_> = slots
            .map(|(_, object)| match found_in(&object.metadata) {
                HeadReply::Found(found) => (found.start, found.end),
                other => panic!("{other:?}"),
            })
            .collect();
        slots.sort_unstable();
        slots
    }

    /// Records that are read and not in the bucket.
    pub(crate) fn held(&self) -> u64 {
        let partitions = self.process.reader.partitions.values();
        partitions.map(crate::partition::Partition::records).sum()
    }
}
