use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A store in memory that creates atomically: objects by key, in the order in which a LIST gives them.
#[derive(Clone, Debug)]
pub struct MemoryStore<K, V>(BTreeMap<K, V>);

impl<K, V> Default for MemoryStore<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V> MemoryStore<K, V> {
    /// A create-only PUT: whether this request made the object.
    pub fn create(&mut self, key: K, object: V) -> bool {
        match self.0.entry(key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(object);
                true
            }
        }
    }

    /// A HEAD, or a GET.
    #[must_use]
    pub fn head(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// A LIST.
    pub fn list(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    /// A DELETE.
    pub fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::executor::block_on;

    use super::*;
    use crate::{Store, assert_conforms};

    struct Tried(RefCell<MemoryStore<String, String>>);

    impl Store for Tried {
        async fn create(&self, key: &str, body: &str) -> bool {
            self.0.borrow_mut().create(key.to_owned(), body.to_owned())
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
    fn it_is_one_that_the_protocol_may_stand_on() {
        block_on(assert_conforms(&Tried(RefCell::default())));
    }
}
