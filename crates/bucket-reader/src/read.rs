use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use backon::{ExponentialBuilder, Retryable};
use bytes::{Bytes, BytesMut};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;

use super::body::{BodyFacts, Expected, Times};
use super::bucket::{Bucket, Opened};
use super::codec::{BodyFault, Codec};
use super::error::Error;
use super::finding::Findings;
use super::format::Format;
use super::lines::LinesCheck;
use super::listing::ListedSlot;
use super::metadata::Metadata;
use super::name::SlotName;
use super::rows;
use super::slot::SlotFacts;

/// Chunks of a body that wait to be checked.
const CHUNKS_QUEUED: usize = 4;

/// Tries of a body that breaks off; the SDK's own retries end where the body begins.
const BODY_RETRIES: usize = 3;

/// KiB of objects that may be in memory as a whole at a time; one that is larger is there alone.
const WHOLE_MAX_KIB: u32 = 256 * 1024;

/// A slot's facts, or why it could not be read.
pub type Checked = Result<SlotFacts, Unreadable>;

/// An object that could not be read to its end, and why.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Unreadable {
    pub name: SlotName,
    pub key: String,
    pub why: String,
}

/// An object with all its bytes, which are not checked yet.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Fetched {
    pub name: SlotName,
    pub key: String,
    pub body: Bytes,
    pub metadata: HashMap<String, String>,
}

enum Failed {
    /// The body broke off; the next try may have luck.
    Broken(String),
    Fatal(Error),
}

/// Reads slots, and keeps in bounds what is in memory.
pub struct SlotReader {
    bucket: Bucket,
    times: Times,
    whole_kib: Semaphore,
}

impl SlotReader {
    /// A reader of this bucket.
    #[must_use]
    pub fn new(bucket: Bucket, times: Times) -> Self {
        Self {
            bucket,
            times,
            whole_kib: Semaphore::new(WHOLE_MAX_KIB as usize),
        }
    }

    /// Fetches and checks one object, and gives its size too.
    ///
    /// # Errors
    ///
    /// What has nothing to do with this object, such as a permission that is missing.
    pub async fn check(&self, key: String, slot: ListedSlot) -> Result<(u64, Checked), Error> {
        let ListedSlot { name, size } = slot;
        let read = match name.format {
            Format::Lines(codec) => with_retries(|| self.check_lines(&key, slot, codec)).await,
            Format::Parquet => self.check_rows(&key, slot).await,
        };
        Ok((size, known(read, name, &key)?))
    }

    /// Fetches an object as it is.
    ///
    /// # Errors
    ///
    /// As for [`SlotReader::check`].
    pub async fn fetch(
        &self,
        key: String,
        ListedSlot { name, size }: ListedSlot,
    ) -> Result<Result<Fetched, Unreadable>, Error> {
        known(
            with_retries(|| self.fetch_once(&key, name, size)).await,
            name,
            &key,
        )
    }

    async fn check_rows(&self, key: &str, slot: ListedSlot) -> Result<Option<SlotFacts>, Failed> {
        let ListedSlot { name, size } = slot;
        let kib = u32::try_from(size >> 10)
            .unwrap_or(u32::MAX)
            .clamp(1, WHOLE_MAX_KIB);
        // fails only once the semaphore is closed, which nobody does
        let _permit = self.whole_kib.acquire_many(kib).await;
        let Some(fetched) = with_retries(|| self.fetch_once(key, name, size)).await? else {
            return Ok(None);
        };
        let times = self.times;
        let checked = spawn_blocking(move || fetched.check(times)).await;
        self.checked(key, checked).map(Some)
    }

    async fn fetch_once(&self, key: &str, name: SlotName, size: u64) -> Result<Option<Fetched>, Failed> {
        let opened = self.bucket.open(key).await.map_err(Failed::Fatal)?;
        let Some(Opened { metadata, mut body }) = opened else {
            return Ok(None);
        };
        let mut bytes = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
        while let Some(chunk) = body.try_next().await.map_err(|error| broken_off(&error))? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(Fetched {
            name,
            key: key.to_owned(),
            body: bytes.freeze(),
            metadata,
        }))
    }

    async fn check_lines(
        &self,
        key: &str,
        ListedSlot { name, size }: ListedSlot,
        codec: Codec,
    ) -> Result<Option<SlotFacts>, Failed> {
        let opened = self.bucket.open(key).await.map_err(Failed::Fatal)?;
        let Some(Opened { metadata, body }) = opened else {
            return Ok(None);
        };
        let mut findings = Findings::default();
        let metadata = Metadata::parse(&metadata, key, &mut findings);
        let expected = expected(name, key, &metadata, self.times);
        let body = self.check_stream(body, codec, expected).await?;
        let key = key.to_owned();
        Ok(Some(SlotFacts::new(name, key, size, metadata, body, findings)))
    }

    /// Checks the lines on a thread of their own while the body still comes in.
    async fn check_stream(
        &self,
        mut body: ByteStream,
        codec: Codec,
        expected: Expected,
    ) -> Result<BodyFacts, Failed> {
        let key = expected.key.clone();
        let (chunks, mut received) = mpsc::channel::<Bytes>(CHUNKS_QUEUED);
        let checked = spawn_blocking(move || {
            let mut check = LinesCheck::new(codec, expected)?;
            let mut read = Ok(());
            while read.is_ok()
                && let Some(chunk) = received.blocking_recv()
            {
                read = check.push(&chunk);
            }
            Ok(check.finish(read))
        });
        let mut broken = None;
        loop {
            match body.try_next().await {
                Ok(Some(chunk)) => {
                    if chunks.send(chunk).await.is_err() {
                        break; // a fault was found, the rest cannot be read
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    broken = Some(broken_off(&error));
                    break;
                }
            }
        }
        drop(chunks);
        let checked = checked.await;
        match broken {
            Some(failed) => Err(failed),
            None => self.checked(&key, checked),
        }
    }

    fn checked<T>(
        &self,
        key: &str,
        checked: Result<Result<T, BodyFault>, tokio::task::JoinError>,
    ) -> Result<T, Failed> {
        checked
            .map_err(|source| Failed::Fatal(self.bucket.broken_check(key, source)))?
            .map_err(|fault| Failed::Broken(fault.to_string()))
    }
}

impl Fetched {
    /// Checks all of it. Takes as long as decoding does.
    ///
    /// # Errors
    ///
    /// If no decoder can be made.
    pub fn check(&self, times: Times) -> Result<SlotFacts, BodyFault> {
        let mut findings = Findings::default();
        let metadata = Metadata::parse(&self.metadata, &self.key, &mut findings);
        let expected = expected(self.name, &self.key, &metadata, times);
        let body = match self.name.format {
            Format::Lines(codec) => {
                let mut check = LinesCheck::new(codec, expected)?;
                let read = check.push(&self.body);
                check.finish(read)
            }
            Format::Parquet => rows::check(&self.body, metadata.body_crc32c, expected),
        };
        let size = self.body.len() as u64;
        let key = self.key.clone();
        Ok(SlotFacts::new(self.name, key, size, metadata, body, findings))
    }
}

fn expected(name: SlotName, key: &str, metadata: &Metadata, times: Times) -> Expected {
    Expected {
        key: key.to_owned(),
        partition: name.partition,
        offsets: metadata.record_offsets(),
        times,
    }
}

async fn with_retries<T, F>(once: impl Fn() -> F) -> Result<T, Failed>
where
    F: Future<Output = Result<T, Failed>>,
{
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(BODY_RETRIES)
        .with_jitter();
    once.retry(backoff)
        .when(|failed| matches!(failed, Failed::Broken(_)))
        .await
}

fn known<T>(
    read: Result<Option<T>, Failed>,
    name: SlotName,
    key: &str,
) -> Result<Result<T, Unreadable>, Error> {
    let why = match read {
        Ok(Some(read)) => return Ok(Ok(read)),
        Ok(None) => "it was listed, and is gone now".to_owned(),
        Err(Failed::Broken(why)) => format!("it cannot be read to its end: {why}"),
        Err(Failed::Fatal(error)) => return Err(error),
    };
    let key = key.to_owned();
    Ok(Err(Unreadable { name, key, why }))
}

fn broken_off(error: &(dyn StdError + 'static)) -> Failed {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    Failed::Broken(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}
