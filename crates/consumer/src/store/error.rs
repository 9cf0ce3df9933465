use aws_sdk_s3::primitives::ByteStreamError;
use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::s3::{BucketName, Refusal, RefusedRequest};

/// What the store has against a request. Each may pass without anybody's doing here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request was refused, or got no reply.
    #[error(transparent)]
    Request(#[from] RefusedRequest),
    /// A body broke off.
    #[error("the body of s3://{bucket}/{key} broke off")]
    BrokenOff {
        bucket: BucketName,
        key: String,
        /// Why.
        source: ByteStreamError,
    },
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Request(request) => request.exit_status(),
            Self::BrokenOff { .. } => ExitStatus::Failed,
        }
    }
}

impl Error {
    /// What the refusal of a request means, if it is one.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Request(request) => Some(request.refusal()),
            Self::BrokenOff { .. } => None,
        }
    }

    /// The store's status, where it is none that has a meaning of its own.
    pub(crate) fn other_status(&self) -> Option<u16> {
        match self {
            Self::Request(request) => match request.refusal() {
                Refusal::Other { status, .. } => Some(*status),
                _ => None,
            },
            Self::BrokenOff { .. } => None,
        }
    }
}
