use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a record was in the bucket: its offset, or its slot's first where its own is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) partition: u32,
    pub(super) offset: u64,
}

/// Which records Kafka was given and has not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Page>);

#[derive(Debug, Default)]
struct Page {
    sent: u64,
    partitions: BTreeMap<u32, Window>,
}

/// One partition of the source from the first record on that is open.
#[derive(Debug, Default)]
struct Window {
    /// How many are open, by offset.
    open: BTreeMap<u64, u64>,
    /// How many are settled at or behind the first that is open.
    settled_ahead: BTreeMap<u64, u64>,
}

/// The ledger at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) sent: u64,
    /// How many are not acknowledged.
    pub(super) open: u64,
    /// Lowest offset of these, by partition.
    pub(super) open_from: BTreeMap<u32, u64>,
    /// How many are acknowledged and stand at or behind such an offset: whoever goes on from there writes them twice.
    pub(super) ahead: u64,
}

impl Ledger {
    pub(super) fn sent(&self, origin: Origin) {
        let mut page = self.page();
        page.sent += 1;
        let window = page.partitions.entry(origin.partition).or_default();
        *window.open.entry(origin.offset).or_default() += 1;
    }

    /// It was not sent after all.
    pub(super) fn withdrawn(&self, origin: Origin) {
        let mut page = self.page();
        page.sent -= 1;
        if let Some(window) = page.partitions.get_mut(&origin.partition)
            && let Some(open) = window.open.get_mut(&origin.offset)
        {
            *open -= 1;
            if *open == 0 {
                window.open.remove(&origin.offset);
            }
        }
    }

    /// Kafka has it, or it is kept elsewhere.
    pub(super) fn settled(&self, origin: Origin) {
        let mut page = self.page();
        if let Some(window) = page.partitions.get_mut(&origin.partition) {
            window.settle(origin.offset);
        }
    }

    pub(super) fn balance(&self) -> Balance {
        let page = self.page();
        let windows = page.partitions.iter();
        Balance {
            sent: page.sent,
            open: windows.clone().flat_map(|(_, window)| window.open.values()).sum(),
            open_from: windows
                .clone()
                .filter_map(|(partition, window)| Some((*partition, *window.open.first_key_value()?.0)))
                .collect(),
            ahead: windows
                .flat_map(|(_, window)| window.settled_ahead.values())
                .sum(),
        }
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        // no code panics while it holds the lock
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn settle(&mut self, offset: u64) {
        let Some(open) = self.open.get_mut(&offset) else {
            return;
        };
        *open -= 1;
        if *open == 0 {
            self.open.remove(&offset);
        }
        *self.settled_ahead.entry(offset).or_default() += 1;
        self.settled_ahead = match self.open.first_key_value() {
            None => BTreeMap::new(),
            Some((first, _)) => self.settled_ahead.split_off(first),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_acknowledged_stays_open_from_its_lowest_offset() {
        let ledger = Ledger::default();
        let at = |partition, offset| Origin { partition, offset };
        // the offsets of partition 1 are not known, all are at 7
        for origin in [at(0, 3), at(0, 4), at(1, 7), at(0, 5), at(1, 7)] {
            ledger.sent(origin);
        }
        ledger.settled(at(0, 3));
        let balance = ledger.balance();
        assert_eq!((balance.sent, balance.open, balance.ahead), (5, 4, 0));
        assert_eq!(balance.open_from, BTreeMap::from([(0, 4), (1, 7)]));
        ledger.settled(at(0, 5));
        assert_eq!(ledger.balance().ahead, 1);
        ledger.settled(at(1, 7));
        let balance = ledger.balance();
        assert_eq!(
            (balance.ahead, balance.open),
            (2, 2),
            "the other at 7 is written twice too"
        );
        ledger.sent(at(0, 6));
        ledger.withdrawn(at(0, 6));
        ledger.settled(at(1, 7));
        ledger.settled(at(0, 4));
        let balance = ledger.balance();
        assert_eq!((balance.ahead, balance.open), (0, 0));
        assert_eq!(balance.open_from, BTreeMap::new());
    }
}
