//! The parts themselves: what the other tests stand on.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rdkafka::producer::FutureRecord;
use store_conformance::{Store, assert_conforms};
use test_bed::{Bed, Kafka, S3};

async fn produce(kafka: &Kafka, topic: &str, values: std::ops::Range<u32>) {
    let producer = kafka.producer().unwrap();
    for value in values {
        let value = value.to_string();
        let record = FutureRecord::<str, str>::to(topic).payload(&value);
        producer.send(record, Duration::from_secs(30)).await.unwrap();
    }
}

async fn values(kafka: &Kafka, topic: &str) -> BTreeSet<u32> {
    let records = kafka.records(topic).await.unwrap();
    let value = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().parse().unwrap();
    let values: Vec<u32> = records
        .into_iter()
        .filter_map(|record| record.value)
        .map(value)
        .collect();
    let distinct: BTreeSet<_> = values.iter().copied().collect();
    assert_eq!(distinct.len(), values.len(), "{values:?}");
    distinct
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_keeps_its_records_over_a_kill_and_a_restart() {
    let bed = Bed::new().unwrap();
    let mut kafka = Kafka::start(&bed, "kafka", 1).await.unwrap();
    kafka.create_topic("numbers", 2).await.unwrap();
    produce(&kafka, "numbers", 0..10).await;
    kafka.kill_node(0).await.unwrap();
    kafka.start_node(0).await.unwrap();
    produce(&kafka, "numbers", 10..20).await;
    kafka.stop_node(0).await.unwrap();
    kafka.start_node(0).await.unwrap();
    assert_eq!(values(&kafka, "numbers").await, (0..20).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn three_brokers_outlive_one() {
    let bed = Bed::new().unwrap();
    let mut kafka = Kafka::start(&bed, "kafka", 3).await.unwrap();
    kafka.create_topic("numbers", 1).await.unwrap();
    produce(&kafka, "numbers", 0..5).await;
    kafka.kill_node(1).await.unwrap();
    produce(&kafka, "numbers", 5..10).await;
    kafka.start_node(1).await.unwrap();
    assert_eq!(values(&kafka, "numbers").await, (0..10).collect());
}

/// A bucket of the real server.
struct RealBucket(S3);

impl Store for RealBucket {
    async fn create(&self, key: &str, body: &str) -> bool {
        let put = self.0.client().put_object().bucket(BUCKET).key(key);
        let put = put.if_none_match("*").metadata("body", body);
        match put.body(body.as_bytes().to_vec().into()).send().await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.raw_response().unwrap().status().as_u16(), 412, "{error:?}");
                false
            }
        }
    }

    async fn head(&self, key: &str) -> Option<String> {
        let head = self.0.client().head_object().bucket(BUCKET).key(key);
        match head.send().await {
            Ok(mut object) => object.metadata.as_mut().unwrap().remove("body"),
            Err(error) => {
                assert_eq!(error.raw_response().unwrap().status().as_u16(), 404, "{error:?}");
                None
            }
        }
    }

    async fn list(&self, prefix: &str) -> Vec<String> {
        let list = self.0.client().list_objects_v2().bucket(BUCKET).prefix(prefix);
        let listed = list.send().await.unwrap();
        let keys = listed.contents().iter().map(|object| object.key().unwrap());
        keys.map(str::to_owned).collect()
    }

    async fn delete(&self, key: &str) {
        self.0.delete(BUCKET, key).await.unwrap();
    }
}

const BUCKET: &str = "tried";

#[tokio::test(flavor = "multi_thread")]
async fn the_s3_server_is_one_that_the_protocol_may_stand_on() {
    let bed = Bed::new().unwrap();
    let s3 = S3::start(&bed, "s3").await.unwrap();
    s3.create_bucket(BUCKET).await.unwrap();
    assert_conforms(&RealBucket(s3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_outlives_a_kill_of_the_server() {
    let bed = Bed::new().unwrap();
    let mut s3 = S3::start(&bed, "s3").await.unwrap();
    s3.create_bucket("kept").await.unwrap();
    let put = s3
        .client()
        .put_object()
        .bucket("kept")
        .key("k")
        .body(b"one\n".to_vec().into());
    put.send().await.unwrap();
    s3.kill().await.unwrap();
    s3.start_again().await.unwrap();
    // it answers 500 while it has not found its volumes again
    let found = async {
        loop {
            if let Ok(object) = s3.get("kept", "k").await {
                break object;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_mins(1), found).await;
    assert_eq!(found.unwrap().lines().unwrap(), [b"one".to_vec()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_drop() {
    let bed = Bed::new().unwrap();
    let folder = bed.path().to_owned();
    let kafka = Kafka::start(&bed, "kafka", 1).await.unwrap();
    let s3 = S3::start(&bed, "s3").await.unwrap();
    let pids: Vec<_> = children_of_this_process()
        .into_iter()
        .filter(|(_, command)| command.contains(&*folder.to_string_lossy()))
        .map(|(pid, _)| pid)
        .collect();
    assert!(pids.len() >= 2, "{pids:?}");
    drop((kafka, s3, bed));
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
    assert!(!folder.exists());
}

fn children_of_this_process() -> Vec<(u32, String)> {
    let this = std::process::id().to_string();
    let is_child = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1))
            == Some(&this)
    };
    all_processes()
        .into_iter()
        .filter(|(pid, _)| is_child(*pid))
        .collect()
}

fn all_processes() -> Vec<(u32, String)> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let with_command = |pid| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&command).replace('\0', " ")))
    };
    pids.filter_map(with_command).collect()
}
