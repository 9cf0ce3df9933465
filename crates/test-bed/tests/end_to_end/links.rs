//! Faults on the ways: what a proxy before S3 and a link before Kafka can do, to the real programs.

use std::time::Duration;

use test_bed::{Bed, Fault, FaultProxy, FaultScript, Kafka, KafkaLink, Record, Request, S3};

use crate::metrics::{until, until_bereft, until_owning};
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, built, run, stop};

#[test]
fn replies_that_break_off_and_writes_that_land_late_double_nothing() {
    run(async {
        let world = World::new("broken-replies", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut injected: Vec<_> = [
            Fault::TruncateHead,
            Fault::ResetReply,
            Fault::Reset,
            Fault::TruncateBody,
            Fault::ApplyLate(Duration::from_millis(700)),
        ]
        .into_iter()
        .map(|fault| proxy.inject(1, fault, Request::writes_data))
        .collect();
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(&world.consumer("a").variables(by_proxy));
        let mut session = Session::new();
        for (count, fault) in injected.iter_mut().enumerate() {
            session.send(&world.kafka, &world.topic, 100).await;
            fault.taken_place(1).await;
            world.until_stored(100 * (count + 1), &[&consumer]).await;
        }
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_list_that_breaks_off_is_asked_for_again_and_no_object_overlooked() {
    run(async {
        let world = World::new("broken-list", 2).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let mut session = Session::new();
        let mut sent = 0;
        let faults = [
            Fault::TruncateBody,
            Fault::TruncateHead,
            Fault::ResetReply,
            Fault::Answer(503, "SlowDown"),
        ];
        for fault in faults {
            session.send(&world.kafka, &world.topic, 50).await;
            sent += 50;
            // a group without commits must find the chain's end by a LIST
            let name = format!("after-{sent}");
            let consumer = world.consumer(&name).args(["--group", &name]);
            let locates = |request: &Request| {
                // a start that cannot list at all ends at once
                request.path.contains("list-type") && !request.path.contains("max-keys")
            };
            let mut broken = proxy.inject(2, fault, locates);
            let consumer = world.start(&consumer.variables(by_proxy.clone()));
            broken.taken_place(2).await;
            world.until_stored(sent, &[&consumer]).await;
            stop(&consumer).await;
        }
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_bucket_that_another_writer_filled_while_its_list_was_slow_is_no_other_log() {
    run(async {
        let world = World::new("slow-list", 1).await;
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        let writer = world.start(&world.consumer("writer"));
        world.until_stored(100, &[&writer]).await;

        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let is_list = |request: &Request| request.path.contains("list-type");
        let mut list = proxy.inject(1, Fault::HoldRequest, is_list);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let late = world.consumer("late").args(["--group", "without-commits"]);
        let late = world.start(&late.variables(by_proxy));
        list.taken_place(1).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(200, &[&writer]).await;
        // the bucket is now further than the log was when Kafka was asked
        list.lift();
        until_owning(&late).await;

        stop(&writer).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(300, &[&late]).await;
        stop(&late).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_script_of_faults_changes_nothing_in_the_bucket() {
    run(async {
        let world = World::new("script", 2).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let script = FaultScript::from_seed(11, 12);
        println!("{script}");
        let mut played = proxy.play(&script, Request::writes_data);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let consumer = world.start(&world.consumer("a").variables(by_proxy));
        let mut session = Session::new();
        let mut sent = 0;
        while played.count() < script.fault_count() {
            session.send(&world.kafka, &world.topic, 50).await;
            sent += 50;
            world.until_stored(sent, &[&consumer]).await;
        }
        played.taken_place(script.fault_count()).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

/// A world with one broker, and a link to it.
async fn linked(name: &str, partitions: i32) -> (World, KafkaLink) {
    let bed = Bed::new().unwrap();
    let (kafka, s3) = tokio::join!(Kafka::start_linked(&bed, "kafka", 1, 1), S3::start(&bed, "s3"));
    let kafka = kafka.unwrap();
    let link = kafka.link(0);
    let world = World::on(bed, kafka, s3.unwrap(), name, partitions).await;
    (world, link)
}

#[test]
fn a_consumer_whose_connections_to_kafka_are_cut_in_a_fetch_loses_nothing() {
    run(async {
        let (world, link) = linked("link-cut", 3).await;
        // so slow that the cut comes between the chunks of a fetch
        let slowness = link.slow(Duration::from_millis(20));
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 3000).await;
        let consumer = world.start(&world.consumer_by(&link.bootstrap_servers(), "a"));
        until_owning(&consumer).await;
        for _ in 0..3 {
            link.cut();
            session.send(&world.kafka, &world.topic, 1000).await;
        }
        slowness.lift();
        world.until_stored(6000, &[&consumer]).await;
        assert!(
            consumer.log().contains("Kafka"),
            "the cut was not seen:\n{}",
            consumer.log()
        );
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_consumer_cut_off_from_kafka_past_its_session_and_not_from_s3_writes_no_double() {
    run(async {
        let (world, link) = linked("link-stalled", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut held = proxy.inject(1, Fault::HoldRequest, Request::writes_data);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let zombie = world.consumer_by(&link.bootstrap_servers(), "zombie");
        let zombie = world.start(&zombie.variables(by_proxy));
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        held.taken_place(1).await;
        let stall = link.stall();
        let heir = world.start(&world.consumer("heir"));
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(200, &[&heir]).await;
        held.lift();
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(300, &[&heir]).await;
        stall.lift();
        until_bereft(&zombie).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(400, &[&heir, &zombie]).await;
        stop(&zombie).await;
        stop(&heir).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_replay_that_is_cut_off_from_kafka_goes_on_and_writes_nothing_twice() {
    run(async {
        let (source, link) = linked("link-replay", 3).await;
        Session::new().send(&source.kafka, &source.topic, 5000).await;
        let consumer = source.start(&source.consumer("writer"));
        source.until_stored(5000, &[&consumer]).await;
        stop(&consumer).await;

        let target = "link-replay-again";
        source.kafka.create_topic(target, 3).await.unwrap();
        // so many requests, and each so slow, that a cut loses the reply to one
        let slowness = link.slow(Duration::from_millis(20));
        let replay = built("consumer", "link-replay")
            .args(["replay", "--bucket", &source.bucket, "--topic", target])
            .args(["--brokers", &link.bootstrap_servers()])
            .args(["-X", "batch.num.messages=50"])
            .variables(source.s3.variables());
        let replay = source.start(&replay);
        for least in [500, 1000, 1500] {
            while source.kafka.record_count(target).await.unwrap() < least {
                assert_eq!(replay.ended(), None, "{}", replay.log());
            }
            let stall = link.stall();
            link.cut();
            stall.lift();
        }
        slowness.lift();
        replay.success(PATIENCE).await.unwrap();
        let values = async |topic: &str| {
            let records = source.kafka.records(topic).await.unwrap();
            let place = |record: Record| (record.partition, record.value);
            records.into_iter().map(place).collect::<Vec<_>>()
        };
        assert_eq!(values(target).await, values(&source.topic).await);
    });
}

#[test]
fn a_broker_that_hangs_at_the_end_is_not_waited_for_beyond_the_drain_timeout() {
    run(async {
        let (world, link) = linked("link-hangs-at-the-end", 2).await;
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 100).await;
        let consumer = world.consumer_by(&link.bootstrap_servers(), "a").args([
            "--drain-timeout",
            "6s",
            "--flush-interval",
            "1h",
        ]);
        let consumer = world.start(&consumer);
        let all_read = |count| count >= 100.0;
        until(&consumer, "quote_consumer_records_read_total", all_read).await;
        let _hanging = link.stall();
        consumer.terminate();
        // what was read is in the bucket; the commit and the farewell to the group get no answer
        let status = consumer.end(Duration::from_secs(10)).await.unwrap();
        assert!(status.success(), "{status}: {}", consumer.log());
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}
