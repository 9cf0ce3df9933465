use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::Object;
use pipeline_runtime::s3::{BucketName, S3Args, client_config};

use super::error::Error;

/// Tries of a request, with the SDK's backoff between them.
const ATTEMPTS: u32 = 5;

/// The bucket, read only. The SDK retries what fails in passing.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    client: Client,
    name: BucketName,
}

/// An object of which the body is still to be read.
pub(crate) struct Opened {
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) body: ByteStream,
}

impl Bucket {
    /// A client for the bucket, by the SDK's own chain.
    pub(crate) async fn connect(args: &S3Args, name: BucketName) -> Result<Self, Error> {
        let config = client_config(args)
            .await?
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            name,
        })
    }

    /// Hands each object under the prefix to `each`, in the order of the keys.
    pub(crate) async fn list(&self, prefix: &str, mut each: impl FnMut(&str, &Object)) -> Result<(), Error> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(self.name.as_str())
            .prefix(prefix)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.refused("list", prefix, error))?;
            for object in page.contents() {
                each(object.key().unwrap_or_default(), object);
            }
        }
        Ok(())
    }

    /// Starts to read an object; nothing if it is not there.
    pub(crate) async fn open(&self, key: &str) -> Result<Option<Opened>, Error> {
        let reply = self
            .client
            .get_object()
            .bucket(self.name.as_str())
            .key(key)
            .send()
            .await;
        match reply {
            Ok(object) => Ok(Some(Opened {
                metadata: object.metadata.unwrap_or_default(),
                body: object.body,
            })),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(self.refused("get", key, error)),
        }
    }

    /// The error of a body that broke off.
    pub(crate) fn broken_body(&self, key: &str, source: impl Into<BoxError>) -> Error {
        Error::Store {
            operation: "get",
            bucket: self.name.clone(),
            key: key.to_owned(),
            source: source.into(),
        }
    }

    /// The error of a check that panicked.
    pub(crate) fn broken_check(&self, key: &str, source: tokio::task::JoinError) -> Error {
        Error::Check {
            bucket: self.name.clone(),
            key: key.to_owned(),
            source,
        }
    }

    fn refused<E>(&self, operation: &'static str, key: &str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let (bucket, key) = (self.name.clone(), key.to_owned());
        let code = error.code().unwrap_or_default().to_owned();
        let reply = error.raw_response();
        let status = reply.map_or(0, |reply| reply.status().as_u16());
        let region = reply.and_then(|reply| reply.headers().get("x-amz-bucket-region"));
        let region = region.unwrap_or("the bucket's").to_owned();
        let source: BoxError = error.into();
        match (code.as_str(), status) {
            ("NoSuchBucket", _) => Error::BucketMissing { bucket, source },
            (
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException",
                _,
            )
            | (_, 301) => Error::WrongRegion {
                bucket,
                region,
                source,
            },
            (
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "InvalidToken"
                | "RequestTimeTooSkewed",
                _,
            ) => Error::Credentials { bucket, source },
            ("InvalidObjectState", _) => Error::Archived { bucket, key, source },
            ("AccessDenied", _) | (_, 403) => {
                let (permission, resource) = match operation {
                    "list" => ("s3:ListBucket", bucket.to_string()),
                    _ => ("s3:GetObject", format!("{bucket}/{key}")),
                };
                Error::Denied {
                    permission,
                    resource,
                    source,
                }
            }
            _ => Error::Store {
                operation,
                bucket,
                key,
                source,
            },
        }
    }

    /// The first few folders under the prefix.
    pub(crate) async fn folders(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let reply = self
            .client
            .list_objects_v2()
            .bucket(self.name.as_str())
            .prefix(prefix)
            .delimiter("/")
            .max_keys(10)
            .send()
            .await
            .map_err(|error| self.refused("list", prefix, error))?;
        let folders = reply.common_prefixes().iter();
        Ok(folders
            .filter_map(|folder| folder.prefix().map(str::to_owned))
            .collect())
    }
}
