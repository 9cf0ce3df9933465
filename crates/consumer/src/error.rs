use aws_sdk_s3::error::BoxError;
use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::kafka::TopicName;
use pipeline_runtime::s3::BucketName;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use slot_protocol::Conflict;

/// What can go wrong in the consumer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something that the binaries share.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
    /// A setting's value is out of its range.
    #[error("{setting} is {value}, it must be {allowed}")]
    Setting {
        /// The flag.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What would do.
        allowed: &'static str,
    },
    /// The store refuses a request, or gives no reply.
    #[error(transparent)]
    Store(#[from] crate::store::Error),

    /// The store does not keep create-only PUTs.
    #[error(
        "the store of bucket {bucket} does not keep `If-None-Match: *` ({winners} of {racers} racing PUTs won, a later \
         one {}), so that exactly once cannot be had; use another store, or `--allow-at-least-once`",
        if *is_overwritten { "wrote over it" } else { "was refused" }
    )]
    NotCreateOnly {
        /// The bucket.
        bucket: BucketName,
        /// How many PUTs of the race won.
        winners: usize,
        /// How many there were.
        racers: usize,
        /// Whether a later PUT wrote over the object.
        is_overwritten: bool,
    },

    /// The layout object is no layout.
    #[error("s3://{bucket}/{key} is not a layout that this version reads, use another `--prefix`")]
    LayoutUnreadable {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The prefix was begun with other settings.
    #[error(
        "s3://{bucket}/{key} says {setting} `{stored}`, asked is `{asked}`; either set it to `{stored}`, or use \
         another `--prefix`"
    )]
    LayoutDiffers {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
        /// Which setting.
        setting: &'static str,
        /// What the flags say.
        asked: String,
        /// What the object says.
        stored: String,
    },
    /// The topic was deleted and made anew.
    #[error(
        "the topic {topic} has the id {ours}, but s3://{bucket}/{key} was begun for {theirs}: the topic was made \
         anew, or two pipelines share a prefix; either use another `--prefix`, or remove the old data"
    )]
    AnotherTopic {
        /// The bucket.
        bucket: BucketName,
        /// The layout's key.
        key: String,
        /// The topic.
        topic: String,
        /// The topic's id now.
        ours: String,
        /// The id in the bucket.
        theirs: String,
    },
    /// The object in a slot's place is of another log.
    #[error(
        "s3://{bucket}/{key} is in the place of partition {partition} from offset {start}, but {conflict}; the \
         topic was made anew, or two pipelines share a prefix: either use another `--prefix`, or remove the old data; \
         nothing was written"
    )]
    AnotherLog {
        /// The bucket.
        bucket: BucketName,
        /// The slot's key.
        key: String,
        /// The partition.
        partition: i32,
        /// First offset of the slot.
        start: i64,
        /// How it shows.
        conflict: Conflict,
    },
    /// The bucket holds more than the log ever had.
    #[error(
        "the chain of topic {topic}, partition {partition} in bucket {bucket} ends before offset {boundary}, but the log \
         ends before {high}: the topic was made anew, or two pipelines share a prefix; either use another `--prefix`, or \
         remove the old data"
    )]
    ChainBeyondLog {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The bucket.
        bucket: BucketName,
        /// Where the chain ends.
        boundary: i64,
        /// Where the log ends.
        high: i64,
    },
    /// An object under a slot's name is no slot.
    #[error("s3://{bucket}/{key} has a slot's name, but {what}; remove it, or use another `--prefix`")]
    ForeignObject {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
        /// What is missing.
        what: String,
    },
    /// An object was deleted between LIST and HEAD.
    #[error("s3://{bucket}/{key} vanished while it was looked at")]
    Vanished {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
    },

    /// The topic cannot be subscribed to.
    #[error("cannot subscribe to the topic {topic}")]
    Subscribe {
        /// The topic.
        topic: TopicName,
        /// Why.
        source: KafkaError,
    },
    /// The committed offsets cannot be had.
    #[error("cannot read the group's committed offsets of the topic {topic}")]
    Committed {
        /// The topic.
        topic: TopicName,
        /// Why.
        source: KafkaError,
    },
    /// The ends of the log cannot be had.
    #[error("cannot read where the log of topic {topic}, partition {partition} begins and ends")]
    Watermarks {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// Why.
        source: KafkaError,
    },
    /// The broker refuses the group, the topic or the login.
    #[error(
        "Kafka refuses the group {group} or the topic {topic}, check the ACLs and the `-X sasl.…` settings"
    )]
    KafkaRefused {
        /// The group.
        group: String,
        /// The topic.
        topic: TopicName,
        /// Why.
        source: KafkaError,
    },
    /// librdkafka cannot go on.
    #[error("the Kafka client cannot go on, start the consumer again")]
    KafkaFatal {
        /// Why.
        source: KafkaError,
    },
    /// A run cannot be compressed.
    #[error(
        "cannot encode the run of topic {topic}, partition {partition} at offset {offset}, look at this host's memory"
    )]
    Encode {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// Offset of the record.
        offset: i64,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes of a closed run could not be made.
    #[error("cannot encode the run of topic {topic}, partition {partition}, look at this host's memory")]
    NotEncoded {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// Why.
        source: BoxError,
    },
    /// librdkafka gives no queue for records.
    #[error("librdkafka gives no queue for the records, look at this host's memory")]
    RecordQueue,
    /// The system gives no thread.
    #[error("the system gives no thread for encoding, look at this host's limits")]
    NoThread {
        /// What it said.
        source: std::io::Error,
    },
    /// The drain took too long.
    #[error(
        "{records} records of {partitions} partitions were not in the bucket after the drain timeout of {timeout}; they \
         stay in Kafka, and the next start writes them"
    )]
    NotDrained {
        /// Records that were read.
        records: u64,
        /// Partitions that they are of.
        partitions: usize,
        /// `--drain-timeout`.
        timeout: humantime::Duration,
    },
    /// A thread of ours ended.
    #[error("a thread of the consumer ended before its time, please report it")]
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

impl Error {
    /// Whether the same may succeed later without anybody's doing here: a store or a broker that is away, a
    /// permission that is not granted yet.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::Vanished { .. } | Self::Committed { .. } | Self::Watermarks { .. }
        )
    }
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Runtime(error) => error.exit_status(),
            Self::Setting { .. }
            | Self::NotCreateOnly { .. }
            | Self::LayoutUnreadable { .. }
            | Self::LayoutDiffers { .. }
            | Self::AnotherTopic { .. }
            | Self::AnotherLog { .. }
            | Self::ChainBeyondLog { .. }
            | Self::ForeignObject { .. } => ExitStatus::BadConfig,
            // a login that is refused while all runs may be the broker's trouble: the next start tells
            Self::KafkaRefused { source, .. }
                if !matches!(
                    source.rdkafka_error_code(),
                    Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed)
                ) =>
            {
                ExitStatus::NoPermission
            }
            _ => ExitStatus::Failed,
        }
    }
}
