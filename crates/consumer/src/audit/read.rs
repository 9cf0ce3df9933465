use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::body::{BodyCheck, BodyFacts, Expected};
use super::bucket::{Bucket, Opened};
use super::error::Error;
use super::finding::Findings;
use super::listing::ListedSlot;
use super::metadata::Metadata;
use super::slot::SlotFacts;
use super::topic::Unreadable;

/// Chunks of a body that wait to be checked.
const CHUNKS_QUEUED: usize = 4;

/// Tries of a body that breaks off; the SDK's own retries end where the body begins.
const BODY_RETRIES: usize = 3;

/// A slot's facts, or why it could not be read.
pub(crate) type Read = Result<SlotFacts, Unreadable>;

enum Failed {
    /// The body broke off; the next try may have luck.
    Broken(String),
    Fatal(Error),
}

/// Fetches and checks one object, and gives its size too.
pub(crate) async fn slot(
    bucket: &Bucket,
    key: String,
    slot: ListedSlot,
    recent_from: Option<Timestamp>,
) -> Result<(u64, Read), Error> {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(BODY_RETRIES)
        .with_jitter();
    let read = (|| once(bucket, &key, slot, recent_from))
        .retry(backoff)
        .when(|failed| matches!(failed, Failed::Broken(_)))
        .await;
    let unreadable = |why| Unreadable {
        name: slot.name,
        key: key.clone(),
        why,
    };
    match read {
        Ok(Some(facts)) => Ok((slot.size, Ok(facts))),
        Ok(None) => {
            let why = "it was listed, and is gone now".to_owned();
            Ok((slot.size, Err(unreadable(why))))
        }
        Err(Failed::Broken(why)) => {
            let why = format!("it cannot be read to its end: {why}");
            Ok((slot.size, Err(unreadable(why))))
        }
        Err(Failed::Fatal(error)) => Err(error),
    }
}

async fn once(
    bucket: &Bucket,
    key: &str,
    ListedSlot { name, size }: ListedSlot,
    recent_from: Option<Timestamp>,
) -> Result<Option<SlotFacts>, Failed> {
    let Some(Opened { metadata, body }) = bucket.open(key).await.map_err(Failed::Fatal)? else {
        return Ok(None);
    };
    let mut findings = Findings::default();
    let metadata = Metadata::parse(&metadata, key, &mut findings);
    let expected = Expected {
        key: key.to_owned(),
        partition: name.partition,
        offsets: metadata.record_offsets(),
        codec: name.codec,
        recent_from,
    };
    let body = check(bucket, body, expected).await?;
    Ok(Some(SlotFacts::new(
        name,
        key.to_owned(),
        size,
        metadata,
        body,
        findings,
    )))
}

/// Checks the body on a thread of its own while it still comes in.
async fn check(bucket: &Bucket, mut body: ByteStream, expected: Expected) -> Result<BodyFacts, Failed> {
    let key = expected.key.clone();
    let (chunks, mut received) = mpsc::channel::<Bytes>(CHUNKS_QUEUED);
    let checked = spawn_blocking(move || {
        let mut check = BodyCheck::new(expected)?;
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
                broken = Some(with_causes(&error));
                break;
            }
        }
    }
    drop(chunks);
    let checked = checked.await;
    match broken {
        Some(why) => Err(Failed::Broken(why)),
        None => checked
            .map_err(|source| Failed::Fatal(bucket.broken_check(&key, source)))?
            .map_err(|fault: super::codec::BodyFault| Failed::Broken(fault.to_string())),
    }
}

fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
