use std::path::PathBuf;

use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::kafka::TopicName;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Why records are not written back, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something that the binaries share.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
    /// The bucket cannot be read.
    #[error(transparent)]
    BucketReader(#[from] bucket_reader::Error),
    /// No record can be selected.
    #[error("`{from}` is not before `{to}`, so no record is between them; correct one")]
    EmptyRange {
        /// The lower bound's flag and value.
        from: String,
        /// The upper bound's flag and value.
        to: String,
    },
    /// There are no objects.
    #[error("no slot is in {place}, check `--bucket`, `--prefix` and `--from-topic`")]
    NothingThere {
        /// Bucket and prefix.
        place: String,
    },
    /// There are objects of several topics.
    #[error("{place} holds several topics ({topics}), name one with `--from-topic`")]
    SeveralTopics {
        /// Bucket and prefix.
        place: String,
        /// Their names.
        topics: String,
    },
    /// A partition is named that has no objects.
    #[error(
        "no slot of the partition {partition} is in {place}, there are {partitions}; correct the selection"
    )]
    NoPartition {
        /// As it was named, counted from 0.
        partition: u32,
        /// Bucket, prefix and topic.
        place: String,
        /// Those that are there.
        partitions: String,
    },
    /// Source and target are the same topic.
    #[error(
        "the objects are of the topic {topic} itself, which would hold their records twice; write to another \
         `--topic`, or, if that is what you want, use `--same-topic`"
    )]
    SameTopic {
        /// The name that both have.
        topic: TopicName,
    },
    /// The target has no partition of that number.
    #[error(
        "the topic {topic} has {there} partitions, the records are of {needed}; make it with {needed}, or use \
         `--partitioning key`"
    )]
    TooFewPartitions {
        /// The target.
        topic: TopicName,
        /// How many it has.
        there: usize,
        /// How many it must have.
        needed: usize,
    },
    /// Two objects hold the same offsets.
    #[error(
        "{object} and the slot at offset {next} behind it hold the same offsets, so that records would be written \
         twice; run `consumer audit`, and leave both out by `--to-offset` and `--from-offset`"
    )]
    Overlap {
        /// The first.
        object: String,
        /// Where the second begins.
        next: u64,
    },
    /// An object is not as it was written.
    #[error(
        "{object} is damaged, nothing of it was sent ({findings} findings, the first: {first}); run `consumer audit`, \
         and leave it out by `--to-offset` and `--from-offset`"
    )]
    Damaged {
        /// Its URL, `s3://BUCKET/KEY`.
        object: String,
        /// How much is wrong.
        findings: usize,
        /// What was found first.
        first: String,
    },
    /// An object cannot be read.
    #[error("cannot read {object}: {why}; try again")]
    Unreadable {
        /// Its URL, `s3://BUCKET/KEY`.
        object: String,
        /// What the store or the network says.
        why: String,
    },
    /// An offset is asked for that cannot be found.
    #[error(
        "offset {offset} is inside {object}, of whose lines the offsets are not known, as some of {first} to {last} \
         have none; use {first} or {}", last + 1
    )]
    OffsetUnknown {
        /// What was asked for.
        offset: u64,
        /// Its URL, `s3://BUCKET/KEY`.
        object: String,
        /// Its first record's offset.
        first: u64,
        /// Its last offset.
        last: u64,
    },
    /// Kafka does not have all that was sent.
    #[error(
        "{open} of {sent} records did not reach the topic {topic}{}; go on with `--from-offset {resume}`{}",
        refusal.as_ref().map(refused).unwrap_or_default(),
        doubled(*ahead)
    )]
    NotDelivered {
        /// How many.
        open: u64,
        /// Of how many.
        sent: u64,
        /// The target.
        topic: TopicName,
        /// `--from-offset` to go on with so that none is left out.
        resume: String,
        /// How many are in the topic already, and would be written twice.
        ahead: u64,
        /// Partition and offset of the record that Kafka refuses, and why; else it gave no answer in time.
        refusal: Option<(u32, u64, KafkaError)>,
    },
    /// A file of ours cannot be read or written.
    #[error("cannot use the file {}, check its path, its mode and the disk", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The progress is that of another replay.
    #[error(
        "the progress in {} is that of a replay from {source_then} to {topic_then}; name another file with `--progress`",
        path.display()
    )]
    AnotherProgress {
        /// The file.
        path: PathBuf,
        /// Where from it was.
        source_then: String,
        /// Where to.
        topic_then: String,
    },
    /// A thread of ours ended.
    #[error("a thread of the replay ended before its time, please report it")]
    Worker {
        /// Why.
        source: tokio::task::JoinError,
    },
    /// The result cannot be printed.
    #[error("cannot write the result to stdout")]
    Stdout {
        /// Why.
        source: std::io::Error,
    },
}

/// Whether the broker took nothing of the batch, and may take another record.
pub(super) fn is_of_the_record(reason: &KafkaError) -> bool {
    matches!(
        reason.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::InvalidTimestamp
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::MessageBatchTooLarge
        )
    )
}

fn refused((partition, offset, reason): &(u32, u64, KafkaError)) -> String {
    let past = if is_of_the_record(reason) {
        " or go on past it with `--refused-to`"
    } else {
        ""
    };
    format!(
        ": Kafka refuses the record of partition {partition}, offset {offset} ({reason}), mend that{past}"
    )
}

fn doubled(ahead: u64) -> String {
    match ahead {
        0 => String::new(),
        _ => format!(", by which {ahead} records that are there already are written twice"),
    }
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Runtime(error) => error.exit_status(),
            Self::BucketReader(error) => error.exit_status(),
            Self::EmptyRange { .. }
            | Self::NothingThere { .. }
            | Self::SeveralTopics { .. }
            | Self::NoPartition { .. }
            | Self::SameTopic { .. }
            | Self::TooFewPartitions { .. }
            | Self::OffsetUnknown { .. }
            | Self::AnotherProgress { .. } => ExitStatus::BadConfig,
            _ => ExitStatus::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_delivered(code: RDKafkaErrorCode, ahead: u64) -> String {
        Error::NotDelivered {
            open: 3,
            sent: 10,
            topic: "t".parse().unwrap(),
            resume: "0:7".to_owned(),
            ahead,
            refusal: Some((0, 7, KafkaError::MessageProduction(code))),
        }
        .to_string()
    }

    #[test]
    fn the_way_past_a_record_is_named_where_the_record_is_the_reason() {
        let too_large = not_delivered(RDKafkaErrorCode::MessageSizeTooLarge, 0);
        assert!(
            too_large.contains("--refused-to") && too_large.contains("--from-offset 0:7"),
            "{too_large}"
        );
        assert!(!too_large.contains("twice"), "{too_large}");
        let denied = not_delivered(RDKafkaErrorCode::TopicAuthorizationFailed, 2);
        assert!(!denied.contains("--refused-to"), "{denied}");
        assert!(
            denied.contains("2 records that are there already are written twice"),
            "{denied}"
        );
    }
}
