//! A topic in memory, with the group's commits, and what a member of the group sees of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use slot_protocol::{CommitNote, LogRange};

use super::background::StandingClock;
use crate::encode::Record;
use crate::kafka::{self, Broker, Committed, Event, Log, Rebalance};

pub(crate) const TOPIC_ID: &str = "first";

/// One partition of the topic.
#[derive(Default)]
pub(crate) struct LoggedPartition {
    /// Kafka's timestamp of each record; none for a hole.
    pub(crate) timestamps_ms: Vec<Option<i64>>,
    /// What retention has left.
    pub(crate) low: i64,
    /// What was produced.
    pub(crate) high: i64,
    pub(crate) commit: Option<(i64, String)>,
    /// The member whose commits are taken.
    pub(crate) owner: u64,
}

impl LoggedPartition {
    pub(crate) fn is_record(&self, offset: i64) -> bool {
        let timestamp = usize::try_from(offset)
            .ok()
            .and_then(|at| self.timestamps_ms.get(at));
        timestamp.is_some_and(Option::is_some)
    }

    fn record_from(&self, offset: i64) -> Option<(i64, i64)> {
        (offset..self.high).find_map(|offset| {
            let at = usize::try_from(offset).ok()?;
            Some((offset, (*self.timestamps_ms.get(at)?)?))
        })
    }
}

/// The topic, for all who use it.
#[derive(Clone)]
pub(crate) struct Topic(Arc<Mutex<State>>);

pub(crate) struct State {
    pub(crate) partitions: BTreeMap<i32, LoggedPartition>,
    pub(crate) id: String,
    /// The broker gives some questions no answer.
    pub(crate) is_flaky: bool,
    /// It gives no commit an answer.
    pub(crate) takes_no_commit: bool,
    random: StdRng,
}

impl State {
    fn answers(&mut self) -> KafkaResult<()> {
        if self.is_flaky && self.random.random_bool(0.2) {
            return Err(KafkaError::MetadataFetch(RDKafkaErrorCode::RequestTimedOut));
        }
        Ok(())
    }
}

impl Topic {
    pub(crate) fn new(seed: u64, partitions: impl IntoIterator<Item = LoggedPartition>) -> Self {
        Self(Arc::new(Mutex::new(State {
            partitions: (0..).zip(partitions).collect(),
            id: TOPIC_ID.to_owned(),
            is_flaky: false,
            takes_no_commit: false,
            random: StdRng::seed_from_u64(seed),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The broker as one member of the group asks it.
#[derive(Clone)]
pub(crate) struct MemberBroker {
    pub(crate) topic: Topic,
    pub(crate) member: u64,
}

impl Broker for MemberBroker {
    fn topic_id(&self, _: Duration) -> BoxFuture<'_, Option<String>> {
        let mut state = self.topic.state();
        let id = state.answers().is_ok().then(|| state.id.clone());
        ready(id).boxed()
    }

    fn committed(&self, partitions: Vec<i32>) -> BoxFuture<'_, KafkaResult<Vec<Committed>>> {
        let mut state = self.topic.state();
        let committed = state.answers().map(|()| {
            let committed = partitions.into_iter().map(|partition| {
                let commit = state.partitions[&partition].commit.clone();
                Committed {
                    partition,
                    offset: commit.as_ref().map(|(offset, _)| *offset),
                    metadata: commit.map(|(_, metadata)| metadata).unwrap_or_default(),
                }
            });
            committed.collect()
        });
        ready(committed).boxed()
    }

    fn log_range(&self, partition: i32) -> BoxFuture<'_, KafkaResult<LogRange>> {
        let mut state = self.topic.state();
        let range = state.answers().map(|()| {
            let LoggedPartition { low, high, .. } = state.partitions[&partition];
            LogRange { low, high }
        });
        ready(range).boxed()
    }

    fn commit(&self, notes: BTreeMap<i32, CommitNote>) -> BoxFuture<'_, KafkaResult<()>> {
        let mut state = self.topic.state();
        if state.takes_no_commit {
            return futures::future::pending().boxed();
        }
        let mut committed = state.answers();
        for (number, note) in notes {
            let Some(partition) = state.partitions.get_mut(&number) else {
                continue;
            };
            if committed.is_ok() && partition.owner == self.member {
                partition.commit = Some((note.end + 1, note.to_string()));
            } else {
                committed = Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::IllegalGeneration));
            }
        }
        ready(committed).boxed()
    }
}

/// The log as one member of the group reads it, paused, stopped and moved as librdkafka does it.
#[derive(Clone)]
pub(crate) struct MemberLog {
    topic: Topic,
    is_cooperative: bool,
    member: Arc<Mutex<Member>>,
}

struct Member {
    /// Waiting for records takes the time that it takes.
    clock: Option<StandingClock>,
    rebalances: VecDeque<Rebalance>,
    taken: BTreeMap<i32, Taken>,
    random: StdRng,
}

#[derive(Clone, Copy)]
struct Taken {
    next: i64,
    is_paused: bool,
    is_listened_to: bool,
    /// Its offset was not in the log: nothing comes, and no seek is taken.
    is_stopped: bool,
}

impl MemberLog {
    pub(crate) fn new(topic: Topic, is_cooperative: bool, seed: u64) -> Self {
        Self {
            topic,
            is_cooperative,
            member: Arc::new(Mutex::new(Member {
                clock: None,
                rebalances: VecDeque::new(),
                taken: BTreeMap::new(),
                random: StdRng::seed_from_u64(seed),
            })),
        }
    }

    fn member(&self) -> MutexGuard<'_, Member> {
        self.member.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, waiting for records takes time.
    pub(crate) fn let_time_pass(&self, clock: StandingClock) {
        self.member().clock = Some(clock);
    }

    /// The group gives these partitions, paused.
    pub(crate) fn assign(&self, partitions: &[i32]) {
        let mut member = self.member();
        for partition in partitions {
            member.taken.insert(*partition, Taken::paused(0));
        }
        member
            .rebalances
            .push_back(Rebalance::Assigned(partitions.to_vec()));
    }

    /// The group takes these partitions away.
    pub(crate) fn revoke(&self, partitions: &[i32]) {
        let mut member = self.member();
        for partition in partitions {
            member.taken.remove(partition);
        }
        member
            .rebalances
            .push_back(Rebalance::Revoked(partitions.to_vec()));
    }

    /// Whether a partition is read.
    pub(crate) fn is_read(&self, partition: i32) -> bool {
        let member = self.member();
        let taken = member.taken.get(&partition);
        taken.is_some_and(|taken| !taken.is_paused && taken.is_listened_to && !taken.is_stopped)
    }

    fn change(&self, partition: i32, change: impl FnOnce(&mut Taken)) -> KafkaResult<()> {
        match self.member().taken.get_mut(&partition) {
            Some(taken) => {
                change(taken);
                Ok(())
            }
            None => Err(KafkaError::Seek("not ours".to_owned())),
        }
    }
}

impl Taken {
    fn paused(next: i64) -> Self {
        Self {
            next,
            is_paused: true,
            is_listened_to: false,
            is_stopped: false,
        }
    }
}

impl Log for MemberLog {
    fn next_rebalance(&self) -> Option<Rebalance> {
        self.member().rebalances.pop_front()
    }

    fn next_event(&self) -> Option<Event> {
        None
    }

    fn read<E>(
        &self,
        count: usize,
        timeout: Duration,
        mut take: impl FnMut(Result<Record<'_>, KafkaError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut read = Vec::new();
        {
            let mut member = self.member();
            if let Some(clock) = &member.clock {
                clock.advance(timeout);
            }
            let state = self.topic.state();
            let count = member.random.random_range(0..=count.min(4));
            for (partition, taken) in &mut member.taken {
                if taken.is_paused || !taken.is_listened_to || taken.is_stopped {
                    continue;
                }
                let log = &state.partitions[partition];
                if taken.next < log.low || taken.next > log.high {
                    taken.is_stopped = true;
                    read.push(Err(KafkaError::MessageConsumption(
                        RDKafkaErrorCode::AutoOffsetReset,
                    )));
                    continue;
                }
                for _ in 0..count {
                    let Some((offset, timestamp_ms)) = log.record_from(taken.next) else {
                        break;
                    };
                    taken.next = offset + 1;
                    read.push(Ok((*partition, offset, timestamp_ms)));
                }
            }
        }
        for read in read {
            match read {
                Ok((partition, offset, timestamp_ms)) => {
                    let value = format!("{partition}/{offset}");
                    take(Ok(Record {
                        partition,
                        offset,
                        timestamp_ms: Some(timestamp_ms),
                        key: None,
                        value: Some(value.as_bytes()),
                    }))?;
                }
                Err(error) => take(Err(error))?,
            }
        }
        Ok(())
    }

    fn listen(&self, partition: i32) -> Result<(), kafka::Error> {
        self.change(partition, |taken| taken.is_listened_to = true)
            .map_err(|_| kafka::Error::RecordQueue)
    }

    fn seek(&self, partition: i32, offset: i64) -> KafkaResult<()> {
        let is_stopped = self
            .member()
            .taken
            .get(&partition)
            .is_none_or(|taken| taken.is_stopped);
        if is_stopped {
            return Err(KafkaError::Seek("erroneous state".to_owned()));
        }
        self.change(partition, |taken| taken.next = offset)
    }

    fn pause(&self, partition: i32) -> KafkaResult<()> {
        let dropped = self.member().random.random_range(0..3);
        let high = self.topic.state().partitions[&partition].high;
        self.change(partition, |taken| {
            taken.is_paused = true;
            // what was fetched is dropped
            taken.next = (taken.next + dropped).min(high.max(taken.next));
        })
    }

    fn resume(&self, partition: i32) -> KafkaResult<()> {
        self.change(partition, |taken| taken.is_paused = false)
    }

    fn is_cooperative(&self) -> bool {
        self.is_cooperative
    }

    fn take_again(&self, places: &[(i32, Option<i64>)]) -> KafkaResult<()> {
        let mut member = self.member();
        if !self.is_cooperative {
            // whoever is not named is given up
            member.taken.clear();
        }
        for (partition, offset) in places {
            let taken = Taken {
                is_paused: false,
                ..Taken::paused(offset.unwrap_or(0))
            };
            member.taken.insert(*partition, taken);
        }
        Ok(())
    }
}
