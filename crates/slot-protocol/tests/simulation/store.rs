//! The bucket, and PUTs on their way to it.

use slot_protocol::{Found, HeadReply, Hour, PutReply, Slot};
use store_conformance::MemoryStore;

/// What makes a slot's key: partition, start, hour.
pub(super) type Key = (i32, i64, Hour);

/// What an object holds: what its metadata says, and which offsets its lines are.
pub(super) struct Object {
    pub(super) found: Found,
    pub(super) lines: Vec<i64>,
}

/// A PUT that the store has not come to yet. It may do so after its sender's death.
pub(super) struct LatePut {
    pub(super) partition: i32,
    pub(super) slot: Slot,
    pub(super) lines: Vec<i64>,
}

/// The bucket, and what is on its way there.
pub(super) struct Bucket {
    objects: MemoryStore<Key, Object>,
    pub(super) late: Vec<LatePut>,
    is_overwriting: bool,
}

impl Bucket {
    pub(super) fn new(is_overwriting: bool) -> Self {
        Self {
            objects: MemoryStore::default(),
            late: Vec::new(),
            is_overwriting,
        }
    }

    pub(super) fn arrive(&mut self, put: LatePut) -> PutReply {
        let key = (put.partition, put.slot.start, put.slot.hour);
        let found = Found {
            start: put.slot.start,
            end: put.slot.end,
            first_offset: put.slot.first_offset,
            first_crc32c: put.slot.first_crc32c,
            run_id: put.slot.run_id,
            topic_id: None,
        };
        if self.is_overwriting {
            self.objects.remove(&key);
        }
        let lines = put.lines;
        if self.objects.create(key, Object { found, lines }) {
            PutReply::Created
        } else {
            PutReply::Exists
        }
    }

    pub(super) fn head(&self, partition: i32, slot: &Slot) -> HeadReply {
        self.objects
            .head(&(partition, slot.start, slot.hour))
            .map_or(HeadReply::Gone, |object| HeadReply::Found(object.found.clone()))
    }

    /// A partition's objects, by start.
    pub(super) fn chain(&self, partition: i32) -> impl Iterator<Item = (i64, &Object)> {
        self.objects
            .list()
            .filter(move |((of, ..), _)| *of == partition)
            .map(|((_, start, _), object)| (*start, object))
    }

    /// The end of a partition's chain as a LIST shows it.
    pub(super) fn tip(&self, partition: i32) -> i64 {
        self.chain(partition)
            .last()
            .map_or(0, |(_, object)| object.found.end + 1)
    }
}
