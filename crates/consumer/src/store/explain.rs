use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use pipeline_runtime::s3::{BucketName, Operation, Refusal, cause};

use super::error::Error;

/// Names what is wrong with a request for `key`, empty if it was for the bucket.
pub(super) fn explain<E>(
    operation: Operation,
    bucket: &BucketName,
    key: &str,
    error: SdkError<E, HttpResponse>,
) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let refusal = Refusal::of(operation, &error);
    let (bucket, key, source) = (bucket.clone(), key.to_owned(), cause(error));
    match refusal {
        Refusal::BucketMissing => Error::BucketMissing { bucket, source },
        Refusal::WrongRegion { region } => Error::WrongRegion {
            bucket,
            region: region.unwrap_or_else(|| "another region".to_owned()),
            source,
        },
        Refusal::CredentialsRefused { code } => Error::CredentialsRefused { bucket, code, source },
        Refusal::ClockSkewed => Error::ClockSkewed { bucket, source },
        Refusal::Denied { action } => Error::Denied {
            bucket,
            key,
            action,
            source,
        },
        Refusal::KmsKey { code } => Error::KmsKey {
            bucket,
            key,
            code,
            source,
        },
        Refusal::SettingRefused { flag, code } => Error::SettingRefused {
            bucket,
            flag,
            code,
            source,
        },
        Refusal::SlowDown => Error::SlowDown { bucket, key, source },
        Refusal::NoCredentials => Error::NoCredentials { bucket, source },
        Refusal::NoReply => Error::Unreachable { bucket, key, source },
        Refusal::Archived => Error::Archived { bucket, key, source },
        Refusal::Other { status, code } => Error::Refused {
            bucket,
            key,
            status,
            code,
            source,
        },
    }
}
