use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use pipeline_runtime::s3::BucketName;

use crate::Error;

const LIST: &str = "s3:ListBucket";

/// A request that failed, as an error names it.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    bucket: &'a BucketName,
    key: &'a str,
    /// The IAM action that it needs.
    action: &'static str,
}

impl<'a> Request<'a> {
    pub(super) fn put(bucket: &'a BucketName, key: &'a str) -> Self {
        Self {
            bucket,
            key,
            action: "s3:PutObject",
        }
    }

    pub(super) fn head(bucket: &'a BucketName, key: &'a str) -> Self {
        Self {
            bucket,
            key,
            action: "s3:GetObject",
        }
    }

    pub(super) fn get(bucket: &'a BucketName, key: &'a str) -> Self {
        Self {
            bucket,
            key,
            action: "s3:GetObject",
        }
    }

    pub(super) fn list(bucket: &'a BucketName, folder: &'a str) -> Self {
        Self {
            bucket,
            key: folder,
            action: LIST,
        }
    }

    pub(super) fn delete(bucket: &'a BucketName, key: &'a str) -> Self {
        Self {
            bucket,
            key,
            action: "s3:DeleteObject",
        }
    }
}

/// Names what is wrong, by the reply's status and code.
pub(super) fn explain<E>(request: Request<'_>, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let Request { bucket, key, action } = request;
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(|e| e.code())
        .unwrap_or_default()
        .to_owned();
    let region = error
        .raw_response()
        .and_then(|response| response.headers().get("x-amz-bucket-region"))
        .map(str::to_owned);
    let (bucket, key, source) = (bucket.clone(), key.to_owned(), BoxError::from(error));
    match (status, code.as_str()) {
        (_, "NoSuchBucket") => Error::BucketMissing { bucket, source },
        (Some(404), _) if action == LIST => Error::BucketMissing { bucket, source },
        (Some(301 | 307 | 308), _)
        | (_, "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            Error::WrongRegion {
                bucket,
                region: region.unwrap_or_else(|| "another region".to_owned()),
                source,
            }
        }
        (
            _,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "RequestTimeTooSkewed",
        ) => Error::CredentialsRefused { bucket, code, source },
        (Some(401 | 403), _) => Error::Denied {
            bucket,
            key,
            action,
            source,
        },
        (Some(status), _) => Error::StoreRefused {
            bucket,
            key,
            status,
            code,
            source,
        },
        (None, _) => Error::StoreUnreachable { bucket, key, source },
    }
}
