//! A process that is killed and started again costs what one would that is left alone.

use super::simulation::{UNKNOWN, World, error, orders};
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// When each process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    After(Duration),
    /// While its first call is under way, which the vendor counts.
    InCall,
}

/// Starts one process after another, each five seconds after the one before it ended.
fn run(world: &mut World, orders: &Orders, time: Duration, dies: Dies) {
    let end = world.now.monotonic + time;
    while world.now.monotonic < end {
        let mut kept = kept(world);
        let dies_at = match dies {
            Dies::After(life) => end.min(world.now.monotonic + life),
            Dies::InCall => end,
        };
        while world.now.monotonic < dies_at {
            match world.desk.task_at(world.now) {
                Ok(task) => {
                    kept = self::kept(world);
                    if dies == Dies::InCall {
                        let _reply = world.send(&task);
                        break;
                    }
                    world.make(task).unwrap();
                    kept = self::kept(world);
                }
                Err(wait) => world.pass(wait.wait.clamp(Duration::from_millis(1), SECOND)),
            }
        }
        world.pass(5 * SECOND);
        let state = serde_json::from_str(&kept).unwrap();
        world.desk = Desk::restore(orders.clone(), &state, world.now);
    }
}

fn kept(world: &World) -> String {
    serde_json::to_string(&world.desk.state(world.now)).unwrap()
}

fn spent(world: &World) -> u32 {
    world.days.values().sum()
}

/// A world in which one symbol of three is unknown.
fn world(orders: &Orders, utc: &str) -> World {
    let mut world = World::new(orders.clone(), utc);
    world.hook = Box::new(|request| {
        let is_alone = request.symbols.len() == 1;
        request.symbols.contains(&"ZZZZ".to_owned()).then(|| {
            if is_alone {
                (404, error(404, UNKNOWN))
            } else {
                (400, error(400, "**symbol** not found: ZZZZ."))
            }
        })
    });
    world
}

#[test]
fn a_crash_loop_of_a_day_costs_what_an_uninterrupted_run_would() {
    // from a night over a trading day into the next night, with the vendor's midnight in between
    let start = "2026-11-02T20:00:00Z";
    for (symbols, hours) in [("AAPL,MSFT,ZZZZ", Policy::Open), ("AAPL,EUR/USD", Policy::Always)] {
        let orders = orders(symbols, 5 * MINUTE, hours);
        let mut left_alone = world(&orders, start);
        left_alone.run(DAY).unwrap();
        let lives = [3 * SECOND, 4 * MINUTE].map(Dies::After);
        // whoever hears no reply does not know a market's hours
        let in_call = (hours == Policy::Always).then_some(Dies::InCall);
        for dies in lives.into_iter().chain(in_call) {
            let mut killed = world(&orders, start);
            run(&mut killed, &orders, DAY, dies);
            let (one, other) = (spent(&killed), spent(&left_alone));
            assert!(
                one <= other + other / 50 + 4,
                "{symbols} {dies:?}: {one} credits instead of {other}"
            );
            assert!(
                one + other / 20 + 4 >= other,
                "{symbols} {dies:?}: {one} credits instead of {other}"
            );
            assert_eq!(killed.refused_for_credits, 0, "{symbols} {dies:?}");
        }
    }
}

#[test]
fn a_symbol_that_never_answers_is_not_asked_for_again_by_each_process() {
    let orders = orders("AAPL,ZZZZ", 5 * MINUTE, Policy::Always);
    let mut killed = world(&orders, "2026-11-02T00:00:00Z");
    run(&mut killed, &orders, DAY * 2, Dies::After(10 * SECOND));
    let asked = |day: &str| {
        let day: jiff::Timestamp = day.parse().unwrap();
        let of_day = killed.requests.iter().filter(|request| {
            request.symbols.contains(&"ZZZZ".to_owned()) && (day..day + DAY).contains(&request.at)
        });
        of_day.count()
    };
    assert!(
        asked("2026-11-02T00:00:00Z") <= 20,
        "{}",
        asked("2026-11-02T00:00:00Z")
    );
    assert!(
        asked("2026-11-03T00:00:00Z") <= 2,
        "{}",
        asked("2026-11-03T00:00:00Z")
    );
}

#[test]
fn each_symbol_of_a_long_list_has_its_turn_however_often_the_process_dies() {
    let names: Vec<_> = (0..300).map(|at| format!("S{at}")).collect();
    let orders = orders(&names.join(","), SECOND, Policy::Always);
    let mut killed = World::new(orders.clone(), "2026-11-02T00:00:00Z");
    run(&mut killed, &orders, DAY * 2, Dies::After(4 * MINUTE));
    let mut times = std::collections::BTreeMap::new();
    for (_, symbol) in &killed.ticks {
        *times.entry(symbol).or_insert(0) += 1;
    }
    assert_eq!(times.len(), 300);
    let (least, most) = (times.values().min().unwrap(), times.values().max().unwrap());
    assert!(most - least <= 1, "{least} to {most} times");
}

#[test]
fn a_lost_state_spends_nothing_for_a_minute_and_then_asks_first() {
    let orders = orders("AAPL,MSFT", SECOND, Policy::Always);
    let mut world = World::new(orders.clone(), "2026-11-02T12:00:00Z");
    world.run(MINUTE).unwrap();
    let before = world.requests.len();
    world.desk = Desk::of_unknown_use(orders, world.now);
    world.run(MINUTE).unwrap();
    assert_eq!(world.requests.len(), before);
    world.run(MINUTE).unwrap();
    assert_eq!(world.requests[before].path, "api_usage");
    assert_eq!(world.refused_for_credits, 0);
}

#[test]
fn samples_that_are_in_kafka_are_not_brought_again() {
    let mut orders = orders("AAPL,MSFT", Duration::ZERO, Policy::Always);
    orders.samples = NonZeroU64::new(3);
    let first = |orders: &Orders| {
        let mut world = World::new(orders.clone(), "2026-11-02T15:00:00Z");
        while !world.desk.is_done() {
            world.run(Duration::from_millis(1)).unwrap();
        }
        world
    };
    let mut done = first(&orders);
    let lost = done.desk.state(done.now);
    done.desk.all_in_kafka();
    let kept = done.desk.state(done.now);
    assert!(Desk::restore(orders.clone(), &kept, done.now).is_done());
    assert!(
        !Desk::restore(orders.clone(), &lost, done.now).is_done(),
        "what did not reach Kafka is brought again"
    );
    orders.samples = NonZeroU64::new(4);
    assert!(!Desk::restore(orders, &kept, done.now).is_done(), "other orders");
}
