//! The real loop, its requests and the search for where to go on, between a topic and a bucket in memory, by a clock that
//! stands: one step after the other on one thread, so that each seed is one schedule. The protocol itself is simulated
//! in its own crate; here it is what lies around it.

pub(crate) mod alone;
pub(crate) mod background;
pub(crate) mod bucket;
pub(crate) mod process;
pub(crate) mod topic;
mod world;

use world::{Seen, World};

const STEPS: usize = 250;
const SCHEDULES: u64 = 200;

fn simulate(seed: u64) -> Result<Seen, String> {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step()?;
    }
    world.finish()?;
    Ok(world.seen)
}

#[test]
fn the_loop_stores_each_record_once_under_any_schedule() {
    // the schedule that failed, played again
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        simulate(seed.parse().unwrap()).unwrap();
        return;
    }
    let mut seen = Seen::default();
    for seed in 0..SCHEDULES {
        match simulate(seed) {
            Ok(of_one) => seen.add(of_one),
            Err(what) => panic!(
                "{what}; play it again with `SIMULATION_SEED={seed} cargo test -p consumer simulation`"
            ),
        }
    }
    let Seen {
        adopted,
        lost,
        lists,
        zombies,
        crashes,
        stored,
    } = seen;
    let all = [adopted, lost.unsigned_abs(), lists, zombies, crashes, stored];
    assert!(
        all.iter().all(|met| *met > SCHEDULES / 2),
        "something is hardly ever met: {seen:?}"
    );
}
