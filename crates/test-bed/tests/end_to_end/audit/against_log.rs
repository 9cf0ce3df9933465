//! `consumer audit --brokers`: what the bucket alone cannot show.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use test_bed::StoredObject;

use super::{LINES, PARQUET, audit, errors, set_metadata, written};
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

/// The audit with the log, which the consumer's group read.
async fn audit_with_log(world: &World) -> (Value, bool) {
    let brokers = world.kafka.bootstrap_servers();
    let group = &world.topic;
    let flags = ["--topic", &world.topic, "--brokers", &brokers, "--group", group];
    audit(world, &world.bucket, &flags).await
}

fn kinds(report: &Value) -> BTreeSet<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect()
}

fn not_known(report: &Value) -> String {
    report["topics"][0]["not_known"].to_string()
}

/// The last object of a chain, of more than one object.
fn last_of_a_chain(objects: &[StoredObject]) -> &StoredObject {
    let of_partition = objects.iter().filter(|object| object.key.contains("-00000-"));
    of_partition
        .max_by_key(|object| object.key.rsplit('/').next().unwrap().to_owned())
        .unwrap()
}

async fn delete_records(world: &World, partition: i32, before: i64) {
    let admin: AdminClient<DefaultClientContext> = world.kafka.client_config().create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&world.topic, partition, Offset::Offset(before))
        .unwrap();
    let deleted = admin
        .delete_records(&offsets, &AdminOptions::new())
        .await
        .unwrap();
    assert!(deleted.elements()[0].error().is_ok());
}

#[test]
fn a_chain_that_is_cut_off_at_its_end_is_found_with_the_groups_commits() {
    run(async {
        let world = World::new("audited-cut-off", 2).await;
        let objects = written(&world, LINES).await;
        let (report, is_clean) = audit_with_log(&world).await;
        assert!(is_clean && kinds(&report).is_empty(), "{report:#}");
        assert!(!not_known(&report).contains("--brokers"), "{report:#}");

        let last = last_of_a_chain(&objects);
        world.s3.delete(&world.bucket, &last.key).await.unwrap();
        // from the bucket alone, the ticks of other partitions may show it, and it says that it does not know
        let (report, _) = audit(&world, &world.bucket, &[]).await;
        assert!(
            not_known(&report).contains("behind the last one of a chain"),
            "{report:#}"
        );
        assert!(!errors(&report).contains("chain_end"), "{report:#}");
        let (report, is_clean) = audit_with_log(&world).await;
        assert!(!is_clean && errors(&report).contains("chain_end"), "{report:#}");
        let found = report["findings"].as_array().unwrap().iter();
        let found = found.clone().find(|it| it["kind"] == "chain_end").unwrap();
        assert_eq!(
            found["offsets"][0].to_string(),
            last.metadata["slot-start"],
            "{report:#}"
        );
    });
}

/// A bucket with one object, of two ticks, a record that is none, and two ticks.
async fn with_odd_record(world: &World) -> StoredObject {
    let mut session = Session::new();
    session.send(&world.kafka, &world.topic, 2).await;
    let odd = FutureRecord::<str, str>::to(&world.topic).payload("no JSON");
    world.kafka.producer().unwrap().send(odd, PATIENCE).await.unwrap();
    session.send(&world.kafka, &world.topic, 2).await;
    let launch = world.consumer("writer").variable("FLUSH_INTERVAL", "1h");
    let consumer = world.start(&launch.args(["--flush-records", "5"]));
    world.until_stored(5, &[&consumer]).await;
    stop(&consumer).await;
    world.s3.objects(&world.bucket, "").await.unwrap().remove(0)
}

#[test]
fn a_record_that_is_no_tick_is_missed_by_the_log() {
    run(async {
        let world = World::new("audited-odd-lost", 1).await;
        let mut object = with_odd_record(&world).await;
        // a writer's fault: it drops the record, and all that the object says of itself is right but for that
        let mut lines = object.lines().unwrap();
        lines.remove(2);
        let body = [lines.join(&b"\n"[..]), b"\n".to_vec()].concat();
        object.body = zstd::encode_all(&body[..], 1).unwrap().into();
        set_metadata(&mut object, "record-count", "4");
        set_metadata(&mut object, "not-tick-count", "0");
        set_metadata(
            &mut object,
            "body-crc32c",
            &format!("{:08x}", crc32c::crc32c(&body)),
        );
        world.s3.put(&world.bucket, &object).await.unwrap();

        let (report, is_clean) = audit(&world, &world.bucket, &[]).await;
        assert!(
            is_clean && kinds(&report) == BTreeSet::from(["offset_gap"]),
            "{report:#}"
        );
        assert!(
            not_known(&report).contains("whether 1 offsets had a record"),
            "{report:#}"
        );
        let (report, is_clean) = audit_with_log(&world).await;
        assert!(
            !is_clean && errors(&report) == BTreeSet::from(["missing_record"]),
            "{report:#}"
        );
        assert!(!not_known(&report).contains("offsets"), "{report:#}");

        // of what retention took, nobody knows
        delete_records(&world, 0, 4).await;
        let (report, is_clean) = audit_with_log(&world).await;
        assert!(
            is_clean && not_known(&report).contains("whether 1 offsets had a record"),
            "{report:#}"
        );
    });
}

#[test]
fn what_the_log_holds_more_and_what_it_lost_is_told() {
    run(async {
        let world = World::new("audited-behind", 2).await;
        written(&world, PARQUET).await;
        Session::new().send(&world.kafka, &world.topic, 40).await;
        let (report, is_clean) = audit_with_log(&world).await;
        assert!(
            is_clean && kinds(&report) == BTreeSet::from(["not_stored_yet"]),
            "{report:#}"
        );

        for (partition, end) in world.kafka.ends(&world.topic).await.unwrap() {
            delete_records(&world, partition, end).await;
        }
        let (report, is_clean) = audit_with_log(&world).await;
        assert!(
            !is_clean && errors(&report) == BTreeSet::from(["lost_records"]),
            "{report:#}"
        );
    });
}

#[test]
fn a_transactions_markers_and_what_it_aborted_are_no_missing_records() {
    run(async {
        let world = World::new("audited-transactions", 1).await;
        let mut config = world.kafka.client_config();
        config.set("transactional.id", &world.topic);
        let producer: FutureProducer = config.create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        let (mut kept, mut aborted) = (Session::new(), Session::new());
        for is_committed in [true, false, true] {
            producer.begin_transaction().unwrap();
            let session = if is_committed { &mut kept } else { &mut aborted };
            for _ in 0..3 {
                let tick = session.tick_of("AAPL", Timestamp::now(), "");
                let record = FutureRecord::to(&world.topic).key("AAPL").payload(&tick);
                producer.send(record, PATIENCE).await.unwrap();
            }
            if is_committed {
                producer.commit_transaction(PATIENCE).unwrap();
            } else {
                producer.abort_transaction(PATIENCE).unwrap();
            }
        }
        let launch = world.consumer("writer").variable("FLUSH_INTERVAL", "1h");
        let consumer = world.start(&launch.args(["--flush-records", "6"]));
        world.until_stored(6, &[&consumer]).await;
        stop(&consumer).await;
        let (report, is_clean) = audit_with_log(&world).await;
        assert!(is_clean && kinds(&report).contains("offset_gap"), "{report:#}");
        assert!(!not_known(&report).contains("offsets"), "{report:#}");
    });
}
