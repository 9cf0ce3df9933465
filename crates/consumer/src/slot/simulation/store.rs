//! A store in memory that creates atomically, and PUTs on their way to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures::executor::block_on;
use test_bed::conformance::{Store, assert_conforms};

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
            Entry::Occupied(_) => PutReply::Exists,
            Entry::Vacant(place) => {
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

/// The store in memory, tried as the real one is.
struct Tried(RefCell<AtomicStore<String, String>>);

impl Store for Tried {
    async fn create(&self, key: &str, body: &str) -> bool {
        let created = self.0.borrow_mut().create(key.to_owned(), body.to_owned());
        created == PutReply::Created
    }

    async fn head(&self, key: &str) -> Option<String> {
        self.0.borrow().head(&key.to_owned()).cloned()
    }

    async fn list(&self, prefix: &str) -> Vec<String> {
        let store = self.0.borrow();
        let keys = store.list().map(|(key, _)| key);
        keys.filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    async fn delete(&self, key: &str) {
        self.0.borrow_mut().remove(&key.to_owned());
    }
}

#[test]
fn the_store_in_memory_is_one_that_the_protocol_may_stand_on() {
    let tried = Tried(RefCell::new(AtomicStore::new()));
    block_on(assert_conforms(&tried));
}
