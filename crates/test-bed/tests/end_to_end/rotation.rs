//! When and why an object is closed, and what one can learn of it.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::producer::FutureRecord;
use serde_json::Value;

use crate::metrics::{until, until_written};
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

#[test]
fn a_dry_run_prints_the_keys_that_are_then_written() {
    run(async {
        let world = World::new("dry-run", 3).await;
        let mut session = Session::new();
        let flags = ["--flush-records", "40", "--flush-interval", "1h"];
        session.send(&world.kafka, &world.topic, 250).await;
        let first = world.start(&world.consumer("first").args(flags));
        until_written(&first, 1).await;
        stop(&first).await;
        let there: BTreeSet<_> = keys(&world).await;
        session.send(&world.kafka, &world.topic, 300).await;

        let dry = world.start(&world.consumer("dry").args(flags).args(["--dry-run"]));
        dry.success(PATIENCE).await.unwrap();
        assert_eq!(keys(&world).await, there, "a dry run wrote something");
        let planned: Vec<Value> = dry
            .stdout()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let records: u64 = planned
            .iter()
            .map(|object| object["records"].as_u64().unwrap())
            .sum();
        assert_eq!(records, 300);

        let second = world.start(&world.consumer("second").args(flags));
        let metadata = |name: &str, object: &Value| object[name].to_string();
        let full = planned
            .iter()
            .filter(|object| object["closed_by"] == "records")
            .count();
        assert!(full > 0);
        until_written(&second, full).await;
        stop(&second).await;
        let written = world.s3.objects(&world.bucket, "").await.unwrap();
        let written: BTreeMap<_, _> = written
            .into_iter()
            .filter(|object| !there.contains(&object.key))
            .map(|object| {
                (
                    object.key,
                    (object.metadata["slot-end"].clone(), object.body.len()),
                )
            })
            .collect();
        let planned: BTreeMap<_, _> = planned
            .iter()
            .map(|object| {
                let bytes = usize::try_from(object["bytes"].as_u64().unwrap()).unwrap();
                (
                    object["key"].as_str().unwrap().to_owned(),
                    (metadata("end", object), bytes),
                )
            })
            .collect();
        assert_eq!(written, planned);
    });
}

async fn keys(world: &World) -> BTreeSet<String> {
    let objects = world.s3.objects(&world.bucket, "").await.unwrap();
    objects.into_iter().map(|object| object.key).collect()
}

#[test]
fn each_object_tells_why_it_was_closed() {
    run(async {
        let world = World::new("closed-by", 1).await;
        let flags = [
            "--flush-records",
            "20",
            "--flush-bytes",
            "20KiB",
            "--compression",
            "none",
        ];
        let consumer = world.consumer("a").args(flags);
        let producer = world.kafka.producer().unwrap();
        let send = async |count: usize, bytes: usize, timestamp_ms: i64| {
            for _ in 0..count {
                let value = "x".repeat(bytes);
                let record = FutureRecord::<str, _>::to(&world.topic).payload(&value);
                producer
                    .send(record.timestamp(timestamp_ms), PATIENCE)
                    .await
                    .unwrap();
            }
        };
        let hour_ms = 3_600_000;
        send(20, 10, hour_ms).await; // records, as the next one shows
        send(1, 10, hour_ms).await;
        send(1, 10, 2 * hour_ms).await; // hour
        send(1, 200_000, 2 * hour_ms).await; // bytes, once it is through the encoder
        // all there before it starts: a broker that is slow to take them gives no run time to age
        let consumer = world.start(&consumer.variable("FLUSH_INTERVAL", "3s"));
        until(
            &consumer,
            r#"quote_consumer_objects_written_total{closed_by="hour"}"#,
            |count| count >= 1.0,
        )
        .await;
        send(1, 10, 2 * hour_ms).await; // age
        until(
            &consumer,
            r#"quote_consumer_objects_written_total{closed_by="age"}"#,
            |count| count >= 1.0,
        )
        .await;
        send(1, 10, 2 * hour_ms).await;
        until(&consumer, "quote_consumer_records_read_total", |count| {
            count >= 25.0
        })
        .await;
        stop(&consumer).await; // shutdown

        let mut objects = world.s3.objects(&world.bucket, "").await.unwrap();
        objects.sort_by_key(|object| object.metadata["slot-start"].parse::<i64>().unwrap());
        let reasons: Vec<_> = objects
            .iter()
            .map(|object| object.metadata["closed-by"].as_str())
            .collect();
        assert_eq!(reasons, ["records", "hour", "bytes", "age", "shutdown"]);
        for reason in reasons {
            assert!(
                consumer.log().contains(&format!("closed_by=\"{reason}\"")),
                "{}",
                consumer.log()
            );
        }
        world.assert_clean().await;
    });
}
