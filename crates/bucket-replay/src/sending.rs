use bucket_reader::Record;
use quote_model::{SCHEMA_HEADER, SCHEMA_HEADER_VALUE};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use super::ledger::Origin;

/// What stands for no timestamp in Kafka.
const NO_TIMESTAMP: i64 = -1;

/// A record on its way, as it must be sent again if it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) origin: Origin,
    /// Where it goes, unless its key says.
    pub(super) partition: Option<i32>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) is_tick: bool,
}

/// What librdkafka keeps of a record beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    pub(super) origin: Origin,
    /// Its place among all that were sent.
    pub(super) nth: u64,
    partition: Option<i32>,
    timestamp_ms: Option<i64>,
    is_tick: bool,
}

impl Tag {
    pub(super) fn of(record: &Record<'_>, origin: Origin, is_partition_kept: bool, nth: u64) -> Self {
        Self {
            origin,
            nth,
            partition: i32::try_from(record.partition).ok().filter(|_| is_partition_kept),
            timestamp_ms: record.timestamp_ms,
            is_tick: record.is_tick,
        }
    }

    /// The record with these bytes.
    pub(super) fn with(self, key: Option<&[u8]>, value: Option<&[u8]>) -> Sending {
        Sending {
            origin: self.origin,
            partition: self.partition,
            timestamp_ms: self.timestamp_ms,
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            is_tick: self.is_tick,
        }
    }

    pub(super) fn record<'r>(
        self,
        topic: &'r str,
        key: Option<&'r [u8]>,
        value: Option<&'r [u8]>,
    ) -> BaseRecord<'r, [u8], [u8], Box<Self>> {
        // librdkafka takes 0 for "now"; without a timestamp the record is of the same hour of 1970
        let timestamp_ms = self.timestamp_ms.filter(|it| *it != 0).unwrap_or(NO_TIMESTAMP);
        let mut record = BaseRecord::with_opaque_to(topic, Box::new(self)).timestamp(timestamp_ms);
        record.key = key;
        record.payload = value;
        record.partition = self.partition;
        if self.is_tick {
            let schema = Header {
                key: SCHEMA_HEADER,
                value: Some(SCHEMA_HEADER_VALUE),
            };
            record = record.headers(OwnedHeaders::new_with_capacity(1).insert(schema));
        }
        record
    }
}

impl Sending {
    /// What librdkafka keeps of it the next time.
    pub(super) fn tag(&self, nth: u64) -> Tag {
        Tag {
            origin: self.origin,
            nth,
            partition: self.partition,
            timestamp_ms: self.timestamp_ms,
            is_tick: self.is_tick,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(timestamp_ms: Option<i64>, is_tick: bool) -> Record<'static> {
        Record {
            partition: 3,
            offset: Some(7),
            moment: jiff::Timestamp::UNIX_EPOCH,
            timestamp_ms,
            key: Some(b"k"),
            value: None,
            is_tick,
        }
    }

    const ORIGIN: Origin = Origin {
        partition: 3,
        offset: 7,
    };

    #[test]
    fn a_record_goes_where_and_when_it_was() {
        for (timestamp_ms, expected) in [(Some(5), 5), (Some(0), -1), (None, -1)] {
            let tag = Tag::of(&record(timestamp_ms, false), ORIGIN, true, 0);
            let sent = tag.record("t", Some(b"k"), None);
            assert_eq!((sent.timestamp, sent.partition), (Some(expected), Some(3)));
            assert!(sent.headers.is_none());
        }
        let sent = Tag::of(&record(Some(5), true), ORIGIN, false, 0).record("t", Some(b"k"), None);
        assert!(sent.partition.is_none() && sent.headers.is_some());
    }

    #[test]
    fn what_comes_back_is_sent_again_as_it_was() {
        let tag = Tag::of(&record(Some(5), true), ORIGIN, true, 4);
        let again = tag.with(Some(b"k"), None);
        let sent = again
            .tag(9)
            .record("t", again.key.as_deref(), again.value.as_deref());
        assert_eq!((sent.timestamp, sent.partition), (Some(5), Some(3)));
        assert_eq!((sent.key, sent.payload), (Some(&b"k"[..]), None));
        assert_eq!((again.origin, again.is_tick), (ORIGIN, true));
    }
}
