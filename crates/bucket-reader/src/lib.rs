//! Reads the pipeline's bucket: which objects are there, and what each one holds.
//!
//! **Nothing here is the writer's.** This crate depends neither on the consumer nor on the slot protocol, so that a fault
//! of theirs cannot hide itself: the form of a key, the layout, the names of an object's metadata and Parquet's columns are
//! said here a second time, and so is what a tick is; a difference shows as a finding. What both sides do share cannot make them agree on
//! something wrong: what a user types (bucket, prefix, topic), how an S3 client is configured and what its refusals mean.
//!
//! [`Bucket`] lists the keys → [`Listing`] sorts them by their names → [`SlotReader`] fetches each object → its body, of
//! lines or of rows, is decoded and checked record by record → [`SlotFacts`] sets key, metadata and body beside each
//! other. [`for_each_record`] gives the records of an object back as they were in Kafka.

mod args;
mod body;
mod bucket;
mod codec;
mod error;
mod finding;
mod format;
mod layout;
mod line;
mod lines;
mod listing;
mod metadata;
mod moment;
mod name;
#[cfg(test)]
mod parquet_file;
#[cfg(test)]
mod planted_rows;
mod progress;
mod read;
mod readable;
mod record;
mod rows;
mod seq_set;
mod session_run;
mod slot;
mod table;
mod tick;

pub use args::BucketArgs;
pub use body::{BodyFacts, FirstRecord};
pub use bucket::Bucket;
pub use codec::{BodyFault, Codec};
pub use error::Error;
pub use finding::{Finding, Findings, Kind, Place, Seqs, Severity, excerpt};
pub use format::Format;
pub use layout::Layout;
pub use listing::{ListedSlot, Listing, TopicListing};
pub use metadata::{Crc32c, Metadata};
pub use moment::{Times, moment, start_of_hour};
pub use name::{ObjectName, SlotName};
pub use progress::reading as reading_progress;
pub use read::{Checked, Fetched, SlotReader, Unreadable};
pub use record::{Record, for_each as for_each_record};
pub use seq_set::SeqSet;
pub use session_run::SessionRun;
pub use slot::SlotFacts;
