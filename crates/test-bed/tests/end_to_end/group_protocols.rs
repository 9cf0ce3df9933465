//! Kafka's ways to share out partitions, each as a user sets it by `-X`. The default, cooperative-sticky, is what all
//! other tests use.

use test_bed::{Launch, Process};

use crate::metrics::until_owning;
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

/// Consumers join, leave and die while ticks come; each tick is stored once.
async fn assert_survives_changes(world: &World, consumer: impl Fn(&str) -> Launch) {
    let mut session = Session::new();
    let first = world.start(&consumer("first"));
    session.send(&world.kafka, &world.topic, 100).await;
    world.until_stored(100, &[&first]).await;
    let second = world.start(&consumer("second"));
    until_owning(&second).await;
    session.send(&world.kafka, &world.topic, 100).await;
    stop(&second).await;
    let third = world.start(&consumer("third"));
    until_owning(&third).await;
    session.send(&world.kafka, &world.topic, 100).await;
    third.kill().await.unwrap();
    session.send(&world.kafka, &world.topic, 100).await;
    world.until_stored(400, &[&first]).await;
    stop(&first).await;
    assert_each_once(world).await;
    world.assert_clean().await;
}

#[test]
fn an_eager_group_stores_each_tick_once() {
    run(async {
        let world = World::new("eager", 4).await;
        let eager = |name: &str| {
            world
                .consumer(name)
                .args(["-X", "partition.assignment.strategy=range"])
        };
        assert_survives_changes(&world, eager).await;
    });
}

#[test]
fn a_group_of_the_new_protocol_stores_each_tick_once() {
    run(async {
        let world = World::new("new-protocol", 4).await;
        let new = |name: &str| world.plain_consumer(name).args(["-X", "group.protocol=consumer"]);
        assert_survives_changes(&world, new).await;
    });
}

#[test]
fn a_group_moves_to_the_new_protocol_member_by_member() {
    run(async {
        let world = World::new("protocol-upgrade", 2).await;
        let mut session = Session::new();
        let classic = world.start(&world.consumer("classic"));
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(100, &[&classic]).await;
        let new = world
            .plain_consumer("new")
            .args(["-X", "group.protocol=consumer"]);
        let new = world.start(&new);
        until_owning(&new).await;
        session.send(&world.kafka, &world.topic, 100).await;
        stop(&classic).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(300, &[&new]).await;
        stop(&new).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_setting_that_the_new_protocol_lacks_is_refused_by_name() {
    run(async {
        let world = World::new("protocol-refused", 1).await;
        let consumer = world.start(&world.consumer("a").args(["-X", "group.protocol=consumer"]));
        let status = consumer.end(PATIENCE).await.unwrap();
        assert_eq!(status.code(), Some(78), "{}", consumer.log());
        assert!(
            consumer.log().contains("session.timeout.ms"),
            "{}",
            consumer.log()
        );
    });
}

#[test]
fn a_static_member_that_restarts_moves_no_partition() {
    run(async {
        let world = World::new("static-member", 2).await;
        let launch = |name: &str| {
            world.plain_consumer(name).args([
                "-X",
                &format!("group.instance.id={name}"),
                "-X",
                "session.timeout.ms=30000",
            ])
        };
        let mut session = Session::new();
        let stays = world.start(&launch("stays"));
        until_owning(&stays).await;
        let restarts = world.start(&launch("restarts"));
        until_owning(&restarts).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(100, &[&stays, &restarts]).await;
        let before = rebalances(&stays);
        stop(&restarts).await;
        session.send(&world.kafka, &world.topic, 100).await;
        let again = world.start(&launch("restarts"));
        world.until_stored(200, &[&stays, &again]).await;
        assert_eq!(
            rebalances(&stays),
            before,
            "{}\n{}\n{}",
            stays.log(),
            restarts.log(),
            again.log()
        );
        stop(&stays).await;
        stop(&again).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

fn rebalances(consumer: &Process) -> usize {
    let log = consumer.log();
    log.matches("assigned").count() + log.matches("revoked").count()
}
