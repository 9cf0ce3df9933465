mod create_only;
mod metrics;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::primitives::ByteStream;
use backon::Retryable;
use nix::sys::signal::Signal;

use crate::port::Ports;
use crate::process::polling;
use crate::{Bed, Error, Launch, Process, Result, StoredObject, tools};

const READY_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const START_ATTEMPTS: usize = 3;
const ACCESS_KEY_ID: &str = "test-bed";
const SECRET_ACCESS_KEY: &str = "test-bed-secret";
const REGION: &str = "us-east-1";

/// Flags of `weed mini` that name a port. It opens all of them.
const PORT_FLAGS: &[&str] = &[
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
    "metricsPort",
];

/// An S3 server: `SeaweedFS`, with all its parts in one process on loopback ports. It ends when dropped.
#[derive(Debug)]
pub struct S3 {
    bed: Bed,
    launch: Launch,
    process: Process,
    endpoint: String,
    metrics_address: String,
    client: Client,
}

impl S3 {
    /// Starts the server and waits until it answers. The name is for its folder.
    ///
    /// # Errors
    ///
    /// Any of [`Error`] with the server's log.
    pub async fn start(bed: &Bed, name: &str) -> Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::start_once(bed, &crate::bed::attempt_name(name, attempt)).await {
                Err(Error::Ended { .. } | Error::Late { .. }) if attempt < START_ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    async fn start_once(bed: &Bed, name: &str) -> Result<Self> {
        let ports = Ports::reserve(PORT_FLAGS.len())?;
        let numbers = ports.numbers();
        let launch = launch(bed, name, &numbers)?;
        let endpoint = format!("http://127.0.0.1:{}", numbers[0]);
        let metrics_address = format!("127.0.0.1:{}", numbers[PORT_FLAGS.len() - 1]);
        ports.release();
        let s3 = Self {
            bed: bed.clone(),
            process: Process::start(bed, &launch)?,
            launch,
            client: client(&endpoint),
            endpoint,
            metrics_address,
        };
        s3.ready().await?;
        Ok(s3)
    }

    /// The endpoint's URL.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client with all permissions.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The variables with which the AWS SDKs find this server, and nothing of the user's.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        self.variables_by_way_of(&self.endpoint)
    }

    /// The same for another address that leads here, such as a [`FaultProxy`](crate::FaultProxy)'s.
    #[must_use]
    pub fn variables_by_way_of(&self, endpoint: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ]
    }

    /// Stops the server by SIGTERM.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if it had to be killed.
    pub async fn stop(&self) -> Result<()> {
        self.process.stop(STOP_TIMEOUT).await?;
        Ok(())
    }

    /// Ends the server by SIGKILL.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] if the kernel does not let it go.
    pub async fn kill(&self) -> Result<()> {
        self.process.kill().await?;
        Ok(())
    }

    /// Starts the server again, on its old data and ports.
    ///
    /// # Errors
    ///
    /// Any of [`Error`] with the server's log.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = Process::start(&self.bed, &self.launch)?;
        self.ready().await
    }

    /// Stops the process where it is, until [`S3::resume`].
    pub fn pause(&self) {
        self.process.signal(Signal::SIGSTOP);
    }

    /// Lets the paused process go on.
    pub fn resume(&self) {
        self.process.signal(Signal::SIGCONT);
    }

    /// Makes a bucket, unless it is there.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if the server refuses it.
    pub async fn create_bucket(&self, bucket: &str) -> Result<()> {
        match self.client.create_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.into_service_error() {
                CreateBucketError::BucketAlreadyOwnedByYou(_) => Ok(()),
                error => Err(failed(format!("create the bucket {bucket}"), error)),
            },
        }
    }

    /// Keys of all objects whose key begins with `prefix`, sorted.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if the server refuses it.
    pub async fn keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(format!("list {bucket}/{prefix}"), error))?;
            keys.extend(
                page.contents()
                    .iter()
                    .filter_map(|object| object.key().map(str::to_owned)),
            );
        }
        keys.sort();
        Ok(keys)
    }

    /// One object with its metadata.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if it cannot be read.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<StoredObject> {
        let action = || format!("get {bucket}/{key}");
        let reply = self.client.get_object().bucket(bucket).key(key).send().await;
        let reply = reply.map_err(|error| failed(action(), error))?;
        let metadata = reply.metadata.unwrap_or_default().into_iter().collect();
        let body = reply
            .body
            .collect()
            .await
            .map_err(|error| failed(action(), error))?;
        Ok(StoredObject {
            key: key.to_owned(),
            metadata,
            body: body.into_bytes(),
        })
    }

    /// Writes an object with metadata, whether it is there or not.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if the server refuses it.
    pub async fn put(&self, bucket: &str, object: &StoredObject) -> Result<()> {
        self.client
            .put_object()
            .bucket(bucket)
            .key(&object.key)
            .set_metadata(Some(object.metadata.clone().into_iter().collect()))
            .body(ByteStream::from(object.body.clone()))
            .send()
            .await
            .map_err(|error| failed(format!("put {bucket}/{}", object.key), error))?;
        Ok(())
    }

    /// Deletes an object.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if the server refuses it.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<()> {
        self.client
            .delete_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| failed(format!("delete {bucket}/{key}"), error))?;
        Ok(())
    }

    /// How many requests it has answered since its start, of whatever kind and client.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if it does not say.
    pub async fn request_count(&self) -> Result<u64> {
        metrics::sum(&self.metrics_address, "SeaweedFS_s3_request_total").await
    }

    /// Keys of data below `prefix`: those whose name does not begin with `_`.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if the server refuses it.
    pub async fn data_keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let mut keys = self.keys(bucket, prefix).await?;
        keys.retain(|key| !key.rsplit('/').next().unwrap_or_default().starts_with('_'));
        Ok(keys)
    }

    /// All objects of data below `prefix`.
    ///
    /// # Errors
    ///
    /// [`Error::S3`] if they cannot be read.
    pub async fn objects(&self, bucket: &str, prefix: &str) -> Result<Vec<StoredObject>> {
        let mut objects = Vec::new();
        for key in self.data_keys(bucket, prefix).await? {
            objects.push(self.get(bucket, &key).await?);
        }
        Ok(objects)
    }

    async fn ready(&self) -> Result<()> {
        let check = || async {
            if let Some(status) = self.process.ended() {
                return Ok(Err(self.process.failed(status)));
            }
            let listed = self.client.list_buckets().send().await;
            listed.map(|_| Ok(())).map_err(|_| ())
        };
        check
            .retry(polling(READY_TIMEOUT))
            .await
            .unwrap_or_else(|()| Err(self.process.late("a list of buckets", READY_TIMEOUT)))
    }
}

fn launch(bed: &Bed, name: &str, ports: &[u16]) -> Result<Launch> {
    let folder = bed.folder(name)?;
    let mut launch = Launch::new(name, tools::weed()?)
        .arg("mini")
        .arg(format!("-dir={}", folder.display()))
        .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
        // no parts that nobody asks, nothing sent to its makers, no bucket by surprise
        .args([
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
        ])
        .args(["-master.telemetry=false", "-s3.autoCreateBucket=false"])
        // each bucket takes some volumes; as it comes, their number is what the free disk would hold if all were full
        .args(["-volume.max=1000", "-master.volumeSizeLimitMB=64"])
        .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .variable("HOME", &folder)
        .variable("TMPDIR", &folder);
    for (flag, port) in PORT_FLAGS.iter().zip(ports) {
        launch = launch.arg(format!("-{flag}={port}"));
        if let Some(part) = flag.strip_suffix(".port.grpc") {
            // it makes these in /tmp and leaves them there when it is killed
            bed.remove_also(format!("/tmp/seaweedfs-{part}-grpc-{port}.sock").as_ref())?;
        }
    }
    for part in ["filer", "s3"] {
        launch = launch.arg(format!("-{part}.localSocket={}", folder.join(part).display()));
    }
    Ok(launch)
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(
            ACCESS_KEY_ID,
            SECRET_ACCESS_KEY,
            None,
            None,
            "test-bed",
        ))
        .endpoint_url(endpoint)
        .force_path_style(true);
    Client::from_conf(config.build())
}

fn failed(action: String, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::S3 {
        action,
        source: error.into(),
    }
}
