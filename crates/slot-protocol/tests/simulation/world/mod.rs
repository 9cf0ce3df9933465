//! All that lies around the writers: the log and what an operator and retention do to it, the group, its commits,
//! the bucket, and what must hold of it.

mod answers;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use slot_protocol::{ClosedBy, CommitNote, Effect, Slot};
use uuid::Uuid;

use super::broken::Broken;
use super::log::{LOG_LEN, Log};
use super::seen::Seen;
use super::store::{Bucket, LatePut};
use super::writer::{Asked, Read, Writer};

const LAYOUT: Uuid = Uuid::from_u128(7);

/// A committed offset with its metadata.
#[derive(Clone, Debug, Default)]
struct Commit {
    offset: i64,
    metadata: String,
}

/// One partition of the topic, as Kafka has it.
struct Partition {
    log: Log,
    commit: Option<Commit>,
    /// Of the writer that the group takes for the owner. Only its commits are taken.
    generation: u64,
    /// The furthest commit of a writer: what is before it must be in the bucket.
    promised: i64,
    /// An object or a commit changed since the last check.
    is_unchecked: bool,
}

pub(super) struct World {
    random: ChaCha8Rng,
    broken: Broken,
    partitions: Vec<Partition>,
    bucket: Bucket,
    writers: Vec<Writer>,
    generations: u64,
    run_ids: u128,
    pub(super) seen: Seen,
}

impl World {
    pub(super) fn new(seed: u64, broken: Broken) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let count = random.random_range(1..=3);
        let partitions = (0..count).map(|_| Partition {
            log: Log::new(&mut random),
            commit: None,
            generation: 0,
            promised: 0,
            is_unchecked: false,
        });
        let mut world = Self {
            partitions: partitions.collect(),
            random,
            broken,
            bucket: Bucket::new(broken == Broken::Overwrite),
            writers: Vec::new(),
            generations: 0,
            run_ids: 0,
            seen: Seen::default(),
        };
        world.rebalance(1.0);
        world
    }

    fn of(&self, partition: i32) -> &Partition {
        &self.partitions[index_of(partition)]
    }

    fn of_mut(&mut self, partition: i32) -> &mut Partition {
        &mut self.partitions[index_of(partition)]
    }

    fn numbers(&self) -> impl Iterator<Item = i32> + use<> {
        (0..).take(self.partitions.len())
    }

    /// Gives some of the partitions to another process, a new one or one that has others. Who had them is told, or goes
    /// on as a zombie.
    fn rebalance(&mut self, share: f64) {
        self.generations += 1;
        let others: Vec<u64> = self.writers.iter().map(|writer| writer.process).collect();
        let is_new = others.is_empty() || self.random.random_bool(0.5);
        let process = if is_new {
            self.generations
        } else {
            others.choose(&mut self.random).copied().unwrap_or_default()
        };
        for partition in self.numbers() {
            if !self.random.random_bool(share) {
                continue;
            }
            let is_told = self.random.random_bool(0.4);
            self.writers.retain(|writer| {
                let is_owner = writer.partition == partition;
                !(is_owner && (is_told || writer.process == process))
            });
            self.of_mut(partition).generation = self.generations;
            self.writers
                .push(Writer::new(partition, process, self.generations));
        }
    }

    pub(super) fn step(&mut self) -> Result<(), String> {
        match self.random.random_range(0..100) {
            0..5 => self.rebalance(0.5),
            5..7 => self.crash(),
            7..9 => self.reset_a_commit(),
            9..11 => self.delete_old_records(),
            11..15 => self.append(),
            15..52 => self.read_somewhere()?,
            52..62 => {
                let writer = self.random.random_range(0..self.writers.len().max(1));
                self.close(writer, ClosedBy::Age)?;
            }
            62..72 => self.a_late_put_arrives(),
            _ => self.answer_somewhere()?,
        }
        self.check()
    }

    fn crash(&mut self) {
        if let Some(process) = self.writers.choose(&mut self.random).map(|writer| writer.process) {
            self.writers.retain(|writer| writer.process != process);
        }
    }

    /// What an operator does to the group: an offset of his own, none, or one with a note that is of another chain.
    fn reset_a_commit(&mut self) {
        let partition = self.random.random_range(0..self.partitions.len());
        let offset = self.random.random_range(0..LOG_LEN + 3);
        let of_another_chain = CommitNote {
            layout: Uuid::nil(),
            start: 0,
            end: offset - 1,
        };
        self.partitions[partition].commit = match self.random.random_range(0..3) {
            0 => None,
            1 => Some(Commit {
                offset,
                metadata: String::new(),
            }),
            _ => Some(Commit {
                offset,
                metadata: of_another_chain.to_string(),
            }),
        };
        self.seen.resets += 1;
    }

    /// Retention moves the log's start, but for what is the known limit: a run that is not in the bucket yet loses its
    /// head, and the first record left is of another hour.
    fn delete_old_records(&mut self) {
        let partition = self.random.random_range(0..self.partitions.len());
        let log = &self.partitions[partition].log;
        let low = self.random.random_range(log.low..=log.high.min(LOG_LEN - 1));
        let number = i32::try_from(partition).unwrap_or_default();
        let first_left = (low..LOG_LEN).find_map(|offset| log.hour_of(offset));
        let of_writers = self.writers.iter().filter(|writer| writer.partition == number);
        let on_their_way = self.bucket.late.iter().filter(|put| put.partition == number);
        let is_beyond_the_limit = of_writers
            .flat_map(|writer| writer.unresolved(log))
            .chain(on_their_way.map(|put| (put.slot.first_offset, put.slot.hour)))
            .any(|(first_offset, hour)| first_offset < low && first_left != Some(hour));
        if !is_beyond_the_limit {
            self.partitions[partition].log.low = low;
        }
    }

    fn append(&mut self) {
        let partition = self.random.random_range(0..self.partitions.len());
        let log = &mut self.partitions[partition].log;
        log.high = (log.high + self.random.random_range(1..4)).min(LOG_LEN);
    }

    fn read_somewhere(&mut self) -> Result<(), String> {
        let writer = self.random.random_range(0..self.writers.len().max(1));
        for _ in 0..self.random.random_range(1..4) {
            self.read(writer)?;
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> Result<(), String> {
        let Some(writer) = self.writers.get_mut(index) else {
            return Ok(());
        };
        let log = &self.partitions[index_of(writer.partition)].log;
        match writer.read(log, &mut self.random, self.broken) {
            Read::Done => {}
            Read::Doubted => self.seen.doubted += 1,
            Read::Gone if self.broken == Broken::SkipWithoutList => {
                writer.skip_to(log.low);
            }
            Read::Gone => {
                writer.locate();
                self.seen.located_again += 1;
            }
            Read::Close => self.close(index, ClosedBy::Hour)?,
        }
        Ok(())
    }

    fn close(&mut self, index: usize, closed_by: ClosedBy) -> Result<(), String> {
        let Some(writer) = self.writers.get_mut(index).filter(|writer| writer.can_close()) else {
            return Ok(());
        };
        self.run_ids += 1;
        let run_id = Uuid::from_u128(self.run_ids);
        if let Some(effect) = writer.close(run_id, closed_by) {
            return self.apply(index, vec![effect]);
        }
        if self.broken == Broken::Pipelined {
            self.bucket.late.extend(writer.waiting());
        }
        Ok(())
    }

    fn apply(&mut self, index: usize, effects: Vec<Effect<Vec<i64>>>) -> Result<(), String> {
        for effect in effects {
            let writer = &mut self.writers[index];
            match effect {
                Effect::Put { slot, run } | Effect::PutAgain { slot, run } => {
                    let mut lines = run;
                    if self.broken == Broken::BytesOfAnotherRun
                        && let Some(waiting) = writer.waiting()
                    {
                        lines = waiting.lines;
                    }
                    self.bucket.late.push(LatePut {
                        partition: writer.partition,
                        slot: slot.clone(),
                        lines,
                    });
                    writer.asked = Some(Asked::Put(slot.clone()));
                    if self.broken == Broken::CommitBeforeAnswer {
                        self.commit(index, &slot, slot.end);
                    }
                }
                Effect::Head(slot) | Effect::HeadAgain(slot) => writer.asked = Some(Asked::Head(slot)),
                Effect::Resolved {
                    slot,
                    end,
                    is_adopted,
                    run: _,
                } => {
                    writer.landed(end);
                    self.seen.rereads += u64::from(end != slot.end);
                    self.seen.adopted += u64::from(is_adopted);
                    self.commit(index, &slot, end);
                }
                Effect::Halt { slot, conflict } => return Err(format!("halted at {slot:?}: {conflict}")),
            }
        }
        Ok(())
    }

    /// The group takes a commit of the owner alone.
    fn commit(&mut self, index: usize, slot: &Slot, end: i64) {
        let writer = &self.writers[index];
        let (number, generation) = (writer.partition, writer.generation);
        let partition = self.of_mut(number);
        if generation == partition.generation {
            let note = CommitNote {
                layout: LAYOUT,
                start: slot.start,
                end,
            };
            partition.commit = Some(Commit {
                offset: end + 1,
                metadata: note.to_string(),
            });
            partition.promised = partition.promised.max(end + 1);
            partition.is_unchecked = true;
        }
    }

    /// No record twice, none missing before a commit, and each object holds just what it says that it covers.
    fn check(&mut self) -> Result<(), String> {
        for number in self.numbers() {
            if std::mem::take(&mut self.of_mut(number).is_unchecked) {
                self.check_partition(number)
                    .map_err(|what| format!("partition {number}: {what}"))?;
            }
        }
        Ok(())
    }

    fn check_partition(&self, number: i32) -> Result<(), String> {
        let Partition { log, promised, .. } = self.of(number);
        let is_needed = |offset: i64| offset >= log.low && log.hour_of(offset).is_some();
        let mut covered_to = 0;
        for (start, object) in self.bucket.chain(number) {
            if start < covered_to {
                return Err(format!("offset {start} is covered twice"));
            }
            if start > covered_to {
                return Err(format!(
                    "the chain has a hole from {covered_to} to before {start}"
                ));
            }
            let end = object.found.end;
            let is_right = |offset: &i64| (start..=end).contains(offset) && log.hour_of(*offset).is_some();
            let lacks = (start..=end).find(|offset| is_needed(*offset) && !object.lines.contains(offset));
            if lacks.is_some() || !object.lines.iter().all(is_right) || !object.lines.is_sorted() {
                return Err(format!("the slot {start} to {end} holds {:?}", object.lines));
            }
            covered_to = end + 1;
        }
        match (covered_to..*promised).find(|offset| is_needed(*offset)) {
            Some(lost) => Err(format!("offset {lost} is committed and lost")),
            None => Ok(()),
        }
    }

    /// The faults end; the last owner of each partition must come to the end of the log.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.rebalance(1.0);
        let last = self.writers.len() - self.partitions.len();
        for index in last..self.writers.len() {
            let number = self.writers[index].partition;
            let log = &mut self.of_mut(number).log;
            log.high = LOG_LEN;
            log.is_misplacing = false;
            for _ in 0..20 * LOG_LEN {
                if self.bucket.tip(number) == LOG_LEN {
                    break;
                }
                self.read(index)?;
                self.close(index, ClosedBy::Shutdown)?;
                self.answer(index, false)?;
                self.check()?;
            }
            let tip = self.bucket.tip(number);
            if tip != LOG_LEN {
                return Err(format!(
                    "the chain of partition {number} stands at {tip} of {LOG_LEN}"
                ));
            }
        }
        Ok(())
    }
}

fn index_of(partition: i32) -> usize {
    usize::try_from(partition).unwrap_or_default()
}
