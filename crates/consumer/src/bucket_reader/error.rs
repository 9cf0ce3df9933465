use aws_sdk_s3::error::BoxError;
use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::s3::BucketName;

/// Why the bucket cannot be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something that the binaries share.
    #[error(transparent)]
    Runtime(#[from] pipeline_runtime::Error),
    /// There is no such bucket.
    #[error(
        "the bucket {bucket} does not exist, check `--bucket` and, of a store that is not AWS, `AWS_ENDPOINT_URL`"
    )]
    BucketMissing {
        /// The bucket.
        bucket: BucketName,
        /// What the store says.
        source: BoxError,
    },
    /// The bucket is in another region.
    #[error("the bucket {bucket} is not in the region that was asked, set `AWS_REGION` to {region}")]
    WrongRegion {
        /// The bucket.
        bucket: BucketName,
        /// Its region, as far as the store tells.
        region: String,
        /// What the store says.
        source: BoxError,
    },
    /// A permission is missing.
    #[error("not allowed: allow {permission} on arn:aws:s3:::{resource} to the role that reads it")]
    Denied {
        /// IAM's name of the permission.
        permission: String,
        /// Bucket, or bucket and key.
        resource: String,
        /// What the store says.
        source: BoxError,
    },
    /// The store does not know the credentials, or they are no longer valid.
    #[error(
        "the store refuses the credentials for the bucket {bucket}, or there are none; check the keys or the role and \
         the clock"
    )]
    Credentials {
        /// The bucket.
        bucket: BucketName,
        /// What the store says.
        source: BoxError,
    },
    /// The KMS key cannot be used.
    #[error(
        "the KMS key of s3://{bucket}/{key} cannot be used ({code}), enable it to have the object audited"
    )]
    KmsKey {
        /// The bucket.
        bucket: BucketName,
        /// The object.
        key: String,
        /// The store's code.
        code: String,
        /// What the store says.
        source: BoxError,
    },
    /// The object was moved to an archive.
    #[error("s3://{bucket}/{key} is archived, restore it to have it read")]
    Archived {
        /// The bucket.
        bucket: BucketName,
        /// The object.
        key: String,
        /// What the store says.
        source: BoxError,
    },
    /// The store does not answer, or with something else.
    #[error(
        "cannot {operation} s3://{bucket}/{key}, check `AWS_REGION`, `AWS_ENDPOINT_URL`, credentials and network"
    )]
    Store {
        /// What was asked.
        operation: &'static str,
        /// The bucket.
        bucket: BucketName,
        /// The object, or the prefix.
        key: String,
        /// What the SDK says.
        source: BoxError,
    },
    /// An object's check ended before it was done.
    #[error("the check of s3://{bucket}/{key} broke off, report this")]
    Check {
        /// The bucket.
        bucket: BucketName,
        /// The object.
        key: String,
        /// How it ended.
        source: tokio::task::JoinError,
    },
    /// The result cannot be written.
    #[error("cannot write the result to stdout")]
    Stdout {
        /// Why.
        source: std::io::Error,
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
