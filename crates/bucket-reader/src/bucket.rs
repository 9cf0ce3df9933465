use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::Object;
use pipeline_runtime::s3::{BucketName, Operation, RefusedRequest, client_config};

use super::args::BucketArgs;
use super::error::Error;

/// Tries of a request, with the SDK's backoff between them.
const ATTEMPTS: u32 = 5;

/// The bucket, read only. The SDK retries what fails in passing.
#[derive(Clone, Debug)]
pub struct Bucket {
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
    ///
    /// # Errors
    ///
    /// If no source names a region.
    pub async fn connect(args: &BucketArgs) -> Result<Self, Error> {
        let config = client_config(&args.s3)
            .await?
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            name: args.bucket.clone(),
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
            let page = page.map_err(|error| self.refused(Operation::ListObjects, prefix, error))?;
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
            Err(error) => Err(self.refused(Operation::GetObject, key, error).into()),
        }
    }

    /// The error of a body that broke off.
    pub(crate) fn broken_body(&self, key: &str, source: std::io::Error) -> Error {
        Error::BrokenOff {
            bucket: self.name.clone(),
            key: key.to_owned(),
            source,
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

    fn refused<E>(&self, operation: Operation, key: &str, error: SdkError<E, HttpResponse>) -> RefusedRequest
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        RefusedRequest::of(operation, &self.name, key, error)
    }

    /// The first few folders under the prefix.
    ///
    /// # Errors
    ///
    /// If the store refuses it.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let reply = self
            .client
            .list_objects_v2()
            .bucket(self.name.as_str())
            .prefix(prefix)
            .delimiter("/")
            .max_keys(10)
            .send()
            .await
            .map_err(|error| self.refused(Operation::ListObjects, prefix, error))?;
        let folders = reply.common_prefixes().iter();
        Ok(folders
            .filter_map(|folder| folder.prefix().map(str::to_owned))
            .collect())
    }
}
