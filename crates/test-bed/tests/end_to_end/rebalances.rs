//! Several consumers of one group.

use nix::sys::signal::Signal;
use test_bed::{Fault, FaultProxy, Request};

use crate::metrics::{until_bereft, until_owning};
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{World, run, stop};

#[test]
fn consumers_that_join_leave_and_die_store_each_tick_once() {
    run(async {
        let world = World::new("join-leave-die", 4).await;
        let mut session = Session::new();
        let first = world.start(&world.consumer("first"));
        session.send(&world.kafka, &world.topic, 200).await;
        world.until_stored(200, &[&first]).await;

        let second = world.start(&world.consumer("second"));
        until_owning(&second).await;
        session.send(&world.kafka, &world.topic, 200).await;
        let third = world.start(&world.consumer("third"));
        session.send(&world.kafka, &world.topic, 200).await;
        stop(&second).await;
        session.send(&world.kafka, &world.topic, 200).await;
        third.kill().await.unwrap();
        session.send(&world.kafka, &world.topic, 200).await;

        world.until_stored(1000, &[&first]).await;
        stop(&first).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_consumer_that_froze_and_wakes_as_a_zombie_writes_no_double() {
    run(async {
        let world = World::new("zombie", 1).await;
        let mut session = Session::new();
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut held = proxy.inject(1, Fault::HoldRequest, Request::writes_data);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        let zombie = world.start(&world.consumer("zombie").variables(by_proxy));
        session.send(&world.kafka, &world.topic, 100).await;
        held.taken_place(1).await;
        zombie.signal(Signal::SIGSTOP);
        let heir = world.start(&world.consumer("heir"));
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(200, &[&heir]).await;
        // its write arrives now, and its reply is a 412
        held.lift();
        zombie.signal(Signal::SIGCONT);
        until_bereft(&zombie).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(300, &[&heir, &zombie]).await;
        stop(&zombie).await;
        stop(&heir).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_slot_that_a_zombie_wrote_first_is_taken_over_to_its_end() {
    run(async {
        let world = World::new("taken-over", 1).await;
        let mut session = Session::new();
        let of_zombie = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut first_write = of_zombie.inject(1, Fault::HoldRequest, Request::writes_data);
        let by_proxy = world.s3.variables_by_way_of(&of_zombie.endpoint());
        let zombie = world.start(&world.consumer("zombie").variables(by_proxy));
        session.send(&world.kafka, &world.topic, 100).await;
        first_write.taken_place(1).await;
        zombie.signal(Signal::SIGSTOP);

        // the heir's run begins at the same offset and is longer
        session.send(&world.kafka, &world.topic, 100).await;
        let of_heir = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let mut second_write = of_heir.inject(1, Fault::HoldRequest, Request::writes_data);
        let by_proxy = world.s3.variables_by_way_of(&of_heir.endpoint());
        let heir = world.start(&world.consumer("heir").variables(by_proxy));
        second_write.taken_place(1).await;
        first_write.lift();
        world.until_stored(100, &[&heir]).await;
        second_write.lift();
        world.until_stored(200, &[&heir]).await;

        zombie.signal(Signal::SIGCONT);
        until_bereft(&zombie).await;
        stop(&zombie).await;
        stop(&heir).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
        let tally: serde_json::Value = serde_json::from_str(&heir.stdout()).unwrap();
        assert_eq!(tally["objects_adopted"], 1, "{tally}");
    });
}
