//! Retention deletes records before they are read. What is lost is said and counted, and the chain has no hole.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};
use nix::sys::signal::Signal;
use serde_json::Value;
use test_bed::{Fault, FaultProxy, Request};

use super::operator::delete_records;
use super::{chain, consumer, lines, number, tally};
use crate::metrics::{until, until_owning};
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

const LOST: &str = "quote_consumer_offsets_lost_total";

/// Asserts that the slots cover all offsets up to `end`, each once, and hold `records` records.
async fn assert_whole(world: &World, end: i64, records: usize) {
    let mut next = 0;
    for slot in chain(world).await {
        assert_eq!(number(&slot, "slot-start"), next, "{}", slot.key);
        next = number(&slot, "slot-end") + 1;
    }
    assert_eq!(next, end);
    assert_eq!(lines(world).await.len(), records);
}

/// Asserts that the audit names ticks up to `last` as missing, from `first` on if that is known, and nothing else as
/// wrong.
async fn assert_audit_names(world: &World, first: Option<u64>, last: u64) {
    let (status, report) = world.audit_report().await;
    assert_eq!(status, Some(1), "{report}");
    let findings = report["findings"].as_array().unwrap();
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .collect();
    let kinds: BTreeSet<_> = errors
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["missing_tick"].into(), "{report:#}");
    let missing: Vec<(u64, u64)> = errors
        .iter()
        .flat_map(|finding| {
            serde_json::from_value::<Vec<(u64, u64)>>(finding["seqs"]["ranges"].clone()).unwrap()
        })
        .collect();
    let [(from, to)] = missing[..] else {
        panic!("{missing:?}");
    };
    assert_eq!((first.unwrap_or(from), last), (from, to));
}

#[test]
fn what_was_deleted_between_runs_is_counted_and_the_chain_goes_on() {
    run(async {
        let world = World::new("deleted-between-runs", 1).await;
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        let first = world.start(&consumer(&world, "first"));
        world.until_stored(100, &[&first]).await;
        stop(&first).await;
        session.send(&world.kafka, &world.topic, 100).await;
        delete_records(&world, 0, 150).await;
        let second = world.start(&consumer(&world, "second"));
        until(&second, LOST, |lost| lost >= 50.0).await;
        world.until_stored(150, &[&second]).await;
        stop(&second).await;
        assert_eq!(tally(&second)["offsets_lost"], 50);
        assert_whole(&world, 200, 150).await;
        assert_audit_names(&world, Some(100), 149).await;
    });
}

#[test]
fn a_log_of_which_nothing_is_left_is_gone_on_with() {
    run(async {
        let world = World::new("all-deleted", 1).await;
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        let first = world.start(&consumer(&world, "first"));
        world.until_stored(100, &[&first]).await;
        stop(&first).await;
        session.send(&world.kafka, &world.topic, 50).await;
        delete_records(&world, 0, 150).await;
        let second = world.start(&consumer(&world, "second"));
        until(&second, LOST, |lost| lost >= 50.0).await;
        session.send(&world.kafka, &world.topic, 30).await;
        world.until_stored(130, &[&second]).await;
        stop(&second).await;
        assert_eq!(tally(&second)["offsets_lost"], 50);
        assert_whole(&world, 180, 130).await;
    });
}

#[test]
fn what_was_stored_already_may_be_deleted_without_a_word() {
    run(async {
        let world = World::new("stored-then-deleted", 1).await;
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        let first = world.start(&consumer(&world, "first"));
        world.until_stored(100, &[&first]).await;
        // under a running consumer that has read all
        delete_records(&world, 0, 100).await;
        session.send(&world.kafka, &world.topic, 20).await;
        world.until_stored(120, &[&first]).await;
        stop(&first).await;
        delete_records(&world, 0, 120).await;
        session.send(&world.kafka, &world.topic, 20).await;
        let second = world.start(&consumer(&world, "second"));
        world.until_stored(140, &[&second]).await;
        stop(&second).await;
        for consumer in [&first, &second] {
            assert_eq!(tally(consumer)["offsets_lost"], Value::from(0));
        }
        assert_whole(&world, 140, 140).await;
        world.assert_clean().await;
    });
}

/// Deletes what a consumer was to read next, while it waits for S3.
async fn delete_while_paused(name: &str, strategy: &str) {
    let world = World::new(name, 1).await;
    let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
    let mut held = proxy.inject(1, Fault::HoldRequest, Request::writes_data);
    let mut session = Session::new();
    session.send(&world.kafka, &world.topic, 200).await;
    let launch = consumer(&world, "a").args(["--flush-records", "10"]);
    let launch = launch.args(["-X", &format!("partition.assignment.strategy={strategy}")]);
    let launch = launch.variables(world.s3.variables_by_way_of(&proxy.endpoint()));
    let consumer = world.start(&launch);
    // one run is under way and one waits behind it, so that reading stands still
    held.taken_place(1).await;
    delete_records(&world, 0, 150).await;
    held.lift();
    until(&consumer, LOST, |lost| lost > 0.0).await;
    world.until_stored(70, &[&consumer]).await;
    stop(&consumer).await;
    let lost = tally(&consumer)["offsets_lost"].as_i64().unwrap();
    assert!((100..150).contains(&lost), "{lost}");
    assert_whole(&world, 200, usize::try_from(200 - lost).unwrap()).await;
    assert_audit_names(&world, None, 149).await;
}

#[test]
fn what_was_deleted_while_reading_waited_for_s3_is_counted_and_the_chain_goes_on() {
    run(delete_while_paused("deleted-while-paused", "cooperative-sticky"));
}

#[test]
fn a_group_that_takes_all_partitions_at_once_goes_on_as_well() {
    run(delete_while_paused("deleted-while-paused-eager", "range"));
}

#[test]
fn a_consumer_that_slept_while_another_wrote_and_retention_deleted_writes_no_double() {
    run(async {
        let world = World::new("slept-past-retention", 1).await;
        let start = |name: &str| {
            let group = format!("{}-{name}", world.topic);
            let launch = world.consumer(name).args(["--group", &group]);
            // it sleeps without losing its partition
            world.start(&launch.args(["-X", "session.timeout.ms=45000"]))
        };
        let mut session = Session::new();
        let now = Timestamp::now();
        let sleeper = start("sleeper");
        session
            .send_at(&world.kafka, &world.topic, 10, now - 3.hours())
            .await;
        world.until_stored(10, &[&sleeper]).await;
        sleeper.signal(Signal::SIGSTOP);

        let other = start("other");
        until_owning(&other).await;
        session
            .send_at(&world.kafka, &world.topic, 100, now - 2.hours())
            .await;
        world.until_stored(110, &[&other]).await;
        delete_records(&world, 0, 110).await;
        // of another hour: a slot of it that begins where the sleeper stands has another key
        session.send_at(&world.kafka, &world.topic, 10, now).await;
        sleeper.signal(Signal::SIGCONT);
        sleeper
            .line("goes on partition=0 offset=1", PATIENCE)
            .await
            .unwrap();
        world.until_stored(120, &[&other, &sleeper]).await;
        stop(&other).await;
        stop(&sleeper).await;
        for consumer in [&other, &sleeper] {
            assert_eq!(tally(consumer)["offsets_lost"], Value::from(0));
        }
        assert_whole(&world, 120, 120).await;
        world.assert_clean().await;
    });
}
