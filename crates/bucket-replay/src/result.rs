use std::collections::BTreeMap;
use std::io::Write;

use bucket_reader::Record;
use serde::Serialize;

use super::error::Error;
use super::ledger::Origin;

/// What was replayed. Its JSON form is the line that is written at the end.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ReplayResult {
    pub(super) source: String,
    /// Where to; absent if nothing was to be written.
    pub(super) topic: Option<String>,
    /// Nothing was written, only read and checked.
    pub(super) is_dry_run: bool,
    /// Nothing that was selected is left; if not, a signal came.
    pub(super) is_complete: bool,
    /// Objects that were read to their end.
    pub(super) objects: u64,
    /// Records that were written, or kept.
    pub(super) records: u64,
    /// Of these, ticks.
    pub(super) ticks: u64,
    /// Of these, others.
    pub(super) not_ticks: u64,
    /// Of these, not taken by Kafka and kept in the file of `--refused-to`.
    pub(super) refused: u64,
    /// Bytes of their keys and values.
    pub(super) bytes: u64,
    /// Offsets that were selected and are in no object.
    pub(super) missing_offsets: u64,
    /// By partition of the source.
    pub(super) partitions: BTreeMap<u32, PartitionResult>,
    /// `--from-offset` to go on with what is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) go_on_from: Option<String>,
}

/// What was replayed of one partition.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct PartitionResult {
    records: u64,
    /// Offset of the first; where it is not known, of its slot's first.
    first_offset: u64,
    /// Offset of the last; where it is not known, of its slot's first.
    last_offset: u64,
}

impl ReplayResult {
    pub(super) fn add(&mut self, record: &Record<'_>, origin: Origin) {
        let count = |bytes: Option<&[u8]>| bytes.map_or(0, |bytes| bytes.len() as u64);
        self.records += 1;
        self.ticks += u64::from(record.is_tick);
        self.not_ticks += u64::from(!record.is_tick);
        self.bytes += count(record.key) + count(record.value);
        let Origin { partition, offset } = origin;
        let of_partition = self.partitions.entry(partition).or_insert(PartitionResult {
            records: 0,
            first_offset: offset,
            last_offset: offset,
        });
        of_partition.records += 1;
        of_partition.last_offset = offset;
    }

    pub(super) fn stopped(&mut self, go_on_from: String) {
        self.is_complete = false;
        self.go_on_from = Some(go_on_from);
    }

    /// Writes it as one line of JSON.
    pub(super) fn write(&self, out: &mut (dyn Write + Send)) -> Result<(), Error> {
        serde_json::to_writer(&mut *out, self)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out))
            .and_then(|()| out.flush())
            .map_err(|source| Error::Stdout { source })
    }
}
