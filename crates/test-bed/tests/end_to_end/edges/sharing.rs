//! Several consumers that do not know of each other, or want different things, at one prefix; and a store that keeps
//! no condition.

use test_bed::{Fault, FaultProxy, Request};

use super::{BAD_CONFIG, assert_says, consumer, refused, tally};
use crate::metrics::until_owning;
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{World, run, stop};

#[test]
fn two_deployments_at_one_prefix_store_each_tick_once_and_both_go_on() {
    run(async {
        let world = World::new("two-deployments", 2).await;
        let mut session = Session::new();
        let start = |name: &str| {
            let group = format!("{}-{name}", world.topic);
            world.start(&world.consumer(name).args(["--group", &group]))
        };
        let (first, second) = (start("first"), start("second"));
        for round in 1..=5 {
            session.send(&world.kafka, &world.topic, 100).await;
            world.until_stored(100 * round, &[&first, &second]).await;
        }
        stop(&first).await;
        stop(&second).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
        let (first, second) = (tally(&first), tally(&second));
        let sum = |name: &str| first[name].as_u64().unwrap() + second[name].as_u64().unwrap();
        assert_eq!(sum("records_stored"), 500, "{first} {second}");
        assert!(sum("objects_adopted") > 0, "{first} {second}");
    });
}

#[test]
fn what_another_writes_while_the_bucket_is_listed_is_gone_on_behind() {
    run(async {
        let world = World::new("written-while-listed", 1).await;
        let mut session = Session::new();
        let start = |name: &str, endpoint: &str| {
            let group = format!("{}-{name}", world.topic);
            let launch = world.consumer(name).args(["--group", &group]);
            world.start(&launch.variables(world.s3.variables_by_way_of(endpoint)))
        };
        let first = start("first", world.s3.endpoint());
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(100, &[&first]).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let lists_the_chain =
            |request: &Request| request.path.contains("list-type=2") && !request.path.contains("max-keys=1");
        let mut list = proxy.inject(1, Fault::HoldRequest, lists_the_chain);
        let second = start("second", &proxy.endpoint());
        // it has asked where the log ends
        list.taken_place(1).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(200, &[&first]).await;
        list.lift();
        until_owning(&second).await;
        stop(&first).await;
        session.send(&world.kafka, &world.topic, 100).await;
        world.until_stored(300, &[&second]).await;
        stop(&second).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn a_compression_changed_between_runs_is_refused_and_nothing_is_written() {
    run(async {
        let world = World::new("compression-changed", 1).await;
        let mut session = Session::new();
        session.send(&world.kafka, &world.topic, 10).await;
        let first = world.start(&consumer(&world, "zstd"));
        world.until_stored(10, &[&first]).await;
        stop(&first).await;
        session.send(&world.kafka, &world.topic, 10).await;
        let keys = world.s3.keys(&world.bucket, "").await.unwrap();
        let other = world.start(&consumer(&world, "gzip").args(["--compression", "gzip"]));
        let log = refused(&other, BAD_CONFIG).await;
        let words = [
            "compression",
            "either set it to `zstd`",
            "asked is `gzip`",
            "another `--prefix`",
        ];
        assert_says(&log, &words);
        assert_eq!(world.s3.keys(&world.bucket, "").await.unwrap(), keys);
        let elsewhere = consumer(&world, "elsewhere").args(["--compression", "gzip", "--prefix", "other"]);
        let elsewhere = world.start(&elsewhere);
        world.until_stored(30, &[&elsewhere]).await;
        stop(&elsewhere).await;
    });
}

#[test]
fn a_store_that_keeps_no_condition_is_refused_by_name_unless_that_is_allowed() {
    run(async {
        let world = World::new("overwriting-store", 1).await;
        let proxy = FaultProxy::start(world.s3.endpoint()).await.unwrap();
        let _no_refusals = proxy.inject(usize::MAX, Fault::HideRefusal, |_: &Request| true);
        let by_proxy = world.s3.variables_by_way_of(&proxy.endpoint());
        Session::new().send(&world.kafka, &world.topic, 10).await;
        let strict = world.start(&consumer(&world, "strict").variables(by_proxy.clone()));
        let words = [
            &*world.bucket,
            "does not keep `If-None-Match: *`",
            "a second PUT wrote over the first",
            "use another store",
            "--allow-at-least-once",
        ];
        assert_says(&refused(&strict, BAD_CONFIG).await, &words);
        assert!(world.s3.keys(&world.bucket, "").await.unwrap().is_empty());

        let lenient = consumer(&world, "lenient").args(["--allow-at-least-once"]);
        let lenient = world.start(&lenient.variables(by_proxy));
        world.until_stored(10, &[&lenient]).await;
        stop(&lenient).await;
        assert!(
            lenient.log().contains("ticks may be stored twice"),
            "{}",
            lenient.log()
        );
        assert_each_once(&world).await;
    });
}
