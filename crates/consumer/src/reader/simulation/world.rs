//! Consumers around one topic and one bucket: what an operator, the group, retention and the network do to them, and what
//! must hold of the bucket all the same.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use slot_protocol::{Found, HeadReply};

use super::background::StandingClock;
use super::bucket::{FlakyBucket, Manners, Object};
use super::process::{Process, keys, settings};
use super::topic::MemberLog;
use super::topic::{LoggedPartition, Topic};
use crate::reader::Reader;
use crate::reader::draining::Draining;
use crate::store::found_in;

const HOUR_MS: i64 = 3_600_000;
/// Records that a partition comes to have.
const LOG_LEN: i64 = 24;

/// What the schedules came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) adopted: u64,
    pub(crate) lost: i64,
    pub(crate) lists: u64,
    pub(crate) zombies: u64,
    pub(crate) crashes: u64,
    pub(crate) stored: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.adopted += other.adopted;
        self.lost += other.lost;
        self.lists += other.lists;
        self.zombies += other.zombies;
        self.crashes += other.crashes;
        self.stored += other.stored;
    }
}

pub(crate) struct World {
    random: StdRng,
    clock: StandingClock,
    topic: Topic,
    bucket: FlakyBucket,
    is_cooperative: bool,
    processes: Vec<Process>,
    members: u64,
    /// The furthest commit of each partition: what is before it must be in the bucket.
    promised: BTreeMap<i32, i64>,
    pub(crate) seen: Seen,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let clock = StandingClock::new();
        let bucket = FlakyBucket::new(random.random(), clock.clone());
        bucket.state().manners = Manners::Flaky;
        let count = random.random_range(1..=3);
        let partitions: Vec<_> = (0..count).map(|_| partition(&mut random)).collect();
        let topic = Topic::new(random.random(), partitions);
        topic.state().is_flaky = true;
        let mut world = Self {
            is_cooperative: random.random_bool(0.5),
            random,
            clock,
            topic,
            bucket,
            processes: Vec::new(),
            members: 0,
            promised: BTreeMap::new(),
            seen: Seen::default(),
        };
        world.rebalance(1.0);
        world
    }

    fn numbers(&self) -> Vec<i32> {
        self.topic.state().partitions.keys().copied().collect()
    }

    fn start_process(&mut self) -> usize {
        self.members += 1;
        self.processes.push(Process::start(
            self.members,
            &self.topic,
            &self.bucket,
            &self.clock,
            settings(),
            self.is_cooperative,
        ));
        self.processes.len() - 1
    }

    /// Gives some of the partitions to another process, a new one or one that has others. Who had them is told, or goes
    /// on as a zombie.
    fn rebalance(&mut self, share: f64) {
        let to = if self.processes.is_empty() || self.random.random_bool(0.5) {
            self.start_process()
        } else {
            self.random.random_range(0..self.processes.len())
        };
        let moved: Vec<i32> = self
            .numbers()
            .into_iter()
            .filter(|_| self.random.random_bool(share))
            .collect();
        let member = self.processes[to].member;
        for number in &moved {
            let owner = std::mem::replace(
                &mut self.topic.state().partitions.get_mut(number).unwrap().owner,
                member,
            );
            let Some(had) = self.processes.iter().find(|process| process.member == owner) else {
                continue;
            };
            if owner == member || self.random.random_bool(0.5) {
                had.log.revoke(&[*number]);
            } else {
                self.seen.zombies += 1;
            }
        }
        // it may have been a zombie of one of them
        self.processes[to].log.revoke(&moved);
        self.processes[to].log.assign(&moved);
    }

    fn crash(&mut self) {
        if let Some(at) = (0..self.processes.len()).choose(&mut self.random) {
            self.seen.crashes += 1;
            self.count(at);
            self.processes.swap_remove(at);
        }
    }

    fn count(&mut self, at: usize) {
        let tally = self.processes[at].reader.tally;
        self.seen.adopted += tally.objects_adopted;
        self.seen.lost += tally.offsets_lost;
        self.seen.stored += tally.records_stored;
    }

    pub(crate) fn step(&mut self) -> Result<(), String> {
        match self.random.random_range(0..100) {
            0..5 => self.rebalance(0.5),
            5..6 => self.crash(),
            6..8 => self.reset_a_commit(),
            8..10 => self.delete_old_records(),
            10..20 => self.append(),
            20..24 => self.bucket.do_a_late_put(),
            24..40 => self.let_time_pass(),
            _ => {
                if !self.processes.is_empty() {
                    let at = self.random.random_range(0..self.processes.len());
                    self.round(at)?;
                }
            }
        }
        self.check()
    }

    fn round(&mut self, at: usize) -> Result<(), String> {
        self.processes[at].round().map_err(|error| format!("{error:?}"))
    }

    fn let_time_pass(&mut self) {
        let by = Duration::from_millis(self.random.random_range(10..600));
        self.clock.advance(by);
        for process in &mut self.processes {
            process.background.run();
        }
    }

    fn reset_a_commit(&mut self) {
        let mut state = self.topic.state();
        let commit = match self.random.random_range(0..3) {
            0 => None,
            1 => Some((self.random.random_range(0..LOG_LEN + 3), String::new())),
            _ => Some((
                self.random.random_range(1..LOG_LEN + 3),
                "slot/1 00000000-0000-0000-0000-000000000000 0 9".to_owned(),
            )),
        };
        let partition = state.partitions.values_mut().choose(&mut self.random).unwrap();
        partition.commit = commit;
    }

    /// Retention deletes what is in the bucket, and what was never read if nobody has a run of the partition: what lies
    /// between is the known limit.
    fn delete_old_records(&mut self) {
        let number = *self.numbers().choose(&mut self.random).unwrap();
        let tip = self.tip(number);
        let is_written_now = self.bucket.state().late.iter().any(|(_, key, _)| {
            keys()
                .parse(key)
                .is_some_and(|(partition, _)| partition == number)
        });
        let is_held = self.processes.iter().any(|process| {
            let partition = process.reader.partitions.get(&number);
            partition.is_some_and(|partition| !partition.chain.is_idle())
        });
        let mut state = self.topic.state();
        let partition = state.partitions.get_mut(&number).unwrap();
        let most = if is_written_now || is_held || self.random.random_bool(0.8) {
            tip
        } else {
            partition.high.min(LOG_LEN - 1)
        };
        if partition.low < most {
            partition.low = self.random.random_range(partition.low..=most);
        }
    }

    fn append(&mut self) {
        let mut state = self.topic.state();
        let partition = state.partitions.values_mut().choose(&mut self.random).unwrap();
        partition.high = (partition.high + self.random.random_range(1..4)).min(LOG_LEN);
    }

    /// A partition's objects, by start.
    fn chain(&self, number: i32) -> Vec<(Found, Object)> {
        let state = self.bucket.state();
        let of_partition = |key: &str| keys().parse(key).filter(|(partition, _)| *partition == number);
        let mut chain: Vec<(Found, Object)> = state
            .objects
            .list()
            .filter(|(key, _)| of_partition(key).is_some())
            .map(|(_, object)| match found_in(&object.metadata) {
                HeadReply::Found(found) => (found, object.clone()),
                other => panic!("{other:?}"),
            })
            .collect();
        chain.sort_by_key(|(found, _)| found.start);
        chain
    }

    fn tip(&self, number: i32) -> i64 {
        self.chain(number).last().map_or(0, |(found, _)| found.end + 1)
    }

    /// No record twice, none missing before a commit, and each object holds just what it says that it covers.
    fn check(&mut self) -> Result<(), String> {
        for number in self.numbers() {
            if let Some((offset, metadata)) = &self.topic.state().partitions[&number].commit
                && metadata.contains(&super::process::LAYOUT.to_string())
            {
                let promised = self.promised.entry(number).or_default();
                *promised = (*promised).max(*offset);
            }
            self.check_partition(number)
                .map_err(|what| format!("partition {number}: {what}"))?;
        }
        Ok(())
    }

    fn check_partition(&self, number: i32) -> Result<(), String> {
        let state = self.topic.state();
        let log = &state.partitions[&number];
        let mut covered_to = 0;
        for (found, object) in self.chain(number) {
            if found.start != covered_to {
                return Err(format!(
                    "a slot begins at {} instead of {covered_to}",
                    found.start
                ));
            }
            let stored: Vec<i64> = object
                .body
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| {
                    let line: Value = serde_json::from_slice(line).unwrap();
                    assert_eq!(line["partition"], number);
                    line["offset"].as_i64().unwrap()
                })
                .collect();
            let is_right =
                |offset: &i64| (found.start..=found.end).contains(offset) && log.is_record(*offset);
            let lacks = (found.start..=found.end)
                .find(|offset| *offset >= log.low && log.is_record(*offset) && !stored.contains(offset));
            if lacks.is_some() || !stored.iter().all(is_right) || !stored.is_sorted_by(|a, b| a < b) {
                return Err(format!("{found:?} holds {stored:?}"));
            }
            covered_to = found.end + 1;
        }
        let promised = self.promised.get(&number).copied().unwrap_or(0);
        match (covered_to..promised).find(|offset| *offset >= log.low && log.is_record(*offset)) {
            Some(lost) => Err(format!("offset {lost} is committed and lost")),
            None => Ok(()),
        }
    }

    /// The faults end; the last owner comes to the end of the log, and drains.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        self.bucket.state().manners = Manners::Good;
        let last = self.start_process();
        let numbers = self.numbers();
        {
            let mut state = self.topic.state();
            state.is_flaky = false;
            for partition in state.partitions.values_mut() {
                partition.high = LOG_LEN;
                partition.owner = self.processes[last].member;
            }
        }
        self.processes[last].log.assign(&numbers);
        for _ in 0..40 * LOG_LEN {
            if numbers
                .iter()
                .all(|number| self.processes[last].reader.is_at(*number, LOG_LEN))
            {
                break;
            }
            self.let_time_pass();
            self.round(last)?;
            self.check()?;
        }
        for at in 0..self.processes.len() {
            self.count(at);
        }
        let Process {
            mut background,
            reader,
            ..
        } = self.processes.swap_remove(last);
        let mut draining: Reader<MemberLog, Draining> = reader.drain();
        for _ in 0..100 {
            if draining.is_done() {
                break;
            }
            draining.round().map_err(|error| format!("{error:?}"))?;
            background.run();
            self.let_time_pass();
        }
        self.check()?;
        self.seen.lists += self.bucket.state().lists;
        if !draining.is_done() {
            return Err("not drained".to_owned());
        }
        for number in numbers {
            let tip = self.tip(number);
            if tip != LOG_LEN {
                return Err(format!(
                    "the chain of partition {number} stands at {tip} of {LOG_LEN}"
                ));
            }
        }
        Ok(())
    }
}

/// Records of later and earlier hours, with holes, as transactions and compaction make them.
fn partition(random: &mut StdRng) -> LoggedPartition {
    let mut hour = 0;
    let mut timestamps_ms: Vec<Option<i64>> = (0..LOG_LEN)
        .map(|_| {
            hour += i64::from(random.random_bool(0.15));
            let late_by = i64::from(random.random_bool(0.15));
            let is_hole = random.random_bool(0.1);
            (!is_hole).then_some((hour - late_by) * HOUR_MS)
        })
        .collect();
    // so that the chain can come to the end
    if let Some(last) = timestamps_ms.last_mut() {
        last.get_or_insert(hour * HOUR_MS);
    }
    LoggedPartition {
        timestamps_ms,
        high: random.random_range(0..=LOG_LEN),
        ..LoggedPartition::default()
    }
}
