use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::builders::HeadObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use bytes::Bytes;
use pipeline_runtime::s3::{BucketName, Hold, Operation, Refusal, RefusedRequest, S3Args};

use super::client::RenewableClient;
use super::error::Error;
use super::write_settings::{Unkept, WriteSettings};

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
    client: RenewableClient,
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
        Ok(Self {
            client: RenewableClient::connect(args, &write_settings).await?,
            bucket,
            write_settings,
        })
    }

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
        let client = self.client.current();
        self.create_by(&client, key, body, content_type, metadata).await
    }

    /// A client whose PUTs are held in the middle, for [`Objects::create_by`].
    ///
    /// # Errors
    ///
    /// As for [`Objects::connect`].
    pub(super) async fn held_client(&self, hold: Hold) -> Result<Client, pipeline_runtime::Error> {
        self.client.held(hold).await
    }

    /// As [`Objects::create`], by a client beside ours.
    pub(super) async fn create_by(
        &self,
        client: &Client,
        key: &str,
        body: Bytes,
        content_type: &'static str,
        metadata: HashMap<String, String>,
    ) -> Result<Creation, Error> {
        let put = client
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
            Err(error) => Err(self.refused(self.write_settings.operation(), key, error).await),
        }
    }

    /// An object's metadata, or nothing if there is no object.
    ///
    /// # Errors
    ///
    /// Anything but 200 and 404.
    pub(crate) async fn head(&self, key: &str) -> Result<Option<HashMap<String, String>>, Error> {
        match self.look_at(key).send().await {
            Ok(object) => Ok(Some(object.metadata.unwrap_or_default())),
            Err(error) if status_of(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.refused(Operation::HeadObject, key, error).await),
        }
    }

    /// A setting with which the object was written, and that the store has not kept.
    ///
    /// # Errors
    ///
    /// If the store does not say.
    pub(super) async fn unkept_setting(&self, key: &str) -> Result<Option<Unkept>, Error> {
        let mode = self
            .write_settings
            .has_checksum()
            .then_some(ChecksumMode::Enabled);
        match self.look_at(key).set_checksum_mode(mode).send().await {
            Ok(object) => Ok(self.write_settings.unkept(&object)),
            Err(error) => Err(self.refused(Operation::HeadObject, key, error).await),
        }
    }

    fn look_at(&self, key: &str) -> HeadObjectFluentBuilder {
        let client = self.client.current();
        client.head_object().bucket(self.bucket.as_str()).key(key)
    }

    /// The flags of those settings that were asked for, empty if there are none.
    pub(super) fn settings_in_use(&self) -> String {
        self.write_settings.in_use()
    }

    /// A small object's bytes, or nothing if there is no object.
    ///
    /// # Errors
    ///
    /// Anything but 200 and 404, and a body that breaks off.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let sent = self
            .client
            .current()
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
            Err(error) => Err(self.refused(Operation::GetObject, key, error).await),
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
            .current()
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(folder)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => return Err(self.refused(Operation::ListObjects, folder, error).await),
            };
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
            .current()
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(folder)
            .max_keys(1)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => Err(self.refused(Operation::ListObjects, folder, error).await),
        }
    }

    /// Removes an object, for cleaning up only: the chain never needs it, and may lack the permission.
    pub(crate) async fn try_remove(&self, key: &str) {
        if let Err(error) = self
            .client
            .current()
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

    /// What the refusal means. New credentials are looked for if it is of the old ones.
    async fn refused<E>(&self, operation: Operation, key: &str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let refused = RefusedRequest::of(operation, &self.bucket, key, error);
        if matches!(refused.refusal(), Refusal::CredentialsRefused { .. }) {
            self.client.renew().await;
        }
        refused.into()
    }
}

fn status_of<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
