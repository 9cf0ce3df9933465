use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use pipeline_runtime::s3::{BucketName, Operation, RefusedRequest, S3Args, client_config};

use super::error::Error;
use super::write_settings::WriteSettings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For the first byte of a reply. A PUT that takes longer is not lost: it is asked for again.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);

/// What a create-only PUT did, where the store said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// 200: this request made the object.
    Created,
    /// 412: the object was there.
    Exists,
}

/// One bucket's objects. Each call is one request: whoever calls decides whether to ask again.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    client: Client,
    bucket: BucketName,
    write_settings: WriteSettings,
}

impl Objects {
    /// A client for the bucket, by the SDK's own chain.
    ///
    /// # Errors
    ///
    /// If no source names a region.
    pub(crate) async fn connect(
        args: &S3Args,
        bucket: BucketName,
        write_settings: WriteSettings,
    ) -> Result<Self, pipeline_runtime::Error> {
        let config = write_settings
            .configure(client_config(args).await?)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(READ_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .build(),
            )
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            bucket,
            write_settings,
        })
    }

    /// The bucket.
    #[must_use]
    pub(crate) fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// Makes an object, if there is none under the key.
    ///
    /// # Errors
    ///
    /// Anything but 200 and 412. The object may have been made all the same, or be made yet.
    pub(crate) async fn create(
        &self,
        key: &str,
        body: Bytes,
        content_type: &'static str,
        metadata: HashMap<String, String>,
    ) -> Result<Creation, Error> {
        let put = self
            .client
            .put_object()
            .bucket(self.bucket.as_str())
            .key(key)
            .if_none_match("*");
        let sent = self
            .write_settings
            .apply(put)
            .content_type(content_type)
            .set_metadata(Some(metadata))
            .body(ByteStream::from(body))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Creation::Created),
            Err(error) if status_of(&error) == Some(412) => Ok(Creation::Exists),
            Err(error) => {
                Err(RefusedRequest::of(self.write_settings.operation(), &self.bucket, key, error).into())
            }
        }
    }

    /// An object's metadata, or nothing if there is no object.
    ///
    /// # Errors
    ///
    /// Anything but 200 and 404.
    pub(crate) async fn head(&self, key: &str) -> Result<Option<HashMap<String, String>>, Error> {
        let sent = self
            .client
            .head_object()
            .bucket(self.bucket.as_str())
            .key(key)
            .send()
            .await;
        match sent {
            Ok(object) => Ok(Some(object.metadata.unwrap_or_default())),
            Err(error) if status_of(&error) == Some(404) => Ok(None),
            Err(error) => Err(RefusedRequest::of(Operation::HeadObject, &self.bucket, key, error).into()),
        }
    }

    /// A small object's bytes, or nothing if there is no object.
    ///
    /// # Errors
    ///
    /// Anything but 200 and 404, and a body that breaks off.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let sent = self
            .client
            .get_object()
            .bucket(self.bucket.as_str())
            .key(key)
            .send()
            .await;
        match sent {
            Ok(object) => match object.body.collect().await {
                Ok(body) => Ok(Some(body.into_bytes())),
                Err(source) => Err(Error::BrokenOff {
                    bucket: self.bucket.clone(),
                    key: key.to_owned(),
                    source,
                }),
            },
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetObjectError::is_no_such_key) =>
            {
                Ok(None)
            }
            Err(error) => Err(RefusedRequest::of(Operation::GetObject, &self.bucket, key, error).into()),
        }
    }

    /// The keys under a folder, each handed to `each`.
    ///
    /// # Errors
    ///
    /// If any page cannot be had.
    pub(crate) async fn list(&self, folder: &str, mut each: impl FnMut(&str) + Send) -> Result<(), Error> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(folder)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page
                .map_err(|error| RefusedRequest::of(Operation::ListObjects, &self.bucket, folder, error))?;
            page.contents()
                .iter()
                .filter_map(|object| object.key())
                .for_each(&mut each);
        }
        Ok(())
    }

    /// Whether the bucket is there and the folder may be listed: by a GET, as a HEAD that is refused does not say why.
    ///
    /// # Errors
    ///
    /// If it cannot, and why.
    pub(crate) async fn reach(&self, folder: &str) -> Result<(), Error> {
        let sent = self
            .client
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(folder)
            .max_keys(1)
            .send()
            .await;
        sent.map(drop)
            .map_err(|error| RefusedRequest::of(Operation::ListObjects, &self.bucket, folder, error).into())
    }

    /// Removes an object, for cleaning up only: the chain never needs it, and may lack the permission.
    pub(crate) async fn try_remove(&self, key: &str) {
        if let Err(error) = self
            .client
            .delete_object()
            .bucket(self.bucket.as_str())
            .key(key)
            .send()
            .await
        {
            let error = RefusedRequest::of(Operation::DeleteObject, &self.bucket, key, error);
            tracing::debug!(key, %error, "left behind");
        }
    }
}

fn status_of<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
