//! A store in memory that creates atomically, and PUTs on their way to it.

use std::collections::BTreeMap;

use super::super::{Found, HeadReply, Hour, PutReply, Slot};

/// Objects by key, in the order in which a LIST gives them.
pub(super) struct AtomicStore<K, V>(BTreeMap<K, V>);

impl<K: Ord, V> AtomicStore<K, V> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// A create-only PUT.
    pub(super) fn create(&mut self, key: K, object: V) -> PutReply {
        match self.0.entry(key) {
            std::collections::btree_map::Entry::Occupied(_) => PutReply::Exists,
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(object);
                PutReply::Created
            }
        }
    }

    pub(super) fn head(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub(super) fn list(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }
}

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
    objects: AtomicStore<Key, Object>,
    pub(super) late: Vec<LatePut>,
    is_overwriting: bool,
}

impl Bucket {
    pub(super) fn new(is_overwriting: bool) -> Self {
        Self {
            objects: AtomicStore::new(),
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
        self.objects.create(key, Object { found, lines })
    }

    pub(super) fn head(&self, partition: i32, slot: &Slot) -> HeadReply {
        self.objects
            .head(&(partition, slot.start, slot.hour))
            .map_or(HeadReply::Gone, |object| HeadReply::Found(object.found.clone()))
    }

    /// A partition's objects, by start.
    pub(super) fn chain(&self, partition: i32) -> impl Iterator<Item = (i64, &Object)> {
        let of_partition =
            move |((of, start, _), object): (&Key, _)| (*of == partition).then_some((*start, object));
        self.objects
            .list()
            .filter_map(move |(key, object)| of_partition((key, object)))
    }

    /// The end of a partition's chain as a LIST shows it.
    pub(super) fn tip(&self, partition: i32) -> i64 {
        self.chain(partition)
            .last()
            .map_or(0, |(_, object)| object.found.end + 1)
    }
}
