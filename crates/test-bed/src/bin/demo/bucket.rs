use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use quote_model::{Symbol, Tick};
use test_bed::{S3, StoredObject};

use crate::error::Error;

/// What was seen in the bucket. Objects never change, so each is fetched once.
#[derive(Default)]
pub(crate) struct Bucket {
    objects: BTreeMap<String, Fetched>,
}

pub(crate) struct Fetched {
    pub(crate) object: StoredObject,
    pub(crate) lines: Vec<Vec<u8>>,
}

impl Bucket {
    /// Fetches what is new.
    pub(crate) async fn look(&mut self, s3: &S3, name: &str) -> Result<(), Error> {
        for key in s3.data_keys(name, "").await? {
            if let Entry::Vacant(unseen) = self.objects.entry(key) {
                let object = s3.get(name, unseen.key()).await?;
                let lines = object.lines()?;
                unseen.insert(Fetched { object, lines });
            }
        }
        Ok(())
    }

    pub(crate) fn objects(&self) -> impl DoubleEndedIterator<Item = &Fetched> {
        self.objects.values()
    }

    pub(crate) fn tick_count(&self) -> usize {
        self.objects.values().map(|fetched| fetched.lines.len()).sum()
    }

    pub(crate) fn ticks(&self) -> Result<Vec<Tick<'_>>, Error> {
        let mut ticks = Vec::with_capacity(self.tick_count());
        for (key, fetched) in &self.objects {
            for line in &fetched.lines {
                let tick = Tick::decode(line).map_err(|source| Error::NotATick {
                    key: key.clone(),
                    source,
                })?;
                ticks.push(tick);
            }
        }
        Ok(ticks)
    }

    /// The newest tick of each symbol.
    pub(crate) fn last_ticks(&self) -> Result<BTreeMap<Symbol<'_>, Tick<'_>>, Error> {
        let mut last = BTreeMap::new();
        let mut ticks = self.ticks()?;
        ticks.sort_by_key(|tick| tick.ts_recv);
        for tick in ticks {
            last.insert(tick.symbol.clone(), tick);
        }
        Ok(last)
    }
}
