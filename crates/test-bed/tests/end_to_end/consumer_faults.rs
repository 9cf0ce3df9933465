//! The consumer, when S3, Kafka or itself fails at the worst moment.

use std::sync::Arc;
use std::time::Duration;

use test_bed::{Bed, Fault, FaultProxy, Kafka, Request, S3};

use crate::metrics::{until, until_owning, until_written};
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{World, run, stop};

#[test]
fn each_tick_is_stored_once_as_it_came() {
    run(async {
        let world = World::new("as-it-came", 3).await;
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 500).await;
        let consumer = world.start(&world.consumer("a"));
        world.until_stored(500, &[&consumer]).await;
        session.send(&world.kafka, &world.topic, 500).await;
        // what came last must be drained
        until_written(&consumer, 1).await;
        stop(&consumer).await;
        let second = world.start(&world.consumer("b"));
        // one that is stopped before it reads has nothing to tell
        until_owning(&second).await;
        world.until_stored(1000, &[&second]).await;
        stop(&second).await;
        assert_each_once(&world).await;
        let tally = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let (first, second) = (tally(consumer.stdout()), tally(second.stdout()));
        let stored = first["records_stored"].as_u64().unwrap() + second["records_stored"].as_u64().unwrap();
        assert_eq!(stored, 1000);
    });
}

#[test]
fn a_consumer_killed_between_write_and_commit_is_followed_without_a_double() {
    run(async {
        let world = World::new("killed-before-commit", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut held = proxy.inject(1, Fault::HoldReply, Request::writes_data);
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let first = world.start(&world.consumer("first").variables(by_proxy));
        held.taken_place(1).await;
        first.kill().await.unwrap();
        held.lift();
        session.send(&world.kafka, &world.topic, 100).await;
        let second = world.start(&world.consumer("second"));
        world.until_stored(200, &[&second]).await;
        stop(&second).await;
        assert_each_once(&world).await;
        let objects = world.s3.objects(&world.bucket, "").await.unwrap();
        assert_ne!(objects[0].metadata["run-id"], objects[1].metadata["run-id"]);
    });
}

#[test]
fn a_write_whose_reply_is_lost_is_known_again() {
    run(async {
        let world = World::new("lost-reply", 2).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut lost = proxy.inject(2, Fault::DropReply, Request::writes_data);
        let mut session = Session::new();
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(&world.consumer("a").variables(by_proxy));
        session.send(&world.kafka, &world.topic, 100).await;
        lost.taken_place(2).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(200, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        let tally: serde_json::Value = serde_json::from_str(&consumer.stdout()).unwrap();
        assert_eq!(tally["objects_adopted"], 0, "{tally}");
        assert_eq!(tally["records_stored"], 200, "{tally}");
    });
}

#[test]
fn refusals_and_cuts_delay_but_lose_nothing() {
    run(async {
        let world = World::new("refusals", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let faults = [
            Fault::Answer(503, "SlowDown"),
            Fault::Answer(409, "ConditionalRequestConflict"),
            Fault::Answer(403, "AccessDenied"),
            Fault::Answer(500, "InternalError"),
            Fault::Cut,
        ];
        let mut injected: Vec<_> = faults
            .into_iter()
            .map(|fault| proxy.inject(1, fault, Request::writes_data))
            .collect();
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(&world.consumer("a").variables(by_proxy));
        world.until_stored(100, &[&consumer]).await;
        for fault in &mut injected {
            fault.taken_place(1).await;
        }
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn no_object_is_larger_than_asked_however_slow_s3_is() {
    run(async {
        let world = World::new("slow-s3", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut slow = proxy.inject(4, Fault::Delay(Duration::from_millis(500)), Request::writes_data);
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 410).await;
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.consumer("a").args(["--flush-records", "20"]);
        let consumer = world.start(&consumer.variables(by_proxy));
        slow.taken_place(4).await;
        world.until_stored(410, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        for object in world.s3.objects(&world.bucket, "").await.unwrap() {
            assert!(object.lines().unwrap().len() <= 20, "{}", object.key);
        }
    });
}

#[test]
fn an_s3_server_that_is_killed_and_comes_back_loses_nothing() {
    run(async {
        let bed = Bed::new().unwrap();
        let (kafka, s3) = tokio::join!(Kafka::start(&bed, "kafka", 1), S3::start(&bed, "s3"));
        let mut world = World::on(bed, kafka.unwrap(), s3.unwrap(), "server-killed", 1).await;
        let consumer = world.start(&world.consumer("a"));
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        until_written(&consumer, 1).await;
        world.s3.kill().await.unwrap();
        session.send(&world.kafka, &world.topic, 100).await;
        until(&consumer, "quote_consumer_requests_repeated_total", |count| {
            count > 0.0
        })
        .await;
        Arc::get_mut(&mut world.s3).unwrap().start_again().await.unwrap();
        world.until_stored(200, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}
