use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline_runtime::kafka::TopicName;
use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Message, Offset, TopicPartitionList};

use super::group::{GroupConsumer, NOWHERE_YET, take_paused};
use super::{Error, Event, Log, Rebalance, RecordQueue};
use crate::encode::Record;

/// For librdkafka's own threads, no broker is asked.
const SEEK_TIMEOUT: Duration = Duration::from_secs(1);

/// The topic as a member of the group reads it.
pub(crate) struct GroupLog {
    consumer: Arc<GroupConsumer>,
    topic: TopicName,
    /// Met once a round, by the reading thread alone.
    rebalances: Mutex<Receiver<Rebalance>>,
    records: RecordQueue,
    /// Partitions that stand before a batch that cannot be read. Met by the reading thread alone.
    unreadable: Mutex<Unreadable>,
}

/// librdkafka tells of such a batch and goes on behind it, where nothing may be taken.
#[derive(Default)]
struct Unreadable {
    stopped: BTreeSet<i32>,
    /// Not told yet.
    events: VecDeque<Event>,
}

impl GroupLog {
    /// # Errors
    ///
    /// If librdkafka gives no queue for the records.
    pub(crate) fn new(
        consumer: Arc<GroupConsumer>,
        topic: TopicName,
        rebalances: Receiver<Rebalance>,
    ) -> Result<Self, Error> {
        Ok(Self {
            records: RecordQueue::new(Arc::clone(&consumer), &topic)?,
            consumer,
            topic,
            rebalances: Mutex::new(rebalances),
            unreadable: Mutex::default(),
        })
    }

    /// Takes partitions by hand, without the group, paused.
    ///
    /// # Errors
    ///
    /// If librdkafka does not take them.
    pub(crate) fn take_all_paused(&self, partitions: &[i32]) -> KafkaResult<()> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(self.topic.as_str(), *partition);
        }
        take_paused(&self.consumer, &mut list, false)
    }

    fn unreadable(&self) -> MutexGuard<'_, Unreadable> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn one(&self, partition: i32) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(self.topic.as_str(), partition);
        list
    }
}

impl Log for GroupLog {
    fn next_rebalance(&self) -> Option<Rebalance> {
        let rebalances = self.rebalances.lock().unwrap_or_else(PoisonError::into_inner);
        rebalances.try_recv().ok()
    }

    fn next_event(&self) -> Option<Event> {
        if let Some(event) = self.unreadable().events.pop_front() {
            return Some(event);
        }
        Some(match self.consumer.poll(Duration::ZERO)? {
            Ok(early) => Event::TooEarly {
                partition: early.partition(),
            },
            Err(error) => Event::Failed(error),
        })
    }

    fn read<E>(
        &self,
        count: usize,
        timeout: Duration,
        mut take: impl FnMut(Result<Record<'_>, KafkaError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let batch = self.records.take(count, timeout);
        let mut unreadable = self.unreadable();
        for consumed in batch {
            let partition = consumed.partition();
            // nearly always empty
            if unreadable.stopped.contains(&partition) {
                continue;
            }
            match consumed.error() {
                None => take(Ok(consumed.record()))?,
                Some(error) if is_unreadable(&error) => {
                    unreadable.stopped.insert(partition);
                    let offset = consumed.offset();
                    unreadable
                        .events
                        .push_back(Event::Unreadable { partition, offset });
                }
                Some(error) => take(Err(error))?,
            }
        }
        Ok(())
    }

    fn listen(&self, partition: i32) -> Result<(), Error> {
        self.records.add_partition(partition)
    }

    fn seek(&self, partition: i32, offset: i64) -> KafkaResult<()> {
        let topic = self.topic.as_str();
        self.consumer
            .seek(topic, partition, Offset::Offset(offset), SEEK_TIMEOUT)?;
        self.unreadable().stopped.remove(&partition);
        Ok(())
    }

    fn pause(&self, partition: i32) -> KafkaResult<()> {
        self.consumer.pause(&self.one(partition))
    }

    fn resume(&self, partition: i32) -> KafkaResult<()> {
        self.consumer.resume(&self.one(partition))
    }

    fn is_cooperative(&self) -> bool {
        matches!(self.consumer.rebalance_protocol(), RebalanceProtocol::Cooperative)
    }

    fn take_again(&self, places: &[(i32, Option<i64>)]) -> KafkaResult<()> {
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (partition, offset) in places {
            self.unreadable().stopped.remove(partition);
            let place = offset.map_or(NOWHERE_YET, Offset::Offset);
            list.add_partition_offset(self.topic.as_str(), *partition, place)?;
        }
        if self.is_cooperative() {
            self.consumer.incremental_unassign(&list)?;
            self.consumer.incremental_assign(&list)
        } else {
            self.consumer.assign(&list)
        }
    }
}

fn is_unreadable(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::BadMessage | RDKafkaErrorCode::BadCompression)
    )
}
