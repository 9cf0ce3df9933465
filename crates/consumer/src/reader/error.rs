use std::io;

use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::kafka::TopicName;
use pipeline_runtime::s3::BucketName;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use slot_protocol::Conflict;

use crate::encode::EncodingFailed;
use crate::{kafka, location};

/// What ends the reading.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be known where a partition goes on.
    #[error(transparent)]
    Location(#[from] location::Error),
    /// The client gives no records.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// The object in a slot's place is of another log.
    #[error(
        "s3://{bucket}/{key} is in the place of partition {partition} from offset {start}, but {conflict}; the \
         topic was made anew, or two pipelines share a prefix: either use another `--prefix`, or remove the old data; \
         nothing was written"
    )]
    AnotherLog {
        bucket: BucketName,
        /// The slot's key.
        key: String,
        partition: i32,
        /// First offset of the slot.
        start: i64,
        /// How it shows.
        conflict: Conflict,
    },
    /// The broker refuses the group, the topic or the login.
    #[error(
        "Kafka refuses the group {group} or the topic {topic}, check the ACLs and the `-X sasl.…` settings"
    )]
    Refused {
        group: String,
        topic: TopicName,
        /// Why.
        source: KafkaError,
    },
    /// librdkafka cannot go on.
    #[error("the Kafka client cannot go on, start the consumer again")]
    Fatal {
        /// Why.
        source: KafkaError,
    },
    /// A record cannot be encoded.
    #[error(
        "cannot encode the run of topic {topic}, partition {partition} at offset {offset}, look at this host's memory"
    )]
    Encode {
        topic: TopicName,
        partition: i32,
        /// Offset of the record.
        offset: i64,
        /// Why.
        source: io::Error,
    },
    /// The bytes of a closed run could not be made.
    #[error("cannot encode the run of topic {topic}, partition {partition}, look at this host's memory")]
    NotEncoded {
        topic: TopicName,
        partition: i32,
        /// Why.
        source: EncodingFailed,
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
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Location(error) => error.exit_status(),
            Self::Kafka(error) => error.exit_status(),
            Self::AnotherLog { .. } => ExitStatus::BadConfig,
            // a login that is refused while all runs may be the broker's trouble: the next start tells
            Self::Refused { source, .. }
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
