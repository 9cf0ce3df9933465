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
//! At most one PUT is under way for a partition; one more run may wait behind it, encoded and closed. The [`Chain`] owns
//! these runs: what is to be put comes with its bytes.
//!
//! Everything here is pure: records and replies in, [`Effect`]s out. The crate is `no_std` and has no dependency that
//! could tell the time, draw a number or reach a network, so it stays that way. Its simulation (`tests/simulation`)
//! tries it over 100,000 random schedules.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod chain;
mod commit_note;
mod key;
mod outcome;
mod resume;
mod slot;

pub use chain::{Chain, Effect, Offer, Run};
pub use commit_note::{CommitNote, NotACommitNote, boundary_of_commit};
pub use key::{Hour, SlotKeys};
pub use outcome::{Conflict, Found, HeadReply, PutReply};
pub use resume::{ChainBeyondLog, LogRange, Resume};
pub use slot::{ClosedBy, Slot};
