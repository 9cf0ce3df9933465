//! `consumer replay`: what lies in the bucket, back in a topic.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use quote_model::{SCHEMA_HEADER, SCHEMA_HEADER_VALUE};
use rdkafka::producer::FutureRecord;
use serde_json::Value;
use test_bed::{Fault, FaultProxy, Injected, Launch, Process, Record};

use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, built, run, stop};

mod refused;

/// A key or a value.
type Bytes<'a> = Option<&'a [u8]>;

/// Records that are no ticks, some with a key: without a value, empty, of any bytes, of 1970, without a time.
async fn send_odd(world: &World) -> usize {
    let producer = world.kafka.producer().unwrap();
    let odd: [(Bytes<'_>, Bytes<'_>, i64); 6] = [
        (None, None, 1_700_000_000_000),
        (None, Some(b""), 1_700_000_000_001),
        (Some(b""), Some(b"not json"), 1_700_000_000_002),
        (Some(b"\xff"), Some(b"\xff\xfe\x00"), 1_700_000_000_003),
        (Some(b"k"), None, 5),
        (None, Some(b"{\"v\":2}"), -1),
    ];
    for (partition, (key, value, timestamp)) in (0..3).cycle().zip(odd) {
        let mut record = FutureRecord::<[u8], [u8]>::to(&world.topic)
            .partition(partition)
            .timestamp(timestamp);
        record.key = key;
        record.payload = value;
        producer.send(record, PATIENCE).await.unwrap();
    }
    odd.len()
}

/// A topic that a consumer has brought into the bucket.
async fn stored(name: &str, partitions: i32, rounds: &[usize], flags: &[&str]) -> World {
    let world = World::new(name, partitions).await;
    let mut session = Session::new();
    let consumer = world.start(&world.consumer("writer").args(flags));
    let mut count = 0;
    for ticks in rounds {
        session.send(&world.kafka, &world.topic, *ticks).await;
        count += ticks;
        world.until_stored(count, &[&consumer]).await;
    }
    stop(&consumer).await;
    world
}

fn replay(from: &World, to: &World, flags: &[&str]) -> Launch {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    built("consumer", format!("{}-replay-{run}", to.topic))
        .args(["replay", "--bucket", &from.bucket, "--topic", &to.topic])
        .args(["--brokers", &to.kafka.bootstrap_servers()])
        .args(flags)
        .variables(from.s3.variables())
}

/// Runs it to its end, and gives its status and what it says: the result, or the log.
async fn end(world: &World, launch: &Launch) -> (Option<i32>, Value, String) {
    let process = world.start(launch);
    let status = process.end(PATIENCE).await.unwrap();
    (status.code(), result(&process), process.log())
}

fn result(process: &Process) -> Value {
    serde_json::from_str(&process.stdout()).unwrap_or_default()
}

async fn succeed(world: &World, launch: &Launch) -> Value {
    let (status, result, log) = end(world, launch).await;
    assert_eq!(status, Some(0), "{log}");
    assert_eq!(result["is_complete"], true, "{result}");
    result
}

/// A record without its offset and its headers, which the bucket does not have.
type Content = (i32, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>);

fn contents<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<Content> {
    let content = |it: &Record| (it.partition, it.timestamp_ms, it.key.clone(), it.value.clone());
    records.into_iter().map(content).collect()
}

async fn records(world: &World) -> Vec<Record> {
    world.kafka.records(&world.topic).await.unwrap()
}

#[test]
fn what_is_replayed_is_the_same_in_the_topic_and_in_a_second_bucket() {
    run(async {
        let source = World::new("replay-whole", 3).await;
        let mut session = Session::new();
        session.send(&source.kafka, &source.topic, 600).await;
        let odd = send_odd(&source).await;
        session.send(&source.kafka, &source.topic, 400).await;
        let consumer = source.start(&source.consumer("writer").args(["--flush-records", "100"]));
        source.until_stored(1000 + odd, &[&consumer]).await;
        stop(&consumer).await;

        let target = World::new("replay-whole-again", 3).await;
        let result = succeed(&target, &replay(&source, &target, &[])).await;
        assert_eq!(
            (&result["ticks"], &result["not_ticks"], &result["missing_offsets"]),
            (&1000.into(), &odd.into(), &0.into()),
            "{result}"
        );
        let (sent, replayed) = (records(&source).await, records(&target).await);
        assert_eq!(contents(&replayed), contents(&sent));
        for record in &replayed {
            let is_tick = record
                .value
                .as_deref()
                .is_some_and(|value| value.starts_with(b"{\"v\":1,"));
            let schema = (SCHEMA_HEADER.to_owned(), Some(SCHEMA_HEADER_VALUE.into()));
            assert_eq!(record.headers, Vec::from_iter(is_tick.then_some(schema)));
        }

        let consumer = target.start(&target.consumer("writer"));
        target.until_stored(1000 + odd, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&target).await;
        target.assert_clean().await;
    });
}

type IsSelected = Box<dyn Fn(&Record) -> bool>;

#[test]
fn what_is_selected_is_replayed_and_nothing_else() {
    run(async {
        let source = stored("replay-part", 2, &[60, 40], &["--flush-records", "7"]).await;
        let sent = records(&source).await;
        let second_round: Timestamp = {
            let tick =
                |record: &Record| serde_json::from_slice::<Value>(record.value.as_ref().unwrap()).unwrap();
            let at = |tick: Value| tick["ts_recv"].as_str().unwrap().parse().unwrap();
            sent.iter().map(tick).map(at).max().unwrap()
        };
        let time = second_round.to_string();
        let is_late = move |record: &Record| record.timestamp_ms == Some(second_round.as_millisecond());
        let cases: [(&str, &[&str], IsSelected); 4] = [
            (
                "offsets",
                &["--partition", "1", "--from-offset", "1:10", "--to-offset", "25"],
                Box::new(|it| it.partition == 1 && (10..25).contains(&it.offset)),
            ),
            ("since", &["--since", &time], Box::new(is_late)),
            ("until", &["--until", &time], Box::new(move |it| !is_late(it))),
            (
                "both",
                &["--since", &time, "--to-offset", "0:35"],
                Box::new(move |it| is_late(it) && (it.partition != 0 || it.offset < 35)),
            ),
        ];
        for (name, flags, is_selected) in cases {
            let target = World::new(&format!("replay-part-{name}"), 2).await;
            let dry = built("consumer", format!("{}-dry", target.topic))
                .args(["replay", "--bucket", &source.bucket, "--dry-run"])
                .args(flags)
                .variables(source.s3.variables());
            let dry = succeed(&target, &dry).await;
            let result = succeed(&target, &replay(&source, &target, flags)).await;
            let expected = contents(sent.iter().filter(|record| is_selected(record)));
            assert!(!expected.is_empty() && expected.len() < sent.len(), "{name}");
            assert_eq!(contents(&records(&target).await), expected, "{name}");
            assert_eq!(result["records"], expected.len(), "{name}");
            assert_eq!(
                (&dry["records"], &dry["is_dry_run"]),
                (&result["records"], &true.into()),
                "{name}"
            );
        }
    });
}

/// Ticks that columns hold exactly, but for a zero at the end of the price.
async fn send_plain(world: &World, count: usize) {
    let producer = world.kafka.producer().unwrap();
    let session = uuid::Uuid::new_v4();
    for seq in 0..count {
        let ts_recv = Timestamp::from_millisecond(1_795_442_400_000 + i64::try_from(seq).unwrap()).unwrap();
        let tick = format!(
            r#"{{"v":1,"symbol":"AAPL","price":{seq}.250,"ts_recv":"{ts_recv}","channel":"rest_quote","producer":"p","session":"{session}","seq":{seq},"exchange":"NASDAQ","bid":{seq}.5,"day_volume":1000000}}"#
        );
        let record = FutureRecord::to(&world.topic).key("AAPL").payload(&tick);
        producer
            .send(record.timestamp(ts_recv.as_millisecond()), PATIENCE)
            .await
            .unwrap();
    }
}

#[test]
fn what_lies_in_parquet_is_audited_and_comes_back() {
    run(async {
        let source = World::new("replay-parquet", 3).await;
        send_plain(&source, 100).await;
        Session::new().send(&source.kafka, &source.topic, 200).await;
        let odd = send_odd(&source).await;
        let flags = ["--format", "parquet", "--flush-records", "50"];
        let consumer = source.start(&source.consumer("writer").args(flags));
        source.until_stored(300 + odd, &[&consumer]).await;
        stop(&consumer).await;
        source.assert_clean().await;

        let target = World::new("replay-parquet-again", 3).await;
        let result = succeed(&target, &replay(&source, &target, &[])).await;
        assert_eq!(
            (&result["ticks"], &result["not_ticks"]),
            (&300.into(), &odd.into()),
            "{result}"
        );
        let mut expected = contents(&records(&source).await);
        for (_, _, key, value) in &mut expected {
            if key.as_deref() == Some(b"AAPL")
                && let Ok(tick) = String::from_utf8(value.clone().unwrap())
                && tick.contains("rest_quote")
            {
                *value = Some(tick.replace(".250", ".25").into_bytes());
            }
        }
        assert_eq!(contents(&records(&target).await), expected);

        let partition = expected
            .iter()
            .find(|it| it.2.as_deref() == Some(b"AAPL"))
            .unwrap()
            .0;
        let part = World::new("replay-parquet-part", 3).await;
        let flags = [
            "--partition",
            &partition.to_string(),
            "--from-offset",
            "33",
            "--to-offset",
            "77",
        ];
        succeed(&part, &replay(&source, &part, &flags)).await;
        let of_partition = expected.into_iter().filter(|it| it.0 == partition);
        let expected: Vec<_> = of_partition.skip(33).take(77 - 33).collect();
        assert_eq!(contents(&records(&part).await), expected);
    });
}

/// A way to the bucket on which the last object does not come until the fault is lifted.
async fn holding_the_last_object(source: &World) -> (FaultProxy, Injected) {
    let keys = source.s3.data_keys(&source.bucket, "").await.unwrap();
    let last = keys.last().unwrap().rsplit('/').next().unwrap().to_owned();
    let proxy = FaultProxy::start(source.s3.endpoint()).await.unwrap();
    let held = proxy.inject(1, Fault::HoldReply, move |request| {
        request.method == "GET" && request.path.contains(&last)
    });
    (proxy, held)
}

#[test]
fn what_a_signal_interrupts_goes_on_where_it_says() {
    run(async {
        let source = stored("replay-stopped", 2, &[40, 40, 40], &[]).await;
        let target = World::new("replay-stopped-again", 2).await;
        let (proxy, mut held) = holding_the_last_object(&source).await;
        let by_proxy = source.s3.variables_by_way_of(&proxy.endpoint());
        let process = target.start(&replay(&source, &target, &[]).variables(by_proxy));
        held.taken_place(1).await;
        stop(&process).await;
        held.lift();
        let result = result(&process);
        assert_eq!(result["is_complete"], false, "{result}");
        let there = target.kafka.record_count(&target.topic).await.unwrap();
        assert!(
            result["records"] == there && there < 120,
            "{result}, {there} there"
        );

        let go_on_from = result["go_on_from"].as_str().unwrap();
        succeed(&target, &replay(&source, &target, &["--from-offset", go_on_from])).await;
        assert_eq!(
            contents(&records(&target).await),
            contents(&records(&source).await)
        );
    });
}

#[test]
fn what_a_kill_interrupts_goes_on_from_its_progress() {
    run(async {
        let source = stored("replay-killed", 2, &[40, 40, 40], &[]).await;
        let target = World::new("replay-killed-again", 2).await;
        let (proxy, mut held) = holding_the_last_object(&source).await;
        let by_proxy = source.s3.variables_by_way_of(&proxy.endpoint());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("progress.json");
        let flags = ["--progress", file.to_str().unwrap()];
        let process = target.start(&replay(&source, &target, &flags).variables(by_proxy));
        held.taken_place(1).await;
        let all_but_last: Vec<usize> = {
            let objects = source.s3.objects(&source.bucket, "").await.unwrap();
            let counts = objects
                .iter()
                .map(|object| object.metadata["record-count"].parse().unwrap());
            counts.collect()
        };
        let expected: usize = all_but_last[..all_but_last.len() - 1].iter().sum();
        until_there(&target, expected).await;
        process.kill().await.unwrap();
        held.lift();

        let process = target.start(&replay(&source, &target, &flags));
        let status = process.end(PATIENCE).await.unwrap();
        let log = process.log();
        assert!(status.success(), "{log}");
        assert!(log.contains("goes on with `--from-offset "), "{log}");
        let (sent, replayed) = (records(&source).await, records(&target).await);
        let doubled = replayed.len() - sent.len();
        // what it could not note before the kill is written again, and it says so
        assert!(
            doubled == 0 || log.contains("may be in the topic already"),
            "{doubled}: {log}"
        );
        let mut once = contents(&replayed);
        once.sort();
        once.dedup();
        let mut all = contents(&sent);
        all.sort();
        assert_eq!(once, all);

        // a third run finds nothing left
        let result = succeed(&target, &replay(&source, &target, &flags)).await;
        assert_eq!(result["records"], 0, "{result}");
    });
}

/// Waits until the topic holds this many records.
async fn until_there(world: &World, count: usize) {
    let poll = async {
        while world.kafka.record_count(&world.topic).await.unwrap() < count {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, poll).await.is_ok(),
        "{count} records are not there"
    );
}
