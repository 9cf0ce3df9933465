//! The real chain, and the real choice of where it goes on, against a fake log and a fake store, over seeded random
//! schedules of one to three partitions: rebalances that move some of them, zombies, crashes, lost replies, late PUTs,
//! 409s and 503s, a 404 after a 412, operators' resets, retention, records of later and earlier hours, holes in the
//! log, readers that are moved to a wrong place. Each rule that is kept is broken once, by what lies around the chain,
//! and must be seen.

mod broken;
mod log;
mod reader;
mod seen;
mod store;
mod world;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use broken::Broken;
use seen::Seen;
use world::World;

const STEPS: usize = 160;
const SCHEDULES: u64 = 100_000;

fn simulate(seed: u64, broken: Broken) -> Result<Seen, String> {
    let mut world = World::new(seed, broken);
    for _ in 0..STEPS {
        world.step()?;
    }
    world.finish()?;
    Ok(world.seen)
}

/// What was seen in all schedules, or a seed that shows a rule broken. Uses all cores.
fn simulate_all(broken: Broken, schedules: u64) -> Result<Seen, (u64, String)> {
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let result = Mutex::new(Ok(Seen::default()));
    let work = || {
        let mut met = Seen::default();
        let failure = loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= schedules || is_over.load(Ordering::Relaxed) {
                break None;
            }
            match simulate(seed, broken) {
                Ok(of_one) => met.add(of_one),
                Err(what) => break Some((seed, what)),
            }
        };
        let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
        match (failure, &mut *result) {
            (Some(failure), _) => {
                is_over.store(true, Ordering::Relaxed);
                *result = Err(failure);
            }
            (None, Ok(all)) => all.add(met),
            (None, Err(_)) => {}
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    result.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn every_record_is_stored_once_under_any_schedule() {
    // the schedule that failed, played again
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        simulate(seed.parse().unwrap(), Broken::Nothing).unwrap();
        return;
    }
    match simulate_all(Broken::Nothing, SCHEDULES) {
        Err((seed, what)) => {
            panic!("{what}; play it again with `SIMULATION_SEED={seed} cargo test -p slot-protocol`")
        }
        Ok(seen) => assert!(
            seen.least() > SCHEDULES / 100,
            "something is hardly ever met: {seen:?}"
        ),
    }
}

#[test]
fn each_broken_rule_is_seen() {
    for broken in Broken::RULES {
        assert!(
            simulate_all(broken, SCHEDULES).is_err(),
            "{broken:?} was not seen in {SCHEDULES} schedules"
        );
    }
}
