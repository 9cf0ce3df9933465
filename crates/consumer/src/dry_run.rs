//! `consumer --dry-run`: reads what the log holds beyond the bucket's chains and prints the objects that it would be.
//! It writes nothing, joins no group and commits nothing.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::args::Config;
use crate::encode::{Encoders, Record};
use crate::kafka::{GroupConsumer, RecordQueue};
use crate::partition::Partition;
use slot_protocol::Resume;
use slot_protocol::{ClosedBy, Effect, Hour, Offer, PutReply, SlotKeys};

const WATERMARKS_TIMEOUT: Duration = Duration::from_secs(10);
const RECORDS_TIMEOUT: Duration = Duration::from_millis(100);
const RECORDS_A_BATCH: usize = 2000;

/// One object that would be written.
#[derive(Debug, PartialEq, Eq, Serialize)]
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

/// What it needs.
pub(crate) struct DryRun {
    pub(crate) config: Config,
    pub(crate) consumer: Arc<GroupConsumer>,
    pub(crate) records: RecordQueue,
    pub(crate) encoders: Encoders,
    pub(crate) keys: SlotKeys,
}

impl DryRun {
    /// Reads each partition from where it goes on to where its log ends now, and prints a line of JSON an object.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// What Kafka refuses, and what an encoder cannot do.
    pub(crate) fn run(
        &self,
        resumes: Vec<(i32, Resume)>,
        stop: &CancellationToken,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        for (number, resume) in resumes {
            let high = self.high(number)?;
            if resume.read_from < high && !stop.is_cancelled() {
                self.partition(number, resume, high, stop, out)?;
            }
        }
        Ok(())
    }

    fn high(&self, partition: i32) -> Result<i64, Error> {
        let topic = &self.config.kafka.topic;
        let range = self
            .consumer
            .fetch_watermarks(topic.as_str(), partition, WATERMARKS_TIMEOUT);
        let (_, high) = range.map_err(|source| Error::Watermarks {
            topic: topic.clone(),
            partition,
            source,
        })?;
        Ok(high)
    }

    fn partition(
        &self,
        number: i32,
        resume: Resume,
        high: i64,
        stop: &CancellationToken,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        self.read_from(number, resume.read_from)?;
        let mut partition = Partition::new(resume, 0);
        partition.chain.sought();
        let mut next = resume.read_from;
        // control records of transactions are no records, so the log's end is known by the position alone
        while next < high && !stop.is_cancelled() {
            let _events = self.consumer.poll(Duration::ZERO);
            for consumed in self.records.take(RECORDS_A_BATCH, RECORDS_TIMEOUT) {
                if let Some(source) = consumed.error() {
                    return Err(Error::KafkaFatal { source });
                }
                if consumed.offset() >= high {
                    break;
                }
                let record = Record {
                    partition: number,
                    offset: consumed.offset(),
                    timestamp_ms: consumed.timestamp_ms(),
                    key: consumed.key(),
                    value: consumed.value(),
                };
                self.take(&mut partition, &record, out)?;
            }
            next = self.position(number).unwrap_or(next);
        }
        self.close(&mut partition, number, None, out)
    }

    fn read_from(&self, partition: i32, offset: i64) -> Result<(), Error> {
        let topic = &self.config.kafka.topic;
        let mut assignment = TopicPartitionList::new();
        let assigned = assignment
            .add_partition_offset(topic.as_str(), partition, Offset::Offset(offset))
            .and_then(|()| self.consumer.assign(&assignment));
        assigned.map_err(|source| Error::Subscribe {
            topic: topic.clone(),
            source,
        })?;
        self.records.add_partition(partition)
    }

    fn position(&self, partition: i32) -> Option<i64> {
        let topic = self.config.kafka.topic.as_str();
        let positions = self.consumer.position().ok()?;
        positions.find_partition(topic, partition)?.offset().to_raw()
    }

    fn take(
        &self,
        partition: &mut Partition,
        record: &Record<'_>,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        let hour = Hour::of_timestamp_ms(record.timestamp_ms.unwrap_or(0));
        let closed_by = match partition.offer(record.offset, hour) {
            Offer::Skip => return Ok(()),
            Offer::Doubt => {
                // the assignment itself began at the offset wanted
                partition.chain.doubt(record.offset);
                partition.chain.sought();
                return self.take(partition, record, out);
            }
            Offer::CloseFirst => Some(ClosedBy::Hour),
            Offer::Take => partition.full(&self.config.flush),
        };
        if closed_by.is_some() {
            self.close(partition, record.partition, closed_by, out)?;
        }
        let content = record.content(self.encoders.encoding());
        let taken = partition.take(record, &content, hour, &self.encoders, Instant::now());
        taken.map_err(|source| self.encode_error(record.partition, record.offset, source))
    }

    fn encode_error(&self, partition: i32, offset: i64, source: std::io::Error) -> Error {
        Error::Encode {
            topic: self.config.kafka.topic.clone(),
            partition,
            offset,
            source,
        }
    }

    /// Ends the open run, if there is one, as if the bucket had taken it.
    fn close(
        &self,
        partition: &mut Partition,
        number: i32,
        closed_by: Option<ClosedBy>,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        let effect = partition
            .close(closed_by.unwrap_or(ClosedBy::Age))
            .map_err(|source| self.encode_error(number, partition.chain.expected().unwrap_or(0), source))?;
        if let Some(Effect::Put { slot, run }) = effect {
            let run = run.run;
            let encoded = futures::executor::block_on(run.encoded());
            let encoded = encoded.map_err(|failed| Error::NotEncoded {
                topic: self.config.kafka.topic.clone(),
                partition: number,
                source: failed.into(),
            })?;
            let planned = Planned {
                key: &self.keys.slot(number, slot.start, slot.hour),
                start: slot.start,
                end: slot.end,
                records: run.size().records,
                not_ticks: run.size().not_ticks,
                bytes: encoded.body.len() as u64,
                closed_by: closed_by.map_or("open", ClosedBy::as_str),
            };
            serde_json::to_writer(&mut *out, &planned)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(|source| Error::Stdout { source })?;
        }
        partition.chain.put_replied(&PutReply::Created);
        Ok(())
    }
}
