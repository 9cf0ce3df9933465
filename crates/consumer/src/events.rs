//! What happens, as a log line and as a metric at once, so that the two cannot drift apart.

use std::time::Duration;

use metrics::{counter, gauge};
use pipeline_runtime::kafka::TopicName;
use tracing::{debug, error, info, warn};

use crate::encode::{ClosedRun, Record};
use slot_protocol::ClosedBy;

/// A slot of ours is in the bucket.
pub(crate) fn slot_written(key: &str, end: i64, run: &ClosedRun, closed_by: ClosedBy) {
    let size = run.size();
    let closed_by = closed_by.as_str();
    counter!("quote_consumer_objects_written_total", "closed_by" => closed_by).increment(1);
    counter!("quote_consumer_records_stored_total").increment(size.records);
    counter!("quote_consumer_bytes_stored_total").increment(run.encoded_len());
    info!(
        key,
        end,
        records = size.records,
        bytes = run.encoded_len(),
        raw_bytes = size.raw_bytes,
        closed_by,
        "slot written"
    );
}

/// Another writer's slot stands where ours was to be.
pub(crate) fn slot_adopted(key: &str, end: i64) {
    counter!("quote_consumer_objects_adopted_total").increment(1);
    info!(key, end, "another writer was first, its slot is taken over");
}

/// Nobody knows whether a PUT was done.
pub(crate) fn put_unknown(key: &str, error: &str) {
    counter!("quote_consumer_requests_repeated_total", "request" => "put").increment(1);
    warn!(key, error, "the slot may or may not be written, asking again");
}

/// A HEAD brought nothing.
pub(crate) fn head_unknown(key: &str, error: &str) {
    counter!("quote_consumer_requests_repeated_total", "request" => "head").increment(1);
    warn!(key, error, "cannot see who wrote the slot, asking again");
}

/// A record is no tick. A topic full of them must not fill the log as well.
pub(crate) fn not_a_tick(record: &Record<'_>, reason: &str, so_far: u64) {
    let Record {
        partition, offset, ..
    } = *record;
    counter!("quote_consumer_records_not_ticks_total").increment(1);
    if so_far.is_power_of_two() {
        warn!(partition, offset, reason, so_far, "not a tick, kept as it is");
    } else {
        debug!(partition, offset, reason, so_far, "not a tick, kept as it is");
    }
}

/// Retention was faster than we.
pub(crate) fn offsets_lost(partition: i32, low: i64, lost: i64) {
    counter!("quote_consumer_offsets_lost_total").increment(lost.unsigned_abs());
    warn!(
        partition,
        lost, low, "the broker deleted records before they were read, lengthen the topic's retention"
    );
}

/// A batch cannot be read, and its partition stops before it.
pub(crate) fn batch_unreadable(topic: &TopicName, partition: i32, offset: i64) {
    counter!("quote_consumer_batches_unreadable_total").increment(1);
    error!(
        %topic, partition, offset,
        "the batch that begins at this offset cannot be read: it was damaged on the broker's disk; make a whole replica \
         the leader, or mend it from a copy; the partition is tried again every 30 s, the others go on"
    );
}

/// How many partitions stand before a batch that cannot be read.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and near enough")]
pub(crate) fn partitions_stopped(count: usize) {
    gauge!("quote_consumer_partitions_stopped").set(count as f64);
}

/// No partition is ours, for a while already.
pub(crate) fn nothing_assigned(group: &str, topic: &TopicName) {
    warn!(
        group, %topic,
        "no partition is assigned to this member: the group has as many members as the topic has partitions, or waits for \
         one that died; with `-X group.protocol=consumer`, brokers before Kafka 4.0 give none"
    );
}

/// Reading stops until the bucket has taken what is held.
pub(crate) fn memory_full(held_bytes: u64) {
    counter!("quote_consumer_memory_full_total").increment(1);
    info!(held_bytes, "over the memory budget, reading waits for the bucket");
}

/// Reading goes on.
pub(crate) fn memory_free(held_bytes: u64) {
    info!(held_bytes, "below the memory budget, reading goes on");
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// Partitions that are ours.
    pub(crate) partitions: usize,
    /// Runs that take records.
    pub(crate) runs_open: usize,
    /// Bytes of memory that all runs take.
    pub(crate) held_bytes: u64,
    /// Since the oldest record was read that is not in the bucket, whether its run is open, waits or is under way.
    pub(crate) oldest_run_age: Duration,
    /// Records read since the last look.
    pub(crate) records_read: u64,
}

/// Tells how things stand. Metrics only: it is no event.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and near enough")]
pub(crate) fn state(state: State) {
    gauge!("quote_consumer_partitions").set(state.partitions as f64);
    gauge!("quote_consumer_runs_open").set(state.runs_open as f64);
    gauge!("quote_consumer_memory_held_bytes").set(state.held_bytes as f64);
    gauge!("quote_consumer_oldest_run_age_seconds").set(state.oldest_run_age.as_secs_f64());
    counter!("quote_consumer_records_read_total").increment(state.records_read);
}
