use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::kafka::TopicName;
use pipeline_runtime::s3::BucketName;
use rdkafka::error::KafkaError;

use crate::destination::Destination;
use crate::source::{MadeAnew, Source};
use crate::store::{self, AnotherTopic};

/// Why it is not known where a partition goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refuses a request, or gives no reply.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The committed offsets cannot be had.
    #[error("cannot read the group's committed offsets of the topic {topic}")]
    Committed {
        topic: TopicName,
        /// Why.
        source: KafkaError,
    },
    /// The ends of the log cannot be had.
    #[error("cannot read where the log of topic {topic}, partition {partition} begins and ends")]
    LogRange {
        topic: TopicName,
        partition: i32,
        /// Why.
        source: KafkaError,
    },
    /// An object was deleted between LIST and HEAD.
    #[error("s3://{bucket}/{key} vanished while it was looked at")]
    Vanished { bucket: BucketName, key: String },
    /// An object under a slot's name is no slot.
    #[error("s3://{bucket}/{key} has a slot's name, but {what}; remove it, or use another `--prefix`")]
    ForeignObject {
        bucket: BucketName,
        key: String,
        /// What is missing.
        what: String,
    },
    /// The topic was deleted and made anew.
    #[error(transparent)]
    AnotherTopic(#[from] AnotherTopic),
    /// The bucket holds more than the log ever had.
    #[error(
        "the chain of topic {topic}, partition {partition} in bucket {bucket} ends before offset {boundary}, but the log \
         ends before {high}: the topic was made anew, or two pipelines share a prefix; either use another `--prefix`, or \
         remove the old data"
    )]
    ChainBeyondLog {
        topic: TopicName,
        partition: i32,
        bucket: BucketName,
        /// Where the chain ends.
        boundary: i64,
        /// Where the log ends.
        high: i64,
    },
}

impl Error {
    /// Whether the same may succeed later without anybody's doing here: a store or a broker that is away, a
    /// permission that is not granted yet.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::Vanished { .. } | Self::Committed { .. } | Self::LogRange { .. } => true,
            Self::ForeignObject { .. } | Self::AnotherTopic(_) | Self::ChainBeyondLog { .. } => false,
        }
    }

    /// The topic is another than the one that the bucket's layout was made for.
    pub(crate) fn made_anew(source: &Source, destination: &Destination, anew: MadeAnew) -> Self {
        Self::AnotherTopic(AnotherTopic {
            bucket: destination.bucket.name().clone(),
            key: destination.keys.layout(),
            topic: source.topic.to_string(),
            ours: anew.id_now,
            theirs: anew.id_at_start,
        })
    }
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        if self.is_passing() {
            ExitStatus::Failed
        } else {
            ExitStatus::BadConfig
        }
    }
}
