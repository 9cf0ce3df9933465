//! The commits in Kafka say something else than the chain in the bucket: the chain is the truth.

use super::operator::{delete_group, reset_offset};
use super::{consumer, tally};
use crate::metrics::until_owning;
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{World, run, stop};

/// Records of a round. Objects have 20, so that round's end, and no other multiple of 10, is a boundary.
const ROUND: usize = 60;

#[test]
fn wherever_an_operator_sets_the_offset_the_chain_goes_on_at_its_end() {
    run(async {
        let world = World::new("offsets-reset", 1).await;
        let mut session = Session::new();
        let mut sent = 0;
        for (round, reset) in ["none", "middle", "zero", "end", "beyond", "group", "new"]
            .into_iter()
            .enumerate()
        {
            session.send(&world.kafka, &world.topic, ROUND).await;
            sent += ROUND;
            let group = &world.topic;
            match reset {
                // inside the last slot
                "middle" => reset_offset(&world, group, 0, 50).await,
                "zero" => reset_offset(&world, group, 0, 0).await,
                // what is between the chain's end and this offset must be written all the same
                "end" => reset_offset(&world, group, 0, i64::try_from(sent).unwrap()).await,
                "beyond" => reset_offset(&world, group, 0, 1_000_000).await,
                "group" => delete_group(&world, group).await,
                _ => {}
            }
            let launch = world.consumer(reset).args(["--flush-records", "20"]);
            let launch = if reset == "new" {
                launch.args(["--group", "offsets-reset-another"])
            } else {
                launch.args(["--group", group])
            };
            let consumer = world.start(&launch);
            world.until_stored(sent, &[&consumer]).await;
            stop(&consumer).await;
            let stored = tally(&consumer)["records_stored"].as_u64();
            assert_eq!(stored, Some(ROUND as u64), "round {round}, {reset}");
        }
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn an_empty_log_and_a_group_without_commits_begin_at_the_first_offset() {
    run(async {
        let world = World::new("nothing-yet", 1).await;
        let consumer = world.start(&consumer(&world, "a"));
        until_owning(&consumer).await;
        Session::new().send(&world.kafka, &world.topic, 10).await;
        world.until_stored(10, &[&consumer]).await;
        stop(&consumer).await;
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}
