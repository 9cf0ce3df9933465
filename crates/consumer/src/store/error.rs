use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::ByteStreamError;
use pipeline_runtime::s3::BucketName;

/// What the store has against a request. Each may pass without anybody's doing here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such bucket.
    #[error(
        "the bucket {bucket} does not exist, make it (`producer --bucket {bucket}` does) or correct `--bucket`"
    )]
    BucketMissing {
        /// The bucket.
        bucket: BucketName,
        /// What the store said.
        source: BoxError,
    },
    /// The bucket is elsewhere.
    #[error("the bucket {bucket} is in {region}, set `AWS_REGION` to that")]
    WrongRegion {
        /// The bucket.
        bucket: BucketName,
        /// Its region, where the store told it.
        region: String,
        /// What the store said.
        source: BoxError,
    },
    /// The credentials are no good.
    #[error(
        "S3 refuses the credentials for the bucket {bucket} ({code}), check the keys or the role, and that a session \
         of it has not expired"
    )]
    CredentialsRefused {
        /// The bucket.
        bucket: BucketName,
        /// The store's code.
        code: String,
        /// What the store said.
        source: BoxError,
    },
    /// A permission is missing.
    #[error(
        "S3 denies access to s3://{bucket}/{key}, allow `{action}` in the role's policy and look at the bucket's"
    )]
    Denied {
        /// The bucket.
        bucket: BucketName,
        /// The key or prefix.
        key: String,
        /// The IAM action, or several.
        action: String,
        /// What the store said.
        source: BoxError,
    },
    /// This host's clock is wrong.
    #[error("S3 refuses requests for the bucket {bucket}, because this host's clock is off; set it, by NTP")]
    ClockSkewed {
        /// The bucket.
        bucket: BucketName,
        /// What the store said.
        source: BoxError,
    },
    /// No source gives credentials.
    #[error(
        "there are no AWS credentials for the bucket {bucket}, set AWS_PROFILE or AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or give this host a role"
    )]
    NoCredentials {
        /// The bucket.
        bucket: BucketName,
        /// What the SDK says.
        source: BoxError,
    },
    /// The KMS key cannot be used.
    #[error(
        "the KMS key of s3://{bucket}/{key} cannot be used ({code}), enable it or correct `--kms-key-id`; it must be in \
         the bucket's region"
    )]
    KmsKey {
        /// The bucket.
        bucket: BucketName,
        /// The key of the object.
        key: String,
        /// The store's code.
        code: String,
        /// What the store said.
        source: BoxError,
    },
    /// The store does not know a setting of objects.
    #[error("the store of the bucket {bucket} does not take the objects' settings ({code}), change {flag}")]
    SettingRefused {
        /// The bucket.
        bucket: BucketName,
        /// The flag, or several.
        flag: &'static str,
        /// The store's code.
        code: String,
        /// What the store said.
        source: BoxError,
    },
    /// The object was moved to an archive.
    #[error("s3://{bucket}/{key} is archived and cannot be read, restore it or use another `--prefix`")]
    Archived {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
        /// What the store said.
        source: BoxError,
    },
    /// Too many requests.
    #[error(
        "S3 takes no more requests for s3://{bucket}/{key} for now; if that lasts, raise `--flush-interval` or \
         use another `--prefix`"
    )]
    SlowDown {
        /// The bucket.
        bucket: BucketName,
        /// The key or prefix.
        key: String,
        /// What the store said.
        source: BoxError,
    },
    /// Another reply than the ones that have a meaning here.
    #[error("S3 answered {status} {code} for s3://{bucket}/{key}")]
    Refused {
        /// The bucket.
        bucket: BucketName,
        /// The key or prefix.
        key: String,
        /// HTTP status.
        status: u16,
        /// The store's code.
        code: String,
        /// What the store said.
        source: BoxError,
    },
    /// No reply.
    #[error(
        "no reply from S3 for s3://{bucket}/{key}, check the network, `AWS_ENDPOINT_URL` and the proxy's variables"
    )]
    Unreachable {
        /// The bucket.
        bucket: BucketName,
        /// The key or prefix.
        key: String,
        /// What the SDK says.
        source: BoxError,
    },
    /// A body broke off.
    #[error("the body of s3://{bucket}/{key} broke off")]
    BrokenOff {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
        /// Why.
        source: ByteStreamError,
    },
}
