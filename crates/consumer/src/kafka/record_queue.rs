//! Records by the batch: librdkafka hands out thousands in one call, for half of what one call a record costs.
#![expect(
    unsafe_code,
    reason = "rust-rdkafka has no safe call for rd_kafka_consume_batch_queue, librdkafka has"
)]

use std::ffi::CString;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use pipeline_runtime::kafka::TopicName;
use rdkafka::bindings as ffi;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

use super::{Error, GroupConsumer};
use crate::encode::Record;

/// A queue of its own for records, beside the consumer's, on which rebalances and errors still come.
pub(crate) struct RecordQueue {
    queue: NonNull<ffi::rd_kafka_queue_t>,
    topic: CString,
    /// Lives longer than the queue.
    consumer: Arc<GroupConsumer>,
}

// SAFETY: librdkafka's queues may be used by any thread.
unsafe impl Send for RecordQueue {}
// SAFETY: as above, and by several at a time.
unsafe impl Sync for RecordQueue {}

impl RecordQueue {
    /// An empty queue.
    ///
    /// # Errors
    ///
    /// [`Error::RecordQueue`] if librdkafka cannot make one.
    pub(crate) fn new(consumer: Arc<GroupConsumer>, topic: &TopicName) -> Result<Self, Error> {
        // SAFETY: the client lives, as `consumer` holds it.
        let queue = unsafe { ffi::rd_kafka_queue_new(consumer.client().native_ptr()) };
        let topic = CString::new(topic.as_str()).ok();
        match (NonNull::new(queue), topic) {
            (Some(queue), Some(topic)) => Ok(Self {
                queue,
                topic,
                consumer,
            }),
            _ => Err(Error::RecordQueue),
        }
    }

    /// Has a partition's records come here. An assignment undoes it.
    ///
    /// # Errors
    ///
    /// [`Error::RecordQueue`] if librdkafka does not know the partition.
    pub(crate) fn add_partition(&self, partition: i32) -> Result<(), Error> {
        // SAFETY: client and topic name live; the partition's queue is checked for null and given back once.
        unsafe {
            let source = ffi::rd_kafka_queue_get_partition(
                self.consumer.client().native_ptr(),
                self.topic.as_ptr(),
                partition,
            );
            let source = NonNull::new(source).ok_or(Error::RecordQueue)?;
            ffi::rd_kafka_queue_forward(source.as_ptr(), self.queue.as_ptr());
            ffi::rd_kafka_queue_destroy(source.as_ptr());
        }
        Ok(())
    }

    /// Up to `count` records, and as many as come within `timeout`.
    pub(crate) fn take(&self, count: usize, timeout: Duration) -> Batch<'_> {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let mut messages: Vec<*mut ffi::rd_kafka_message_t> = vec![ptr::null_mut(); count];
        // SAFETY: the queue lives, and the array has room for `count` pointers.
        let taken = unsafe {
            ffi::rd_kafka_consume_batch_queue(self.queue.as_ptr(), timeout_ms, messages.as_mut_ptr(), count)
        };
        messages.truncate(usize::try_from(taken).unwrap_or(0));
        Batch {
            messages: messages.into_iter(),
            queue: PhantomData,
        }
    }
}

impl Drop for RecordQueue {
    fn drop(&mut self) {
        // SAFETY: made by `rd_kafka_queue_new`, destroyed once.
        unsafe { ffi::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

/// Records in the order of the queue: of each partition in the order of its log. Those that are not looked at
/// are given back.
pub(crate) struct Batch<'q> {
    messages: std::vec::IntoIter<*mut ffi::rd_kafka_message_t>,
    queue: PhantomData<&'q RecordQueue>,
}

impl<'q> Iterator for Batch<'q> {
    type Item = Consumed<'q>;

    fn next(&mut self) -> Option<Consumed<'q>> {
        let message = NonNull::new(self.messages.next()?)?;
        Some(Consumed {
            message,
            queue: PhantomData,
        })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

/// One record, or an error of its partition.
pub(crate) struct Consumed<'q> {
    message: NonNull<ffi::rd_kafka_message_t>,
    queue: PhantomData<&'q RecordQueue>,
}

impl Consumed<'_> {
    fn message(&self) -> &ffi::rd_kafka_message_t {
        // SAFETY: librdkafka gave it, and only `drop` gives it back.
        unsafe { self.message.as_ref() }
    }

    /// The error, if it is none of the log's records.
    pub(crate) fn error(&self) -> Option<KafkaError> {
        let message = self.message();
        match message.err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => None,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                Some(KafkaError::PartitionEOF(message.partition))
            }
            code => Some(KafkaError::MessageConsumption(RDKafkaErrorCode::from(code))),
        }
    }

    pub(super) fn partition(&self) -> i32 {
        self.message().partition
    }

    /// The record's, or of what an error is about.
    pub(super) fn offset(&self) -> i64 {
        self.message().offset
    }

    pub(crate) fn record(&self) -> Record<'_> {
        let message = self.message();
        Record {
            partition: message.partition,
            offset: message.offset,
            timestamp_ms: self.timestamp_ms(),
            // SAFETY: pointer and length are the message's own, which lives as long as `self`.
            key: unsafe { bytes(message.key.cast(), message.key_len) },
            // SAFETY: as for the key.
            value: unsafe { bytes(message.payload.cast(), message.len) },
        }
    }

    /// Kafka's timestamp in ms, where it has one.
    fn timestamp_ms(&self) -> Option<i64> {
        let mut kind = ffi::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message lives; the kind is written before it returns.
        let timestamp_ms = unsafe { ffi::rd_kafka_message_timestamp(self.message.as_ptr(), &raw mut kind) };
        let is_there = kind != ffi::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        (is_there && timestamp_ms != -1).then_some(timestamp_ms)
    }
}

impl Drop for Consumed<'_> {
    fn drop(&mut self) {
        // SAFETY: librdkafka gave it, and it is given back once.
        unsafe { ffi::rd_kafka_message_destroy(self.message.as_ptr()) }
    }
}

/// # Safety
///
/// `start` is null or points at `len` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller says.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, len) })
}
