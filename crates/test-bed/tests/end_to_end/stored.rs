//! What lies in Kafka against what lies in S3: the one place where "each exactly once, as it came" is decided.

use std::collections::BTreeMap;

use quote_model::Tick;
use test_bed::{Record, StoredObject};

use crate::world::World;

/// Asserts that the bucket holds each record of the topic once, in the log's order, and nothing else.
pub(crate) async fn assert_each_once(world: &World) -> Vec<Record> {
    let records = world.kafka.records(&world.topic).await.unwrap();
    let objects = world.s3.objects(&world.bucket, "").await.unwrap();
    let stored = lines_by_partition(objects);
    let mut expected: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for record in &records {
        expected
            .entry(record.partition)
            .or_default()
            .push(expected_line(record));
    }
    for (partition, expected) in &expected {
        let stored = stored.get(partition).map_or(&[][..], Vec::as_slice);
        let differs = (0..expected.len().max(stored.len())).find(|n| expected.get(*n) != stored.get(*n));
        if let Some(n) = differs {
            panic!(
                "partition {partition}: {} records in Kafka, {} lines in S3; the first that differ:\n{:?}\n{:?}",
                expected.len(),
                stored.len(),
                expected.get(n),
                stored.get(n)
            );
        }
    }
    assert_eq!(expected.len(), stored.len());
    records
}

/// The lines of each partition, in the order of its chain of objects.
fn lines_by_partition(mut objects: Vec<StoredObject>) -> BTreeMap<i32, Vec<String>> {
    let place = |object: &StoredObject| {
        let name = object.key.rsplit('/').next().unwrap().split('.').next().unwrap();
        let (rest, start) = name.rsplit_once('-').unwrap();
        let (_, partition) = rest.rsplit_once('-').unwrap();
        (partition.parse::<i32>().unwrap(), start.parse::<i64>().unwrap())
    };
    objects.sort_by_key(place);
    let mut lines: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for object in objects {
        let (partition, _) = place(&object);
        let text = |line| in_sorted_fields(String::from_utf8(line).unwrap());
        lines
            .entry(partition)
            .or_default()
            .extend(object.lines().unwrap().into_iter().map(text));
    }
    lines
}

/// Envelopes are compared by their fields, not by the order of these.
fn in_sorted_fields(line: String) -> String {
    if line.starts_with(r#"{"not_a_tick""#) {
        let envelope: serde_json::Value = serde_json::from_str(&line).unwrap();
        envelope.to_string()
    } else {
        line
    }
}

/// A tick's own bytes. Of anything else, what its envelope must hold, here in the same words.
fn expected_line(record: &Record) -> String {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    let error = match record.value.as_deref() {
        None => "it has no value".to_owned(),
        Some([]) => "its value is empty".to_owned(),
        Some(value) => match Tick::decode(value) {
            Ok(_) => return String::from_utf8(value.to_vec()).unwrap(),
            Err(error) => error.to_string(),
        },
    };
    let mut envelope = serde_json::Map::new();
    envelope.insert("not_a_tick".to_owned(), error.into());
    envelope.insert("partition".to_owned(), record.partition.into());
    envelope.insert("offset".to_owned(), record.offset.into());
    envelope.extend(
        record
            .timestamp_ms
            .map(|timestamp| ("timestamp".to_owned(), timestamp.into())),
    );
    for (name, bytes) in [("key", &record.key), ("value", &record.value)] {
        if let Some(bytes) = bytes {
            envelope.insert(name.to_owned(), BASE64_STANDARD.encode(bytes).into());
        }
    }
    serde_json::to_string(&envelope).unwrap()
}
