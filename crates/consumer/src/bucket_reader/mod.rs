//! Reads the bucket, for the audit and the replay: which objects are there, and what each one holds.
//!
//! It shares no code with the writer, so that a fault of the writer cannot hide itself:
//!
//! [`bucket`] lists the keys → [`listing`] sorts them into [`name`]s → [`read`] fetches each object → its body, of
//! [`lines`] or of [`rows`], is decoded and checked record by record → [`slot`] sets key, metadata and body beside
//! each other.

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
pub(crate) mod parquet_file;
#[cfg(test)]
mod planted_rows;
mod progress;
mod read;
mod rows;
mod slot;
mod split;
mod table;

pub(crate) use args::BucketArgs;
pub(crate) use body::{SessionRun, Times};
pub(crate) use bucket::Bucket;
#[cfg(test)]
pub(crate) use codec::Codec;
pub(crate) use codec::{BodyFault, Decompressor};
pub(crate) use error::Error;
#[cfg(test)]
pub(crate) use finding::Severity;
pub(crate) use finding::{Finding, Findings, Kind, Place, Seqs};
pub(crate) use format::Format;
pub(crate) use layout::Layout;
pub(crate) use line::{Envelope, Line};
pub(crate) use listing::{ListedSlot, Listing, TopicListing};
pub(crate) use metadata::Metadata;
pub(crate) use moment::{moment, start_of_hour};
#[cfg(test)]
pub(crate) use name::ObjectName;
pub(crate) use name::SlotName;
pub(crate) use read::{Fetched, SlotReader, Unreadable};
pub(crate) use slot::SlotFacts;
pub(crate) use split::LineSplitter;
pub(crate) use table::{Row, Table};
pub(crate) use {layout::read as read_layout, progress::reading as reading_progress};
