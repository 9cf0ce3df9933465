//! librdkafka's cheapest way to give records: many by one call.
#![expect(
    unsafe_code,
    reason = "rust-rdkafka has no safe call for a batch of records, librdkafka has"
)]

use std::marker::PhantomData;
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as ffi;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;

const RECORDS_MAX: usize = 5000;

/// What a call brought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Batch {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// The queue that a client's records come by.
pub(super) struct BatchQueue<'a> {
    queue: *mut ffi::rd_kafka_queue_t,
    slots: Vec<*mut ffi::rd_kafka_message_t>,
    client: PhantomData<&'a BaseConsumer>,
}

impl<'a> BatchQueue<'a> {
    pub(super) fn of(consumer: &'a BaseConsumer) -> Self {
        // SAFETY: the handle is of a live consumer, which has a queue and is borrowed for as long as this value is
        // there.
        let queue = unsafe { ffi::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        Self {
            queue,
            slots: vec![ptr::null_mut(); RECORDS_MAX],
            client: PhantomData,
        }
    }

    /// Takes what is there, and waits up to `timeout` for it to be a full batch. The records are counted and let go.
    pub(super) fn read(&mut self, timeout: Duration) -> Result<Batch, KafkaError> {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is ours until `drop`, and there is room for as many pointers as are said.
        let count = unsafe {
            ffi::rd_kafka_consume_batch_queue(
                self.queue,
                timeout_ms,
                self.slots.as_mut_ptr(),
                self.slots.len(),
            )
        };
        let Ok(count) = usize::try_from(count) else {
            // SAFETY: reads a value of this thread.
            let code = unsafe { ffi::rd_kafka_last_error() };
            return Err(KafkaError::MessageConsumption(code.into()));
        };
        let mut batch = Ok(Batch::default());
        for slot in &self.slots[..count] {
            // SAFETY: librdkafka has filled the first `count` slots with messages that are ours to read and to
            // destroy, once each.
            let (code, bytes) = unsafe {
                let message = **slot;
                ffi::rd_kafka_message_destroy(*slot);
                (message.err, message.len)
            };
            if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                if let Ok(batch) = &mut batch {
                    batch.records += 1;
                    batch.bytes += bytes as u64;
                }
            } else {
                batch = Err(KafkaError::MessageConsumption(code.into()));
            }
        }
        batch
    }
}

impl Drop for BatchQueue<'_> {
    fn drop(&mut self) {
        // SAFETY: the queue is ours, is not used after this, and its client is still borrowed.
        unsafe { ffi::rd_kafka_queue_destroy(self.queue) }
    }
}
