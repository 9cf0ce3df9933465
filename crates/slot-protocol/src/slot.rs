use uuid::Uuid;

use crate::Hour;

/// One closed run of offsets: all that an object tells of itself beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// First offset covered: the end of the slot before it + 1, which need not be a record's offset.
    pub start: i64,
    /// Last offset covered, which is a record's.
    pub end: i64,
    /// Hour of the first record.
    pub hour: Hour,
    /// Offset of the first record.
    pub first_offset: i64,
    /// CRC32C of the first record's line.
    pub first_crc32c: u32,
    /// Which attempt of which writer made it.
    pub run_id: Uuid,
    /// What ended the run.
    pub closed_by: ClosedBy,
}

/// What ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// It has `--flush-bytes`, encoded.
    Bytes,
    /// It has `--flush-records`.
    Records,
    /// Its first record came `--flush-interval` ago.
    Age,
    /// A record of a later hour came.
    Hour,
    /// All runs together have `--memory`.
    Memory,
    /// The process stops.
    Shutdown,
}

impl ClosedBy {
    /// The name in logs and metadata.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Records => "records",
            Self::Age => "age",
            Self::Hour => "hour",
            Self::Memory => "memory",
            Self::Shutdown => "shutdown",
        }
    }
}
