//! Objects as the consumer writes them, made here: for what would take too long to bring about, or never should be.

use std::collections::BTreeMap;

use futures::StreamExt;
use test_bed::StoredObject;

use crate::world::World;

/// The hour of all keys, and of the ticks.
const HOUR: &str = "dt=2026-11-23/hour=14";

/// The tick of a session that all made objects share.
pub(crate) fn tick(symbol: &str, seq: u64) -> Vec<u8> {
    format!(
        r#"{{"v":1,"symbol":"{symbol}","price":{seq}.5,"ts_recv":"2026-11-23T14:00:00.5Z","channel":"rest_price","producer":"made","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":{seq}}}"#
    )
    .into_bytes()
}

/// A slot of these lines, not compressed, each with an offset.
pub(crate) fn slot(world: &World, partition: u32, start: u64, lines: &[Vec<u8>]) -> StoredObject {
    let body = [lines.join(&b"\n"[..]), b"\n".to_vec()].concat();
    let crc32c = |bytes: &[u8]| format!("{:08x}", crc32c::crc32c(bytes));
    let is_envelope = |line: &&Vec<u8>| line.starts_with(br#"{"not_a_tick""#);
    let metadata = [
        ("slot-start", start.to_string()),
        ("slot-end", (start + lines.len() as u64 - 1).to_string()),
        ("first-offset", start.to_string()),
        ("record-count", lines.len().to_string()),
        (
            "not-tick-count",
            lines.iter().filter(is_envelope).count().to_string(),
        ),
        ("run-id", "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a11".to_owned()),
        ("first-record-crc32c", crc32c(&lines[0])),
        ("body-crc32c", crc32c(&body)),
        ("schema", "tick/1".to_owned()),
        ("codec", "none".to_owned()),
        ("closed-by", "age".to_owned()),
    ];
    let topic = &world.topic;
    StoredObject {
        key: format!("{topic}/{HOUR}/{topic}-{partition:05}-{start:020}.jsonl"),
        metadata: metadata
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect(),
        body: body.into(),
    }
}

/// Puts slots into the bucket, and the layout that they are of.
pub(crate) async fn put(world: &World, slots: impl IntoIterator<Item = StoredObject>) {
    let topic = &world.topic;
    let layout = format!(
        r#"{{"layout_version":1,"id":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a12","topic":"{topic}","format":"jsonl","compression":"none"}}"#
    );
    let layout = StoredObject {
        key: format!("{topic}/_layout.json"),
        metadata: BTreeMap::new(),
        body: layout.into(),
    };
    let put = async |object: StoredObject| world.s3.put(&world.bucket, &object).await.unwrap();
    let puts = slots.into_iter().chain([layout]).map(put);
    futures::stream::iter(puts)
        .buffer_unordered(16)
        .collect::<()>()
        .await;
}
