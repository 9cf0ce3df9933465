use serde::Serialize;

use crate::encode::ClosedRun;

/// What a run of the consumer did, printed at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Records read and encoded; one that was given up in a rebalance is read again, by whoever owns it then.
    pub(crate) records: u64,
    /// Of these, no ticks.
    pub(crate) not_ticks: u64,
    /// Objects written.
    pub(crate) objects_created: u64,
    /// Objects that another writer had written first.
    pub(crate) objects_adopted: u64,
    /// Records in the objects written.
    pub(crate) records_stored: u64,
    /// Bytes of the objects written.
    pub(crate) bytes_stored: u64,
    /// Offsets that retention deleted before they were read.
    pub(crate) offsets_lost: i64,
    /// Times that a partition stopped before a batch that cannot be read.
    pub(crate) batches_unreadable: u64,
}

impl Tally {
    /// One more object of ours is in the bucket.
    pub(super) fn count_stored(&mut self, run: &ClosedRun) {
        self.objects_created += 1;
        self.records_stored += run.size().records;
        self.bytes_stored += run.encoded_len();
    }

    /// One line for people, and for runme.sh.
    pub(super) fn in_words(&self, partitions: usize) -> String {
        let read = match self.records {
            0 => "nothing to read yet".to_owned(),
            records => format!("{records} records read"),
        };
        let objects = self.objects_created + self.objects_adopted;
        format!("{read}; {partitions} partitions; {objects} objects written")
    }
}
