use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::error::KafkaError;

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
    open: u64,
    /// How many are open, by partition and offset.
    open_at: BTreeMap<u32, BTreeMap<u64, u64>>,
    refusal: Option<KafkaError>,
}

/// The ledger at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) sent: u64,
    /// How many are not acknowledged.
    pub(super) open: u64,
    /// Lowest offset of these, by partition.
    pub(super) open_from: BTreeMap<u32, u64>,
    /// Why Kafka refused the first that it refused.
    pub(super) refusal: Option<KafkaError>,
}

impl Ledger {
    pub(super) fn sent(&self, origin: Origin) {
        let mut page = self.page();
        page.sent += 1;
        page.open += 1;
        let offsets = page.open_at.entry(origin.partition).or_default();
        *offsets.entry(origin.offset).or_default() += 1;
    }

    pub(super) fn acknowledged(&self, origin: Origin) {
        let mut page = self.page();
        let Some(offsets) = page.open_at.get_mut(&origin.partition) else {
            return;
        };
        if let Some(open) = offsets.get_mut(&origin.offset) {
            *open -= 1;
            if *open == 0 {
                offsets.remove(&origin.offset);
            }
            page.open -= 1;
        }
    }

    /// Kafka will not have it: it stays open.
    pub(super) fn refused(&self, error: KafkaError) {
        self.page().refusal.get_or_insert(error);
    }

    pub(super) fn is_refused(&self) -> bool {
        self.page().refusal.is_some()
    }

    pub(super) fn balance(&self) -> Balance {
        let page = self.page();
        let lowest = page.open_at.iter();
        Balance {
            sent: page.sent,
            open: page.open,
            open_from: lowest
                .filter_map(|(partition, offsets)| Some((*partition, *offsets.first_key_value()?.0)))
                .collect(),
            refusal: page.refusal.clone(),
        }
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        // no code panics while it holds the lock
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::*;

    #[test]
    fn what_is_not_acknowledged_stays_open_from_its_lowest_offset() {
        let ledger = Ledger::default();
        let at = |partition, offset| Origin { partition, offset };
        // the offsets of partition 1 are not known, all are at 7
        for origin in [at(0, 3), at(0, 4), at(1, 7), at(0, 5), at(1, 7)] {
            ledger.sent(origin);
        }
        ledger.acknowledged(at(0, 3));
        ledger.acknowledged(at(1, 7));
        assert_eq!(ledger.balance().open_from, BTreeMap::from([(0, 4), (1, 7)]));
        ledger.acknowledged(at(1, 7));
        ledger.refused(KafkaError::MessageProduction(
            RDKafkaErrorCode::MessageSizeTooLarge,
        ));
        ledger.refused(KafkaError::Canceled);
        let balance = ledger.balance();
        assert_eq!((balance.sent, balance.open), (5, 2));
        assert_eq!(balance.open_from, BTreeMap::from([(0, 4)]));
        assert_eq!(
            balance.refusal,
            Some(KafkaError::MessageProduction(
                RDKafkaErrorCode::MessageSizeTooLarge
            ))
        );
    }
}
