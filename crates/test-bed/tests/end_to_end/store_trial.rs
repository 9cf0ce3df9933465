//! The trial of the store at the start: what it must show, and what a later start need not try again.

use hyper::Method;
use test_bed::{Fault, FaultProxy, Request};

use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

const STARTS: usize = 30;
const STARTS_AT_ONCE: usize = 3;
const BAD_CONFIG: Option<i32> = Some(78);

fn is_trial(request: &Request) -> bool {
    request.method == Method::PUT && request.path.contains("_probe")
}

#[test]
fn a_store_that_looks_first_and_writes_then_passes_no_start() {
    run(async {
        let world = World::new("not-atomic", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let _store = proxy.inject(usize::MAX, Fault::LookThenWrite, |request| {
            request.method == Method::PUT
        });
        let launch = |number: usize| {
            world
                .consumer(&format!("start-{number}"))
                .args(["--prefix", &format!("p{number}")])
                .variables(world.s3.variables_by_way_of(&proxy.endpoint()))
        };
        for first in (0..STARTS).step_by(STARTS_AT_ONCE) {
            let starts = (first..first + STARTS_AT_ONCE).map(|number| world.start(&launch(number)));
            for start in starts.collect::<Vec<_>>() {
                let status = start.end(PATIENCE).await.unwrap();
                assert_eq!(status.code(), BAD_CONFIG, "{}", start.log());
                assert!(start.log().contains("held in the middle"), "{}", start.log());
            }
        }
        // who goes on all the same is not advised to do so
        let warned = world.start(&launch(STARTS).arg("--allow-at-least-once"));
        let line = warned.line("ticks may be stored twice", PATIENCE).await.unwrap();
        assert!(!line.contains("use another store"), "{line}");
        stop(&warned).await;
    });
}

#[test]
fn a_store_that_passed_is_tried_in_short_by_the_next_start() {
    run(async {
        let world = World::new("tried-once", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut session = Session::new();
        let mut trials = Vec::new();
        for (number, name) in (1..).zip(["first", "second"]) {
            let rule = proxy.inject(usize::MAX, Fault::Delay(std::time::Duration::ZERO), is_trial);
            let launch = world.consumer(name);
            let launch = launch.variables(world.s3.variables_by_way_of(&proxy.endpoint()));
            let consumer = world.start(&launch);
            session.send(&world.kafka, &world.topic, 20).await;
            world.until_stored(number * 20, &[&consumer]).await;
            stop(&consumer).await;
            trials.push(rule.count());
        }
        assert!(trials[0] > 20 && trials[1] == 2, "{trials:?}");
        assert_each_once(&world).await;
    });
}

#[test]
fn a_store_in_trouble_during_the_trial_is_tried_again() {
    run(async {
        let world = World::new("trial-in-trouble", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let _trouble = proxy.inject(3, Fault::Answer(500, "InternalError"), is_trial);
        let launch = world.consumer("a").args(["--storage-class", "STANDARD_IA"]);
        let launch = launch.variables(world.s3.variables_by_way_of(&proxy.endpoint()));
        let consumer = world.start(&launch);
        let line = consumer.line("trying again", PATIENCE).await.unwrap();
        assert!(line.contains("--storage-class STANDARD_IA"), "{line}");
        Session::new().send(&world.kafka, &world.topic, 20).await;
        world.until_stored(20, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
    });
}

#[test]
fn a_400_to_the_trial_names_the_flags_in_use() {
    run(async {
        let world = World::new("trial-refused", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let _refusal = proxy.inject(usize::MAX, Fault::Answer(400, "InvalidRequest"), is_trial);
        let launch = world.consumer("a").args(["--sse", "s3", "--checksum", "sha256"]);
        let launch = launch.variables(world.s3.variables_by_way_of(&proxy.endpoint()));
        let consumer = world.start(&launch);
        let status = consumer.end(PATIENCE).await.unwrap();
        let log = consumer.log();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(
            log.contains("--sse AES256 --checksum SHA256") && log.contains("InvalidRequest"),
            "{log}"
        );
    });
}

#[test]
fn a_topic_whose_keys_the_store_cannot_take_ends_the_start() {
    run(async {
        let mut world = World::new("too-long", 1).await;
        world.topic = "t".repeat(230);
        world.kafka.create_topic(&world.topic, 1).await.unwrap();
        let consumer = world.start(&world.plain_consumer("a"));
        let status = consumer.end(PATIENCE).await.unwrap();
        assert_eq!(status.code(), BAD_CONFIG, "{}", consumer.log());
        assert!(
            consumer.log().contains("use a shorter `--topic`"),
            "{}",
            consumer.log()
        );
    });
}
