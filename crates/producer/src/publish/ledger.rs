use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::error::KafkaError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Which ticks Kafka has: a tick is written in when it is accepted and struck out when Kafka acknowledges it.
/// What stands in it at the end did not reach Kafka for all that is known.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    page: Mutex<Page>,
    /// Told at each acknowledgement: there may be room in the queue now.
    pub(super) progress: Notify,
    /// Cancelled at the first refusal.
    pub(super) refused: CancellationToken,
}

#[derive(Debug, Default)]
struct Page {
    accepted: u64,
    /// By `seq`, with what each takes in memory.
    open: BTreeMap<u64, usize>,
    open_bytes: usize,
    refusal: Option<KafkaError>,
}

/// The ledger at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) accepted: u64,
    /// How many are not acknowledged.
    pub(crate) open: usize,
    /// Lowest and highest `seq` of these.
    pub(crate) open_seqs: Option<(u64, u64)>,
    /// Why Kafka refused the first one that it refused.
    pub(crate) refusal: Option<KafkaError>,
}

impl Balance {
    pub(crate) fn in_kafka(&self) -> u64 {
        self.accepted
            .saturating_sub(u64::try_from(self.open).unwrap_or(u64::MAX))
    }
}

impl Ledger {
    pub(super) fn accept(&self, seq: u64, bytes: usize) {
        let mut page = self.page();
        page.accepted += 1;
        page.open_bytes += bytes;
        page.open.insert(seq, bytes);
    }

    /// What all ticks take that are not acknowledged.
    pub(super) fn open_bytes(&self) -> usize {
        self.page().open_bytes
    }

    /// Kafka has it; tells whether it is the first.
    pub(super) fn acknowledge(&self, seq: u64) -> bool {
        let mut page = self.page();
        let is_first = u64::try_from(page.open.len()).is_ok_and(|open| open == page.accepted);
        let bytes = page.open.remove(&seq).unwrap_or_default();
        page.open_bytes = page.open_bytes.saturating_sub(bytes);
        drop(page);
        self.progress.notify_one();
        is_first
    }

    /// Kafka will not have it.
    pub(super) fn refuse(&self, error: KafkaError) {
        self.page().refusal.get_or_insert(error);
        self.refused.cancel();
        self.progress.notify_one();
    }

    pub(super) fn balance(&self) -> Balance {
        let page = self.page();
        Balance {
            accepted: page.accepted,
            open: page.open.len(),
            open_seqs: page
                .open
                .first_key_value()
                .zip(page.open.last_key_value())
                .map(|((first, _), (last, _))| (*first, *last)),
            refusal: page.refusal.clone(),
        }
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        // no code panics while it holds the lock
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::*;

    #[test]
    fn what_is_not_acknowledged_stays_open_in_whatever_order() {
        let ledger = Ledger::default();
        for seq in 0..6 {
            ledger.accept(seq, 100);
        }
        assert!(ledger.acknowledge(3), "the first");
        assert!(!ledger.acknowledge(0));
        assert!(!ledger.acknowledge(5));
        let balance = ledger.balance();
        assert_eq!((balance.accepted, balance.open, balance.in_kafka()), (6, 3, 3));
        assert_eq!(balance.open_seqs, Some((1, 4)));
        assert_eq!(ledger.open_bytes(), 300);
        for seq in [1, 2, 4] {
            ledger.acknowledge(seq);
        }
        assert_eq!(ledger.balance().open_seqs, None);
    }

    #[test]
    fn the_first_refusal_is_kept_and_its_tick_stays_open() {
        let ledger = Ledger::default();
        ledger.accept(0, 100);
        let error = |code| KafkaError::MessageProduction(code);
        ledger.refuse(error(RDKafkaErrorCode::MessageSizeTooLarge));
        ledger.refuse(error(RDKafkaErrorCode::PurgeQueue));
        assert!(ledger.refused.is_cancelled());
        let balance = ledger.balance();
        assert_eq!(
            balance.refusal,
            Some(error(RDKafkaErrorCode::MessageSizeTooLarge))
        );
        assert_eq!(balance.open, 1);
    }
}
