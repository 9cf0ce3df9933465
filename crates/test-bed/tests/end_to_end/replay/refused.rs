//! What a replay refuses, and where it says to go on.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::FutureRecord;
use serde_json::Value;

use super::{contents, end, records, replay, stored, succeed};
use crate::made;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, built, run, stop};

#[test]
fn what_would_double_or_damage_records_is_refused_before_anything_is_sent() {
    run(async {
        let source = stored("replay-refused", 2, &[30], &[]).await;
        let target = World::new("replay-refused-again", 1).await;
        let missing = World {
            topic: "replay-refused-missing".to_owned(),
            bucket: source.bucket.clone(),
            bed: source.bed.clone(),
            kafka: source.kafka.clone(),
            s3: source.s3.clone(),
        };
        let cases: [(&World, &[&str], i32, &str); 6] = [
            (&source, &[], 78, "--same-topic"),
            (&target, &[], 78, "--partitioning key"),
            (&missing, &[], 1, "broker-setup topics apply"),
            (&target, &["--partition", "7"], 78, "correct the selection"),
            (&target, &["--prefix", "mistyped"], 78, "--from-topic"),
            (
                &target,
                &["--from-offset", "9", "--to-offset", "9"],
                78,
                "--to-offset 9",
            ),
        ];
        for (to, flags, expected, says) in cases {
            let (status, _, log) = end(to, &replay(&source, to, flags)).await;
            assert_eq!(status, Some(expected), "{flags:?}: {log}");
            assert!(log.contains(says), "{flags:?}: {log}");
        }
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), 0);
        assert_eq!(source.kafka.record_count(&source.topic).await.unwrap(), 30);

        succeed(&target, &replay(&source, &target, &["--partitioning", "key"])).await;
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), 30);
        succeed(&source, &replay(&source, &source, &["--same-topic"])).await;
        assert_eq!(source.kafka.record_count(&source.topic).await.unwrap(), 60);
    });
}

#[test]
fn nothing_of_a_damaged_object_is_sent_and_what_stood_before_it_is() {
    run(async {
        let source = stored("replay-damaged", 1, &[20, 20, 20], &[]).await;
        let target = World::new("replay-damaged-again", 1).await;
        let objects = source.s3.objects(&source.bucket, "").await.unwrap();
        let mut damaged = objects.last().unwrap().clone();
        damaged
            .metadata
            .insert("body-crc32c".to_owned(), "00000000".to_owned());
        source.s3.put(&source.bucket, &damaged).await.unwrap();
        let (status, _, log) = end(&target, &replay(&source, &target, &[])).await;
        assert_eq!(status, Some(1), "{log}");
        assert!(
            log.contains(&damaged.key) && log.contains("body-crc32c says 00000000"),
            "{log}"
        );
        let before: usize = damaged.metadata["slot-start"].parse().unwrap();
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), before);
        assert!(log.contains(&format!("--from-offset 0:{before}")), "{log}");
    });
}

#[test]
fn a_record_that_kafka_refuses_ends_it_with_where_to_go_on() {
    run(async {
        let source = World::new("replay-too-large", 1).await;
        let mut session = Session::new();
        session.send(&source.kafka, &source.topic, 5).await;
        let value = "x".repeat(5000);
        let odd = FutureRecord::<str, str>::to(&source.topic).payload(&value);
        source
            .kafka
            .producer()
            .unwrap()
            .send(odd, PATIENCE)
            .await
            .unwrap();
        session.send(&source.kafka, &source.topic, 5).await;
        let consumer = source.start(&source.consumer("writer"));
        source.until_stored(11, &[&consumer]).await;
        stop(&consumer).await;

        let target = World::new("replay-too-large-again", 1).await;
        let small = ["-X", "message.max.bytes=2000"];
        let (status, _, log) = end(&target, &replay(&source, &target, &small)).await;
        assert_eq!(status, Some(1), "{log}");
        assert!(log.contains("1 of 6 records did not reach"), "{log}");
        assert!(log.contains("partition 0, offset 5"), "{log}");
        assert!(log.contains("--from-offset 0:5"), "{log}");
        assert_eq!(target.kafka.record_count(&target.topic).await.unwrap(), 5);
        succeed(&target, &replay(&source, &target, &["--from-offset", "0:5"])).await;
        assert_eq!(
            contents(&records(&target).await),
            contents(&records(&source).await)
        );
    });
}

/// Records that the broker takes are no larger than this, compressed and with all that is in a batch.
const LARGEST: usize = 100_000;

/// A topic whose broker refuses large records, whatever the client thinks of them.
async fn strict_target(name: &str, partitions: i32) -> World {
    let target = World::new(name, partitions).await;
    let admin: AdminClient<DefaultClientContext> = target.kafka.client_config().create().unwrap();
    let limit = LARGEST.to_string();
    let topic = ResourceSpecifier::Topic(name);
    let config = AlterConfig::new(topic).set("max.message.bytes", &limit);
    let altered = admin
        .alter_configs([&config], &AdminOptions::new())
        .await
        .unwrap();
    assert!(altered.iter().all(Result::is_ok), "{altered:?}");
    target
}

/// A tick that does not become small by compression.
fn large_tick(seq: u64) -> Vec<u8> {
    let noise: String = (0..6 * LARGEST / 36)
        .map(|_| uuid::Uuid::new_v4().to_string())
        .collect();
    let tick = String::from_utf8(made::tick("A", seq)).unwrap();
    format!("{},\"noise\":\"{noise}\"}}", tick.strip_suffix('}').unwrap()).into_bytes()
}

/// 4,000 ticks in each of two partitions, of which one in the middle of the first is too large.
async fn with_large_tick(name: &str) -> World {
    let world = World::new(name, 2).await;
    let ticks = |partition: u64| -> Vec<Vec<u8>> {
        let seqs = (0..COUNT).map(|n| 2 * n + partition);
        let tick = |seq| match seq {
            LARGE_SEQ => large_tick(seq),
            seq => made::tick(if partition == 0 { "A" } else { "B" }, seq),
        };
        seqs.map(tick).collect()
    };
    let slots = [(0, ticks(0)), (1, ticks(1))];
    let slots = slots.iter().flat_map(|(partition, ticks)| {
        let slot = |n: usize| made::slot(&world, *partition, n as u64, &ticks[n..n + 500]);
        (0..ticks.len()).step_by(500).map(slot).collect::<Vec<_>>()
    });
    made::put(&world, slots).await;
    world
}

/// Records of each partition of [`with_large_tick`], and which one it is.
const COUNT: u64 = 4_000;
const LARGE_OFFSET: usize = 2_000;
const LARGE_SEQ: u64 = 2 * LARGE_OFFSET as u64;

async fn values_by_partition(world: &World) -> [Vec<Vec<u8>>; 2] {
    let mut values = [Vec::new(), Vec::new()];
    for record in records(world).await {
        values[usize::try_from(record.partition).unwrap()].push(record.value.unwrap());
    }
    values
}

/// The `seq` of each tick.
fn seqs(values: &[Vec<u8>]) -> Vec<u64> {
    let seq = |value: &Vec<u8>| {
        serde_json::from_slice::<Value>(value).unwrap()["seq"]
            .as_u64()
            .unwrap()
    };
    values.iter().map(seq).collect()
}

#[test]
fn nothing_is_sent_behind_a_record_that_the_broker_refuses() {
    run(async {
        let source = with_large_tick("replay-gapless").await;
        let target = strict_target("replay-gapless-again", 2).await;
        let (status, _, log) = end(&target, &replay(&source, &target, &[])).await;
        assert_eq!(status, Some(1), "{log}");
        assert!(
            log.contains(&format!("partition 0, offset {LARGE_OFFSET} (")),
            "{log}"
        );
        assert!(log.contains("--refused-to"), "{log}");
        assert!(!log.contains("written twice"), "{log}");
        let [refused, other] = values_by_partition(&target).await;
        assert_eq!(refused.len(), LARGE_OFFSET, "{log}");

        // where it says, with the way past the record
        let resume = log
            .split("--from-offset ")
            .nth(1)
            .unwrap()
            .split('`')
            .next()
            .unwrap();
        assert_eq!(resume, format!("0:{LARGE_OFFSET},1:{}", other.len()), "{log}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("refused.jsonl");
        let flags = ["--from-offset", resume, "--refused-to", file.to_str().unwrap()];
        let result = succeed(&target, &replay(&source, &target, &flags)).await;
        assert_eq!(result["refused"], 1, "{result}");
        assert_all_but_the_large_one(&target, &file).await;
    });
}

#[test]
fn a_record_that_the_broker_refuses_is_kept_in_a_file_and_all_others_arrive_once_and_in_order() {
    run(async {
        let source = with_large_tick("replay-refused-to").await;
        let target = strict_target("replay-refused-to-again", 2).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("refused.jsonl");
        let flags = ["--refused-to", file.to_str().unwrap()];
        let result = succeed(&target, &replay(&source, &target, &flags)).await;
        assert_eq!(
            (&result["refused"], &result["records"]),
            (&1.into(), &(2 * COUNT).into()),
            "{result}"
        );
        assert_all_but_the_large_one(&target, &file).await;
    });
}

async fn assert_all_but_the_large_one(target: &World, file: &Path) {
    let [first, second] = values_by_partition(target).await;
    let without: Vec<u64> = (0..COUNT)
        .map(|n| 2 * n)
        .filter(|seq| *seq != LARGE_SEQ)
        .collect();
    assert!(seqs(&first) == without, "{:?}", seqs(&first));
    assert!(seqs(&second) == (0..COUNT).map(|n| 2 * n + 1).collect::<Vec<_>>());
    let kept = std::fs::read_to_string(file).unwrap();
    assert_eq!(kept.lines().count(), 1, "{kept}");
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(
        (&kept["partition"], &kept["offset"]),
        (&0.into(), &LARGE_OFFSET.into())
    );
    let value = BASE64_STANDARD.decode(kept["value"].as_str().unwrap()).unwrap();
    assert_eq!(seqs(&[value]), [LARGE_SEQ]);
}

#[test]
fn an_offset_is_refused_where_the_lines_do_not_tell_it() {
    run(async {
        let source = stored(
            "replay-gaps",
            1,
            &[20],
            &["--flush-interval", "1h", "--flush-records", "20"],
        )
        .await;
        let target = World::new("replay-gaps-again", 1).await;
        let mut object = source.s3.objects(&source.bucket, "").await.unwrap().remove(0);
        // as if some of the log had been compacted away
        object.metadata.insert("slot-end".to_owned(), "29".to_owned());
        source.s3.put(&source.bucket, &object).await.unwrap();
        let (status, _, log) = end(&target, &replay(&source, &target, &["--from-offset", "5"])).await;
        assert_eq!(status, Some(78), "{log}");
        assert!(log.contains("use 0 or 30"), "{log}");
        let result = succeed(
            &target,
            &replay(&source, &target, &["--from-offset", "0", "--to-offset", "30"]),
        )
        .await;
        assert_eq!(result["records"], 20, "{result}");
    });
}

#[test]
fn slots_that_overlap_are_refused_and_offsets_that_are_in_none_are_counted() {
    run(async {
        let world = World::new("replay-chain", 1).await;
        let slot = |start: u64, len: u64| {
            let ticks: Vec<_> = (start..start + len).map(|seq| made::tick("A", seq)).collect();
            made::slot(&world, 0, start, &ticks)
        };
        let dry =
            built("consumer", "replay-chain-dry").args(["replay", "--bucket", &world.bucket, "--dry-run"]);
        let dry = dry.variables(world.s3.variables());
        // offsets 10 to 14 are in no object
        made::put(&world, [slot(0, 10), slot(15, 5)]).await;
        let result = succeed(&world, &dry.clone().args(["--to-offset", "18"])).await;
        assert_eq!(
            (&result["records"], &result["missing_offsets"]),
            (&13.into(), &5.into()),
            "{result}"
        );

        made::put(&world, [slot(18, 5)]).await;
        let again = built("consumer", "replay-chain-overlap").args([
            "replay",
            "--bucket",
            &world.bucket,
            "--dry-run",
        ]);
        let (status, _, log) = end(&world, &again.variables(world.s3.variables())).await;
        assert_eq!(status, Some(1), "{log}");
        assert!(
            log.contains("the slot at offset 18 behind it hold the same offsets"),
            "{log}"
        );
        assert!(log.contains("--from-offset 0:10"), "{log}");
    });
}
