use alloc::borrow::ToOwned;
use alloc::string::String;

use uuid::Uuid;

use crate::Slot;

/// What the store says to a create-only PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutReply {
    /// 200: this request made the object.
    Created,
    /// 412: there is an object.
    Exists,
    /// 409, 5xx, a timeout, a lost connection, 403, no such bucket: this request may or may not have made it,
    /// now or later.
    Unknown,
}

/// What the store says to a HEAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadReply {
    /// The object tells this of itself.
    Found(Found),
    /// 200, but the object does not tell what a slot tells.
    Foreign {
        /// What is missing or malformed.
        what: String,
    },
    /// 404.
    Gone,
    /// Anything else.
    Unknown,
}

/// What an object in a slot's place tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// First offset covered.
    pub start: i64,
    /// Last offset covered.
    pub end: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// CRC32C of its first record's line.
    pub first_crc32c: u32,
    /// Which attempt of which writer made it.
    pub run_id: Uuid,
    /// Kafka's id of the topic, where its writer knew it.
    pub topic_id: Option<String>,
}

/// Why the object in a slot's place is not of our log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Its topic id is another.
    #[error("it is of the topic with id {theirs}, this one has id {ours}")]
    TopicId {
        /// The id that Kafka gave the topic when it was made.
        ours: String,
        /// The object's.
        theirs: String,
    },
    /// The record at the same offset is another.
    #[error("its record at offset {offset} is another one (CRC32C {theirs:08x}, here {ours:08x})")]
    FirstRecord {
        /// Where the slot begins.
        offset: i64,
        /// CRC32C of the record that we hold.
        ours: u32,
        /// The object's.
        theirs: u32,
    },
    /// It covers other offsets than its name says.
    #[error("its name begins at offset {start}, but it says that it covers {their_start} to {their_end}")]
    Range {
        /// Where its name says that it begins.
        start: i64,
        /// Where it says so itself.
        their_start: i64,
        /// Where it says that it ends.
        their_end: i64,
    },
    /// It is no slot.
    #[error("it is no slot of this program: {what}")]
    Foreign {
        /// What is missing or malformed.
        what: String,
    },
}

/// Tells a slot of the same log from one of another.
pub(crate) fn same_log(ours: &Slot, our_topic_id: Option<&str>, theirs: &Found) -> Result<(), Conflict> {
    if let (Some(our_id), Some(their_id)) = (our_topic_id, &theirs.topic_id)
        && our_id != their_id
    {
        return Err(Conflict::TopicId {
            ours: our_id.to_owned(),
            theirs: their_id.clone(),
        });
    }
    if theirs.start != ours.start || theirs.end < theirs.start {
        return Err(Conflict::Range {
            start: ours.start,
            their_start: theirs.start,
            their_end: theirs.end,
        });
    }
    // where retention took the head of a run from one of the two, their first records are different ones
    if theirs.first_offset == ours.first_offset && theirs.first_crc32c != ours.first_crc32c {
        return Err(Conflict::FirstRecord {
            offset: ours.first_offset,
            ours: ours.first_crc32c,
            theirs: theirs.first_crc32c,
        });
    }
    Ok(())
}
