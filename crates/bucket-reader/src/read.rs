use std::collections::HashMap;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use pipeline_runtime::exit::with_causes;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio_util::io::SyncIoBridge;

use super::body::Expected;
use super::bucket::{Bucket, Opened};
use super::codec::{BodyFault, Codec};
use super::error::Error;
use super::finding::Findings;
use super::format::Format;
use super::listing::ListedSlot;
use super::metadata::Metadata;
use super::moment::Times;
use super::name::SlotName;
use super::slot::SlotFacts;
use super::{lines, rows};

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
        let Some(Opened { metadata, body }) = opened else {
            return Ok(None);
        };
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        Box::pin(body.into_async_read())
            .read_to_end(&mut bytes)
            .await
            .map_err(|error| Failed::Broken(with_causes(&error)))?;
        Ok(Some(Fetched {
            name,
            key: key.to_owned(),
            body: bytes.into(),
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
        // the check waits for the body on a thread of its own
        let body = SyncIoBridge::new(Box::pin(body.into_async_read()));
        let checked = spawn_blocking(move || lines::check(codec, body, expected)).await;
        let body = self.checked(key, checked)?;
        let key = key.to_owned();
        Ok(Some(SlotFacts::new(name, key, size, metadata, body, findings)))
    }

    fn checked<T>(
        &self,
        key: &str,
        checked: Result<Result<T, BodyFault>, tokio::task::JoinError>,
    ) -> Result<T, Failed> {
        checked
            .map_err(|source| Failed::Fatal(self.bucket.broken_check(key, source)))?
            .map_err(|fault| Failed::Broken(with_causes(&fault)))
    }
}

impl Fetched {
    /// Checks all of it. Takes as long as decoding does.
    ///
    /// # Errors
    ///
    /// Never, as the body is there whole.
    pub fn check(&self, times: Times) -> Result<SlotFacts, BodyFault> {
        let mut findings = Findings::default();
        let metadata = Metadata::parse(&self.metadata, &self.key, &mut findings);
        let expected = expected(self.name, &self.key, &metadata, times);
        let body = match self.name.format {
            Format::Lines(codec) => lines::check(codec, &self.body[..], expected)?,
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
