//! What the producer spends of the vendor's credits: over restarts, when the plan changes, and beside another process
//! with the same key.

use std::time::Duration;

use test_bed::{Launch, Process};
use tokio::time::{Instant, sleep, timeout};
use twelve_data_stand_in::{Config, CreditPlan, Request, StandIn};

use crate::edges::operator::set_topic;
use crate::world::{PATIENCE, World, built, run, stop};

const MINUTE: Duration = Duration::from_mins(1);

fn plan(per_minute: u32, per_day: Option<u32>) -> CreditPlan {
    CreditPlan {
        per_minute,
        per_day,
        ..CreditPlan::BASIC
    }
}

async fn vendor(credits: CreditPlan) -> StandIn {
    let config = Config {
        credits,
        ..Config::default()
    };
    StandIn::start(config).await.unwrap()
}

fn producer(world: &World, stand_in: &StandIn, symbols: &str, interval: &str, name: &str) -> Launch {
    built("producer", format!("{}-{name}", world.topic))
        .args([
            "--symbols",
            symbols,
            "--interval",
            interval,
            "--topic",
            &world.topic,
        ])
        .args(["--market-hours", "always", "--state-dir"])
        .arg(world.bed.path().join(format!("{}-{name}-state", world.topic)))
        .variable("KAFKA_BOOTSTRAP_SERVERS", world.kafka.bootstrap_servers())
        .variable("TWELVEDATA_API_BASE_URL", stand_in.base_url())
        .variable("TWELVEDATA_API_KEY", "any")
}

fn polls(requests: &[Request]) -> Vec<&Request> {
    requests
        .iter()
        .filter(|request| request.path == "/price")
        .collect()
}

fn refused(requests: &[Request]) -> usize {
    requests
        .iter()
        .filter(|request| request.code == Some(429))
        .count()
}

/// Waits until the vendor has seen as much.
async fn until(what: &str, process: &Process, within: Duration, is_so: impl Fn() -> bool) {
    let poll = async {
        while !is_so() {
            assert!(process.ended().is_none(), "{}", process.log());
            sleep(Duration::from_millis(100)).await;
        }
    };
    let came = timeout(within, poll).await;
    assert!(came.is_ok(), "never came about: {what}\n{}", process.log());
}

#[test]
fn a_crash_loop_spends_what_one_run_would() {
    run(async {
        let world = World::new("crash-loop", 1).await;
        let stand_in = vendor(plan(55, None)).await;
        let launch = producer(&world, &stand_in, "AAPL,EUR/USD", "15s", "producer");
        let started = Instant::now();
        let mut restarts = 0;
        while started.elapsed() < Duration::from_secs(25) {
            let process = world.start(&launch);
            sleep(Duration::from_millis(1500)).await;
            process.kill().await.unwrap();
            restarts += 1;
        }
        // from now on Kafka refuses each tick, and the process ends by itself
        set_topic(&world.kafka, &world.topic, "max.message.bytes", "20").await;
        while started.elapsed() < Duration::from_secs(50) {
            let process = world.start(&launch);
            process.end(PATIENCE).await.unwrap();
            restarts += 1;
        }
        let took = started.elapsed();
        let requests = stand_in.requests();
        let polls = polls(&requests).len();
        let as_one_run = usize::try_from(took.as_secs()).unwrap() / 15 + 1;
        assert!(restarts >= 8, "{restarts}");
        assert!(
            (2..=as_one_run).contains(&polls),
            "{polls} polls, {as_one_run} by one run"
        );
        let asked_for_the_plan = requests.iter().filter(|request| request.path == "/api_usage");
        assert_eq!(asked_for_the_plan.count(), 1);
        assert_eq!(refused(&requests), 0);
    });
}

#[test]
fn a_plan_that_changes_is_noticed_both_ways() {
    run(async {
        let world = World::new("plan-changes", 1).await;
        let stand_in = vendor(plan(610, None)).await;
        let symbols = (0..12).map(|at| format!("S{at}")).collect::<Vec<_>>().join(",");
        let process = world.start(&producer(&world, &stand_in, &symbols, "2s", "producer"));
        until("polls by the large plan", &process, PATIENCE, || {
            polls(&stand_in.requests()).len() >= 3
        })
        .await;

        stand_in.set_plan(plan(8, None));
        let before = stand_in.requests().len();
        let of_small = || stand_in.requests().split_off(before);
        until("a poll by the small plan", &process, MINUTE * 2, || {
            polls(&of_small())
                .iter()
                .filter(|request| request.status == Some(200))
                .count()
                >= 1
        })
        .await;
        let requests = of_small();
        assert_eq!(refused(&requests), 1, "{requests:?}");
        assert!(
            requests
                .iter()
                .all(|request| request.code == Some(429) || request.credits <= 8)
        );

        stand_in.set_plan(plan(610, None));
        let changed = stand_in.requests().len();
        until("polls by the large plan again", &process, MINUTE * 2, || {
            let requests = stand_in.requests().split_off(changed);
            let whole = polls(&requests);
            whole.iter().filter(|request| request.symbols.len() == 12).count() >= 5
        })
        .await;
        assert_eq!(refused(&stand_in.requests().split_off(changed)), 0);
        assert!(
            process.log().contains("the plan is another than was known"),
            "{}",
            process.log()
        );
        stop(&process).await;
    });
}

#[test]
fn a_second_process_with_the_same_key_costs_at_most_one_refused_call_a_minute() {
    run(async {
        let world = World::new("same-key", 1).await;
        let stand_in = vendor(plan(8, None)).await;
        let first = world.start(&producer(&world, &stand_in, "AAPL,MSFT", "1s", "first"));
        let second = world.start(&producer(&world, &stand_in, "EUR/USD,BTC/USD", "1s", "second"));
        sleep(MINUTE * 2).await;
        for process in [&first, &second] {
            stop(process).await;
        }
        let requests = stand_in.requests();
        // who asked shows by what was asked for
        for symbol in ["AAPL", "EUR/USD"] {
            let times: Vec<_> = requests
                .iter()
                .filter(|request| {
                    request.code == Some(429) && request.symbols.iter().any(|asked| asked == symbol)
                })
                .map(|request| request.time)
                .collect();
            let is_apart = |two: &[jiff::Timestamp]| two[1].duration_since(two[0]).as_secs() >= 60;
            assert!(times.windows(2).all(is_apart), "{symbol}: {times:?}");
        }
        let good: u64 = requests
            .iter()
            .filter(|request| request.code.is_none())
            .map(|request| request.credits)
            .sum();
        assert!(good >= 12, "{good} credits used of those of two minutes");
    });
}
