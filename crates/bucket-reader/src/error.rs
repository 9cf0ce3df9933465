use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::s3::{BucketName, RefusedRequest};

/// Why the bucket cannot be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something that the binaries share.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
    /// A request was refused, or got no reply.
    #[error(transparent)]
    Request(#[from] RefusedRequest),
    /// A body broke off.
    #[error("the body of s3://{bucket}/{key} broke off, check the network")]
    BrokenOff {
        /// Without `s3://`.
        bucket: BucketName,
        /// The object.
        key: String,
        /// What the SDK says.
        source: std::io::Error,
    },
    /// An object's check ended before it was done.
    #[error("the check of s3://{bucket}/{key} broke off, report this")]
    Check {
        /// Without `s3://`.
        bucket: BucketName,
        /// The object.
        key: String,
        /// How it ended.
        source: tokio::task::JoinError,
    },
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Runtime(error) => error.exit_status(),
            _ => ExitStatus::Failed,
        }
    }
}
