//! The slot protocol: how each record gets into exactly one object, whatever crashes, hangs or is rebalanced.
//!
//! The bucket holds, for each Kafka partition, a chain of immutable objects, the *slots*. Each covers one
//! contiguous run of offsets and begins where the one before it ended. A slot is written by one create-only
//! PUT under a key that follows from the log alone, so two writers of one slot meet at one key and the store
//! lets one of them win. The loser adopts what the winner wrote.
//!
//! | reply to the PUT of slot `S..=E` | meaning | then |
//! |---|---|---|
//! | created | it is ours | the chain moves to `E+1`, commit |
//! | exists (412) | somebody wrote it | HEAD it |
//! | unknown (409, 5xx, timeout, lost) or denied (403, no bucket) | it may still land | the same PUT again |
//!
//! | reply to the HEAD | meaning | then |
//! |---|---|---|
//! | our run id | our own reply was lost | as created |
//! | another's, of the same log | another writer was first | the chain moves to *its* end + 1, commit, read on from there |
//! | another's, of another log | the topic was made anew, or two pipelines share a prefix | halt, nothing is written |
//! | gone (404) | deleted meanwhile | the same PUT again |
//! | unknown, denied | nothing is known | the same HEAD again |
//!
//! Everything here is pure: records and replies in, [`Effect`]s out, no clock and no I/O. At most one PUT is
//! under way for a partition; one more run may wait behind it, encoded and closed.

mod chain;
mod key;
mod outcome;
#[cfg(test)]
mod simulation;

pub(crate) use chain::{Chain, Effect, Offer};
pub(crate) use key::{Hour, SlotKeys};
pub use outcome::Conflict;
pub(crate) use outcome::{Found, HeadReply, PutReply};

use uuid::Uuid;

/// One closed run of offsets: all that an object tells of itself beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// First offset covered: the end of the slot before it + 1, which need not be a record's offset.
    pub(crate) start: i64,
    /// Last offset covered, which is a record's.
    pub(crate) end: i64,
    /// Hour of the first record.
    pub(crate) hour: Hour,
    /// Offset of the first record.
    pub(crate) first_offset: i64,
    /// CRC32C of the first record's line.
    pub(crate) first_crc32c: u32,
    /// Which attempt of which writer made it.
    pub(crate) run_id: Uuid,
    /// What ended the run.
    pub(crate) closed_by: ClosedBy,
}

/// What ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedBy {
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
    pub(crate) fn as_str(self) -> &'static str {
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
