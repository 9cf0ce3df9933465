//! Kafka away, full and back, and the end by a signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use quote_model::Tick;

use crate::stage::{Answer, Log, Scripted, broker, producer, records, run, terminate, until, vendor};

fn price() -> Answer {
    Answer::Reply(200, r#"{"price":"231.40000"}"#.to_owned())
}

#[test]
fn a_signal_in_the_middle_of_a_request_leaves_nothing_behind() {
    let cluster = broker();
    let calls = AtomicUsize::new(0);
    let is_silent = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_silent);
    let api = vendor(move |_| {
        if calls.fetch_add(1, Ordering::Relaxed) < 3 {
            return price();
        }
        flag.store(true, Ordering::Relaxed);
        Answer::Silence
    });
    let arguments = ["--symbols", "AAPL", "--interval", "0", "--market-hours", "always"];
    let process = producer(&api.url, &cluster.bootstrap_servers(), &arguments)
        .spawn()
        .unwrap();
    until("the fourth request", || is_silent.load(Ordering::Relaxed));
    let ended = terminate(process);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("accepted 3, in Kafka 3"),
        "{}",
        ended.stderr
    );
    assert_eq!(records(&cluster.bootstrap_servers()).len(), 3);
}

#[test]
fn a_broker_away_at_the_end_is_an_error_that_counts() {
    let cluster = broker();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let api = vendor(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        price()
    });
    let arguments = [
        "--symbols",
        "AAPL",
        "--interval",
        "100ms",
        "--drain-timeout",
        "1s",
    ];
    let process = producer(&api.url, &cluster.bootstrap_servers(), &arguments)
        .spawn()
        .unwrap();
    until("the first poll", || calls.load(Ordering::Relaxed) > 0);
    cluster.broker_down(1).unwrap();
    let before = calls.load(Ordering::Relaxed);
    until("more polls", || calls.load(Ordering::Relaxed) > before + 3);
    let ended = terminate(process);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    let summary = ended.summary();
    let (ticks, in_kafka) = (
        summary["ticks"].as_u64().unwrap(),
        summary["in_kafka"].as_u64().unwrap(),
    );
    let words = format!(
        "{} of {ticks} ticks are not known to be in Kafka, of seq {in_kafka} to {}",
        ticks - in_kafka,
        ticks - 1
    );
    assert!(ended.stderr.contains(&words), "{words}\n{}", ended.stderr);
}

#[test]
fn a_full_queue_pauses_polling_and_loses_nothing() {
    let cluster = broker();
    let symbols: Vec<String> = (0..100).map(|n| format!("S{n}")).collect();
    let entries: serde_json::Map<_, _> = symbols
        .iter()
        .map(|symbol| (symbol.clone(), serde_json::json!({"price": "231.40000"})))
        .collect();
    let body = serde_json::Value::from(entries).to_string();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let api = vendor(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Answer::Reply(200, body.clone())
    });
    let list = symbols.join(",");
    let arguments = [
        "--symbols",
        &list,
        "--interval",
        "10ms",
        "--samples",
        "20",
        "--queue-max-bytes",
        "64KiB",
    ];
    let mut process = producer(&api.url, &cluster.bootstrap_servers(), &arguments)
        .spawn()
        .unwrap();
    let log = Log::of(&mut process);
    until("the first poll", || calls.load(Ordering::Relaxed) > 0);
    cluster.broker_down(1).unwrap();
    until("a full queue", || {
        log.text().contains("the queue to Kafka is full")
    });
    let paused_at = calls.load(Ordering::Relaxed);
    // that nothing happens shows only in time: a hundred intervals
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(
        calls.load(Ordering::Relaxed),
        paused_at,
        "polling went on with a full queue"
    );
    assert!(paused_at < 20);
    cluster.broker_up(1).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0), "{}", log.text());

    let records = records(&cluster.bootstrap_servers());
    let ticks: Vec<Tick<'_>> = records
        .iter()
        .map(|record| Tick::decode(record.value.as_bytes()).unwrap())
        .collect();
    let mut seqs: Vec<u64> = ticks.iter().map(|tick| tick.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (0..2000).collect::<Vec<u64>>());
    for symbol in &symbols {
        let of_symbol = ticks.iter().filter(|tick| tick.symbol.as_str() == symbol);
        assert!(
            of_symbol.is_sorted_by_key(|tick| tick.seq),
            "{symbol} is out of order"
        );
    }
}

#[test]
fn what_waits_for_kafka_takes_the_memory_that_it_may_and_no_more() {
    const QUEUE_MIB: u64 = 48;
    let cluster = broker();
    let symbols: Vec<String> = (0..120).map(|n| format!("S{n}")).collect();
    let entries: serde_json::Map<_, _> = symbols
        .iter()
        .map(|symbol| (symbol.clone(), serde_json::json!({"price": "231.40000"})))
        .collect();
    let body = serde_json::Value::from(entries).to_string();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let api = Scripted::new(move |seen| {
        if seen.target.starts_with("/api_usage") {
            return Answer::Reply(200, r#"{"current_usage":1,"plan_limit":1000000000}"#.to_owned());
        }
        counter.fetch_add(1, Ordering::Relaxed);
        Answer::Reply(200, body.clone())
    });
    let (list, queue) = (symbols.join(","), format!("{QUEUE_MIB}MiB"));
    let arguments = ["--symbols", &list, "--interval", "0", "--queue-max-bytes", &queue];
    let mut process = producer(
        &api.url,
        &cluster.bootstrap_servers(),
        &[
            &arguments[..],
            &["--market-hours", "always", "--drain-timeout", "0"],
        ]
        .concat(),
    )
    .spawn()
    .unwrap();
    let log = Log::of(&mut process);
    until("the first polls", || calls.load(Ordering::Relaxed) > 20);
    cluster.broker_down(1).unwrap();
    let before = resident_mib(process.id());
    until("a full queue", || {
        log.text().contains("the queue to Kafka is full")
    });
    let taken = resident_mib(process.id()) - before;
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(
        (QUEUE_MIB * 6 / 10..=QUEUE_MIB + 6).contains(&taken),
        "{taken} MiB for a queue of {QUEUE_MIB} MiB"
    );
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

#[test]
fn a_property_that_would_lose_ticks_is_refused() {
    for property in [
        "acks=1",
        "delivery.timeout.ms=1000",
        "enable.idempotence=false",
        "partitioner=random",
    ] {
        let arguments = ["--symbols", "AAPL", "-X", property];
        let ended = run(&mut producer("http://127.0.0.1:1", "127.0.0.1:1", &arguments));
        assert_eq!(ended.status, 78, "{property}: {}", ended.stderr);
    }
}
