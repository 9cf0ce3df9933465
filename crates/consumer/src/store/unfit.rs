use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::s3::BucketName;

use super::Error;
use super::write_settings::Unkept;

/// Why a store cannot be written to, as a trial at the start shows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The store does not keep create-only PUTs.
    #[error("{0}, so that exactly once cannot be had; use another store, or `--allow-at-least-once`")]
    NotCreateOnly(NotCreateOnly),
    /// The store does not take the longest key that can come.
    #[error(
        "the store of bucket {bucket} takes no key of {length} bytes whose last part has {last}, which slots here may \
         have; use a shorter `--topic` or `--prefix`"
    )]
    KeyTooLong {
        bucket: BucketName,
        /// Bytes of the key.
        length: usize,
        /// Bytes of its last part.
        last: usize,
        /// What the store said.
        source: Error,
    },
    /// The store takes a setting of objects and does not keep it.
    #[error(
        "the store of bucket {bucket} took `{} {}` and kept {}, leave it out or use another store",
        unkept.flag, unkept.asked, unkept.found
    )]
    NotKept {
        bucket: BucketName,
        /// The setting.
        unkept: Unkept,
    },
    /// The store does not take a PUT as these settings make it.
    #[error(
        "the trial of bucket {bucket} failed with the settings `{settings}`, leave out what the store does not know"
    )]
    Refused {
        bucket: BucketName,
        /// The flags.
        settings: String,
        /// What the store said.
        source: Error,
    },
    /// The store refuses a request, or gives no reply.
    #[error(transparent)]
    Store(#[from] Error),
    /// No client can be made.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
}

/// How it shows that a store does not keep create-only PUTs.
#[derive(Debug, thiserror::Error)]
#[error("the store of bucket {bucket} does not keep `If-None-Match: *`: {shown}")]
pub struct NotCreateOnly {
    pub(super) bucket: BucketName,
    /// What was seen.
    pub(super) shown: String,
}

impl Failure for Unfit {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::NotCreateOnly(_) | Self::KeyTooLong { .. } | Self::NotKept { .. } => ExitStatus::BadConfig,
            Self::Refused { source, .. } | Self::Store(source) => source.exit_status(),
            Self::Runtime(error) => error.exit_status(),
        }
    }
}
