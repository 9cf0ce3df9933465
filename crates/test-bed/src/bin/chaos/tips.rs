//! How far the bucket has come. The group's commits do not tell: one that fails in a rebalance is not made again.

use std::collections::BTreeMap;

use test_bed::{Kafka, S3};

use crate::error::Error;
use crate::seat::{BUCKET, TOPIC};

const SLOT_END: &str = "slot-end";

/// How many offsets at the ends of the log are in no object yet.
pub(crate) async fn unwritten(kafka: &Kafka, s3: &S3) -> Result<i64, Error> {
    let mut tips = BTreeMap::<i32, (i64, String)>::new();
    for key in s3.data_keys(BUCKET, TOPIC).await? {
        if let Some((partition, start)) = place_of(&key) {
            let tip = tips.entry(partition).or_default();
            *tip = std::mem::take(tip).max((start, key));
        }
    }
    let mut unwritten = 0;
    for (partition, log_end) in kafka.ends(TOPIC).await? {
        let next = match tips.get(&partition) {
            Some((_, key)) => end_of(s3, key).await? + 1,
            None => 0,
        };
        unwritten += log_end - next;
    }
    Ok(unwritten)
}

async fn end_of(s3: &S3, key: &str) -> Result<i64, Error> {
    let object = s3.get(BUCKET, key).await?;
    let end = object.metadata.get(SLOT_END).and_then(|end| end.parse().ok());
    end.ok_or_else(|| Error::NoEnd { key: key.to_owned() })
}

/// Partition and first offset, of a name like `ticks-00003-00000000000000000042.jsonl.zst`.
fn place_of(key: &str) -> Option<(i32, i64)> {
    let name = key.rsplit('/').next()?.split('.').next()?;
    let mut parts = name.rsplit('-');
    let start = parts.next()?.parse().ok()?;
    let partition = parts.next()?.parse().ok()?;
    Some((partition, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_place() {
        let key = "ticks/dt=2026-11-23/hour=14/ticks-00003-00000000000000000042.jsonl.zst";
        assert_eq!(place_of(key), Some((3, 42)));
        assert_eq!(place_of("ticks/other"), None);
    }
}
