//! The memory budget, while S3 takes nothing and Kafka gives all it has.

use rdkafka::producer::{FutureRecord, Producer};
use test_bed::{Fault, FaultProxy, Process, Request};

use crate::metrics::until;
use crate::world::{PATIENCE, World, run, stop};

const PARTITIONS: i32 = 100;
const RECORDS: u32 = 120_000;
const VALUE_BYTES: usize = 400;
const MIB: u64 = 1024 * 1024;
const BUDGET: u64 = 48 * MIB;
/// What the program takes beside records.
const PROGRAM: u64 = 40 * MIB;

#[test]
fn memory_stays_within_its_budget_while_s3_takes_nothing() {
    run(async {
        let world = World::new("memory", PARTITIONS).await;
        fill(&world);
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let held = proxy.inject(usize::MAX, Fault::HoldRequest, Request::writes_data);
        let consumer = world
            .consumer("a")
            .args([
                "--memory",
                &BUDGET.to_string(),
                "--compression",
                "none",
                "--flush-bytes",
                "4MiB",
            ])
            .variable("FLUSH_INTERVAL", "1h")
            .variables(world.s3.variables_by_way_of(&proxy.endpoint()));
        let consumer = world.start(&consumer);
        until(&consumer, "quote_consumer_memory_full_total", |times| {
            times >= 1.0
        })
        .await;
        held.lift();
        let all = f64::from(RECORDS);
        until(&consumer, "quote_consumer_records_read_total", |count| {
            count >= all
        })
        .await;
        let peak = peak_bytes(&consumer);
        assert!(peak <= BUDGET + PROGRAM, "{} MiB", peak / MIB);
        stop(&consumer).await;
        let tally: serde_json::Value = serde_json::from_str(&consumer.stdout()).unwrap();
        assert_eq!(tally["records_stored"], RECORDS, "{tally}");
        world.assert_clean().await;
    });
}

/// Writes what is more than twice the budget, evenly over the partitions.
fn fill(world: &World) {
    let producer = world.kafka.producer().unwrap();
    let value = "x".repeat(VALUE_BYTES);
    let partitions = (0..PARTITIONS).cycle();
    for partition in partitions.take(RECORDS.try_into().unwrap()) {
        let mut record = FutureRecord::<str, _>::to(&world.topic)
            .partition(partition)
            .payload(&value);
        while let Err((_, refused)) = producer.send_result(record) {
            producer.flush(PATIENCE).unwrap();
            record = refused;
        }
    }
    producer.flush(PATIENCE).unwrap();
}

/// The most memory that the process has had resident so far.
fn peak_bytes(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
