//! `consumer --dry-run`: the same loop, from a log that ends where it ends now, to a bucket that is only told of. It
//! writes nothing, joins no group and commits nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use pipeline_runtime::s3::BucketName;
use rdkafka::error::{KafkaError, KafkaResult};
use serde::Serialize;
use slot_protocol::{ClosedBy, CommitNote, LogRange};
use tokio_util::sync::CancellationToken;

use crate::encode::Record;
use crate::kafka::{self, Broker, Committed, Event, GroupBroker, GroupLog, Log, Rebalance};
use crate::store::{self, Bucket, Creation, Objects, metadata};

/// The topic up to where it ended at the start.
pub(crate) struct LogUpToNow {
    log: GroupLog,
    /// Where each partition ended.
    ends: BTreeMap<i32, i64>,
    /// Not handed over yet.
    assigned: Mutex<Option<Rebalance>>,
    /// Partitions of which there is no more to read.
    done: Mutex<BTreeSet<i32>>,
    all_done: CancellationToken,
}

impl LogUpToNow {
    /// Takes all partitions, and cancels `all_done` when they are read. The client must tell the ends of partitions.
    ///
    /// # Errors
    ///
    /// If librdkafka does not take them.
    pub(crate) fn new(
        log: GroupLog,
        ends: BTreeMap<i32, i64>,
        all_done: CancellationToken,
    ) -> KafkaResult<Self> {
        let numbers: Vec<i32> = ends.keys().copied().collect();
        log.take_all_paused(&numbers)?;
        Ok(Self {
            log,
            ends,
            assigned: Mutex::new(Some(Rebalance::Assigned(numbers))),
            done: Mutex::default(),
            all_done,
        })
    }

    fn set_done(&self, partition: i32, is_done: bool) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if is_done {
            done.insert(partition);
        } else {
            done.remove(&partition);
        }
        if done.len() == self.ends.len() {
            self.all_done.cancel();
        }
    }
}

impl Log for LogUpToNow {
    fn next_rebalance(&self) -> Option<Rebalance> {
        self.assigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn next_event(&self) -> Option<Event> {
        self.log.next_event()
    }

    fn read<E>(
        &self,
        count: usize,
        timeout: Duration,
        mut take: impl FnMut(Result<Record<'_>, KafkaError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut ended = BTreeSet::new();
        self.log.read(count, timeout, |consumed| match consumed {
            Ok(record)
                if self
                    .ends
                    .get(&record.partition)
                    .is_none_or(|end| record.offset >= *end) =>
            {
                ended.insert(record.partition);
                Ok(())
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                ended.insert(partition);
                Ok(())
            }
            other => take(other),
        })?;
        for partition in ended {
            self.set_done(partition, true);
        }
        Ok(())
    }

    fn listen(&self, partition: i32) -> Result<(), kafka::Error> {
        self.log.listen(partition)
    }

    fn seek(&self, partition: i32, offset: i64) -> KafkaResult<()> {
        self.set_done(partition, false);
        self.log.seek(partition, offset)
    }

    fn pause(&self, partition: i32) -> KafkaResult<()> {
        self.set_done(partition, false);
        self.log.pause(partition)
    }

    fn resume(&self, partition: i32) -> KafkaResult<()> {
        self.log.resume(partition)
    }

    fn is_cooperative(&self) -> bool {
        self.log.is_cooperative()
    }

    fn take_again(&self, places: &[(i32, Option<i64>)]) -> KafkaResult<()> {
        self.log.take_again(places)
    }
}

/// The broker, which is told nothing.
pub(crate) struct ReadOnlyBroker(pub(crate) GroupBroker);

impl Broker for ReadOnlyBroker {
    fn topic_id(&self, timeout: Duration) -> BoxFuture<'_, Option<String>> {
        self.0.topic_id(timeout)
    }

    fn committed(&self, partitions: Vec<i32>) -> BoxFuture<'_, KafkaResult<Vec<Committed>>> {
        self.0.committed(partitions)
    }

    fn log_range(&self, partition: i32) -> BoxFuture<'_, KafkaResult<LogRange>> {
        self.0.log_range(partition)
    }

    fn commit(&self, _: BTreeMap<i32, CommitNote>) -> BoxFuture<'_, KafkaResult<()>> {
        ready(Ok(())).boxed()
    }
}

/// One object that would be written.
#[derive(Debug, Serialize)]
struct Planned<'a> {
    key: &'a str,
    start: i64,
    end: i64,
    records: u64,
    not_ticks: u64,
    bytes: u64,
    /// What would close it. The last of a partition is still open: its age will, or more records.
    closed_by: &'a str,
}

/// The bucket, with a line of JSON on `out` instead of each object.
pub(crate) struct PlannedObjects<W> {
    objects: Objects,
    out: Mutex<Out<W>>,
}

struct Out<W> {
    writer: W,
    failed: Option<std::io::Error>,
    /// Nobody reads it any more.
    stop: CancellationToken,
}

impl<W: Write + Send> PlannedObjects<W> {
    /// Cancels `stop` if `out` cannot be written.
    pub(crate) fn new(objects: Objects, out: W, stop: CancellationToken) -> Self {
        let out = Out {
            writer: out,
            failed: None,
            stop,
        };
        Self {
            objects,
            out: Mutex::new(out),
        }
    }

    /// Whether all could be printed.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn printed(&self) -> std::io::Result<()> {
        let failed = self
            .out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failed
            .take();
        failed.map_or(Ok(()), Err)
    }
}

impl<W: Write + Send> Bucket for PlannedObjects<W> {
    fn name(&self) -> &BucketName {
        self.objects.bucket()
    }

    fn create<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        metadata: HashMap<String, String>,
    ) -> BoxFuture<'a, Result<Creation, store::Error>> {
        let number = |name: &str| metadata.get(name).and_then(|text| text.parse().ok());
        let count = |name: &str| number(name).and_then(|count| u64::try_from(count).ok());
        let closed_by = metadata.get(metadata::CLOSED_BY).map_or("", String::as_str);
        let planned = Planned {
            key,
            start: number(metadata::SLOT_START).unwrap_or_default(),
            end: number(metadata::SLOT_END).unwrap_or_default(),
            records: count(metadata::RECORD_COUNT).unwrap_or_default(),
            not_ticks: count(metadata::NOT_TICK_COUNT).unwrap_or_default(),
            bytes: body.len() as u64,
            closed_by: if closed_by == ClosedBy::Shutdown.as_str() {
                "open"
            } else {
                closed_by
            },
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = serde_json::to_string(&planned)
            .map_err(std::io::Error::from)
            .and_then(|line| writeln!(out.writer, "{line}"));
        if let Err(error) = printed {
            out.failed.get_or_insert(error);
            out.stop.cancel();
        }
        ready(Ok(Creation::Created)).boxed()
    }

    fn head<'a>(
        &'a self,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<HashMap<String, String>>, store::Error>> {
        Bucket::head(&self.objects, key)
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        each: &'a mut (dyn FnMut(&str) + Send),
    ) -> BoxFuture<'a, Result<(), store::Error>> {
        Bucket::list(&self.objects, folder, each)
    }
}
