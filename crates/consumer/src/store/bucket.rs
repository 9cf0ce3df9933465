use std::collections::HashMap;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use pipeline_runtime::s3::BucketName;

use super::{Creation, Error, Objects};

/// A bucket as the chain needs it. Each call is one request, but for a LIST: whoever calls decides whether to ask again.
pub(crate) trait Bucket: Send + Sync {
    /// Its name, for errors.
    fn name(&self) -> &BucketName;

    /// Makes an object, if there is none under the key. After an error it may have been made all the same, or be made
    /// yet.
    fn create<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        metadata: HashMap<String, String>,
    ) -> BoxFuture<'a, Result<Creation, Error>>;

    /// An object's metadata, or nothing if there is no object.
    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<HashMap<String, String>>, Error>>;

    /// The keys under a folder, each handed to `each`.
    fn list<'a>(
        &'a self,
        folder: &'a str,
        each: &'a mut (dyn FnMut(&str) + Send),
    ) -> BoxFuture<'a, Result<(), Error>>;
}

impl Bucket for Objects {
    fn name(&self) -> &BucketName {
        self.bucket()
    }

    fn create<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        metadata: HashMap<String, String>,
    ) -> BoxFuture<'a, Result<Creation, Error>> {
        self.create(key, body, "application/octet-stream", metadata)
            .boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<HashMap<String, String>>, Error>> {
        self.head(key).boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        each: &'a mut (dyn FnMut(&str) + Send),
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.list(folder, each).boxed()
    }
}
