//! The topic is deleted and made anew: its offsets begin again, and none of its records may come into the old chain.

use nix::sys::signal::Signal;
use test_bed::StoredObject;

use super::operator::make_topic_anew;
use super::{BAD_CONFIG, assert_says, consumer, refused};
use crate::ticks::Session;
use crate::world::{World, run, stop};

const BOTH_WAYS_OUT: &[&str] = &[
    "made anew",
    "either use another `--prefix`",
    "remove the old data",
];

async fn objects(world: &World) -> Vec<StoredObject> {
    world.s3.objects(&world.bucket, "").await.unwrap()
}

/// A chain of 100 records, and a consumer that has ended.
async fn written(name: &str) -> World {
    let world = World::new(name, 1).await;
    Session::new().send(&world.kafka, &world.topic, 100).await;
    let consumer = world.start(&consumer(&world, "before"));
    world.until_stored(100, &[&consumer]).await;
    stop(&consumer).await;
    world
}

/// Takes the topic's id out of the layout, as if a version had written it that knew none.
async fn forget_topic_id(world: &World) {
    let layout = format!("{}/_layout.json", world.topic);
    let mut layout = world.s3.get(&world.bucket, &layout).await.unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&layout.body).unwrap();
    json.as_object_mut().unwrap().remove("topic_id").unwrap();
    layout.body = json.to_string().into();
    world.s3.put(&world.bucket, &layout).await.unwrap();
}

/// Makes the topic anew under a running consumer, which is not to see that there was none for a while.
async fn make_anew_while_running(name: &str, records: usize) {
    let world = World::new(name, 1).await;
    Session::new().send(&world.kafka, &world.topic, 100).await;
    let consumer = world.start(&consumer(&world, "a"));
    world.until_stored(100, &[&consumer]).await;
    let before = objects(&world).await;
    consumer.signal(Signal::SIGSTOP);
    make_topic_anew(&world, 1).await;
    Session::new().send(&world.kafka, &world.topic, records).await;
    consumer.signal(Signal::SIGCONT);
    assert_says(&refused(&consumer, BAD_CONFIG).await, BOTH_WAYS_OUT);
    assert_eq!(objects(&world).await, before);
}

#[test]
fn a_topic_made_anew_between_runs_is_refused() {
    run(async {
        let world = written("anew-between-runs").await;
        let before = objects(&world).await;
        make_topic_anew(&world, 1).await;
        // more than the old log had: the offsets alone would not tell
        Session::new().send(&world.kafka, &world.topic, 200).await;
        let after = world.start(&consumer(&world, "after"));
        assert_says(&refused(&after, BAD_CONFIG).await, BOTH_WAYS_OUT);
        assert_eq!(objects(&world).await, before);
    });
}

#[test]
fn a_topic_made_anew_under_a_running_consumer_with_fewer_records_is_refused() {
    run(make_anew_while_running("anew-shorter", 10));
}

#[test]
fn a_topic_made_anew_under_a_running_consumer_with_more_records_is_refused() {
    run(make_anew_while_running("anew-longer", 300));
}

#[test]
fn a_chain_that_tells_no_topic_id_is_known_by_its_length() {
    run(async {
        let world = written("anew-without-id").await;
        forget_topic_id(&world).await;
        let mut slots = objects(&world).await;
        for slot in &mut slots {
            slot.metadata.remove("topic-id").unwrap();
            world.s3.put(&world.bucket, slot).await.unwrap();
        }
        make_topic_anew(&world, 1).await;
        Session::new().send(&world.kafka, &world.topic, 99).await;
        let after = world.start(&consumer(&world, "after"));
        assert_says(&refused(&after, BAD_CONFIG).await, BOTH_WAYS_OUT);
        assert_eq!(objects(&world).await, slots);
    });
}

#[test]
fn a_layout_that_tells_no_topic_id_is_helped_by_the_slots_that_do() {
    run(async {
        let world = written("anew-layout-without-id").await;
        forget_topic_id(&world).await;
        let before = objects(&world).await;
        make_topic_anew(&world, 1).await;
        Session::new().send(&world.kafka, &world.topic, 200).await;
        let after = world.start(&consumer(&world, "after"));
        assert_says(&refused(&after, BAD_CONFIG).await, BOTH_WAYS_OUT);
        assert_eq!(objects(&world).await, before);
    });
}
