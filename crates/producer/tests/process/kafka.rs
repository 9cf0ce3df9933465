//! Kafka away, full and back, and the end by a signal.

use std::time::Duration;

use twelve_data_stand_in::{Config, CreditPlan, Fault};

use crate::stage::{PATIENCE, Scene, run, stop, tick};

/// A reply that is not to come while the test lasts.
const NEVER: Fault = Fault::Slow { delay_ms: 3_600_000 };

#[test]
fn a_signal_in_the_middle_of_a_request_leaves_nothing_behind() {
    run(async {
        let scene = Scene::new("signal").await;
        scene.stand_in.inject(NEVER.after(3));
        let process = scene.start(&scene.producer(&[
            "--symbols",
            "AAPL",
            "--interval",
            "0",
            "--market-hours",
            "always",
        ]));
        // the plan, three prices, and the one that does not come
        let asked = scene.stand_in.until(|totals| totals.received == 5);
        tokio::time::timeout(PATIENCE, asked).await.unwrap();
        let ended = stop(&process).await;
        assert_eq!(ended.status, Some(0), "{}", ended.log);
        let summary = ended.summary();
        assert_eq!((&summary["ticks"], &summary["in_kafka"]), (&3.into(), &3.into()));
        assert_eq!(scene.records().await.len(), 3);
    });
}

#[test]
fn a_broker_away_at_the_end_is_an_error_that_counts() {
    run(async {
        let scene = Scene::new("away").await;
        let link = scene.link(0);
        let arguments = [
            "--symbols",
            "AAPL",
            "--interval",
            "100ms",
            "--drain-timeout",
            "1s",
        ];
        let producer = scene
            .producer(&arguments)
            .variable("KAFKA_BOOTSTRAP_SERVERS", link.bootstrap_servers());
        let process = scene.start(&producer);
        let until_served = async |count: u64| {
            let served = scene.stand_in.until(|totals| totals.served >= count);
            tokio::time::timeout(PATIENCE, served).await.unwrap().served
        };
        until_served(1).await;
        let away = link.stall();
        let before = until_served(0).await;
        until_served(before + 3).await;
        let ended = stop(&process).await;
        away.lift();
        assert_eq!(ended.status, Some(1), "{}", ended.log);
        let summary = ended.summary();
        let count = |name: &str| summary[name].as_u64().unwrap();
        let (ticks, in_kafka) = (count("ticks"), count("in_kafka"));
        assert!(ticks - in_kafka >= 3, "{summary}");
        let words = format!(
            "{} of {ticks} ticks are not known to be in Kafka, of seq {in_kafka} to {}",
            ticks - in_kafka,
            ticks - 1
        );
        assert!(ended.log.contains(&words), "{words}\n{}", ended.log);
    });
}

#[test]
fn a_full_queue_pauses_polling_and_loses_nothing() {
    run(async {
        let scene = Scene::new("full").await;
        let link = scene.link(1);
        let symbols: Vec<String> = (0..100).map(|n| format!("S{n}")).collect();
        let list = symbols.join(",");
        let arguments = ["--symbols", &list, "--interval", "10ms", "--samples", "20"];
        let producer = scene
            .producer(&[&arguments[..], &["--queue-max-bytes", "64KiB"]].concat())
            .variable("KAFKA_BOOTSTRAP_SERVERS", link.bootstrap_servers());
        let process = scene.start(&producer);
        let polled = scene.stand_in.until(|totals| totals.served >= 100);
        tokio::time::timeout(PATIENCE, polled).await.unwrap();
        let away = link.stall();
        process
            .line("the queue to Kafka is full", PATIENCE)
            .await
            .unwrap();
        let paused_at = scene.stand_in.served().len();
        // that nothing happens shows only in time: a hundred intervals
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            scene.stand_in.served().len(),
            paused_at,
            "polling went on with a full queue"
        );
        assert!(paused_at < 2000);
        away.lift();
        let status = process.end(PATIENCE).await.unwrap();
        assert_eq!(status.code(), Some(0), "{}", process.log());

        let records = scene.records().await;
        let mut seqs: Vec<u64> = records.iter().map(|record| tick(record).seq).collect();
        for symbol in &symbols {
            let of_symbol = records
                .iter()
                .map(tick)
                .filter(|tick| tick.symbol.as_str() == symbol);
            assert!(
                of_symbol.is_sorted_by_key(|tick| tick.seq),
                "{symbol} is out of order"
            );
        }
        seqs.sort_unstable();
        assert_eq!(seqs, (0..2000).collect::<Vec<u64>>());
    });
}

#[test]
fn what_waits_for_kafka_takes_the_memory_that_it_may_and_no_more() {
    const QUEUE_MIB: u64 = 48;
    run(async {
        let config = Config {
            credits: CreditPlan {
                per_minute: 1_000_000_000,
                ..CreditPlan::default()
            },
            ..Config::default()
        };
        let scene = Scene::with("memory", config).await;
        let link = scene.link(2);
        let symbols: Vec<String> = (0..120).map(|n| format!("S{n}")).collect();
        let (list, queue) = (symbols.join(","), format!("{QUEUE_MIB}MiB"));
        let arguments = ["--symbols", &list, "--interval", "0", "--queue-max-bytes", &queue];
        let producer = scene
            .producer(&[&arguments[..], &["--market-hours", "always"]].concat())
            .variable("KAFKA_BOOTSTRAP_SERVERS", link.bootstrap_servers());
        let process = scene.start(&producer);
        let polled = scene.stand_in.until(|totals| totals.served >= 20 * 120);
        tokio::time::timeout(PATIENCE, polled).await.unwrap();
        let _away = link.stall();
        let before = resident_mib(process.pid());
        process
            .line("the queue to Kafka is full", PATIENCE)
            .await
            .unwrap();
        let taken = resident_mib(process.pid()) - before;
        process.kill().await.unwrap();
        assert!(
            (QUEUE_MIB * 6 / 10..=QUEUE_MIB + 6).contains(&taken),
            "{taken} MiB for a queue of {QUEUE_MIB} MiB"
        );
    });
}

fn resident_mib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

#[test]
fn a_topic_made_after_the_start_is_waited_for() {
    run(async {
        let scene = Scene::new("made-before").await;
        let arguments = ["--symbols", "AAPL", "--samples", "1"];
        let producer = scene.producer(&arguments).variable("TOPIC_NAME", "made-later");
        let process = scene.start(&producer);
        process.line("as this may pass", PATIENCE).await.unwrap();
        scene.kafka.create_topic("made-later", 1).await.unwrap();
        let status = process.end(PATIENCE).await.unwrap();
        assert_eq!(status.code(), Some(0), "{}", process.log());
        assert_eq!(scene.kafka.records("made-later").await.unwrap().len(), 1);
    });
}

#[test]
fn a_property_that_would_lose_ticks_is_refused() {
    run(async {
        let scene = Scene::new("unsafe-properties").await;
        for property in [
            "acks=1",
            "delivery.timeout.ms=1000",
            "enable.idempotence=false",
            "partitioner=random",
        ] {
            let ended = scene.run(&["--symbols", "AAPL", "-X", property]).await;
            assert_eq!(ended.status, Some(78), "{property}: {}", ended.log);
        }
        assert!(scene.stand_in.requests().is_empty());
    });
}
