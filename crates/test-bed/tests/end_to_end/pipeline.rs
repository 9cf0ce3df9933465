//! From the vendor's reply to the bucket.

use std::sync::Arc;

use quote_model::{Decimal, SCHEMA_HEADER, SCHEMA_HEADER_VALUE, Tick};
use test_bed::{Bed, Kafka, Process, Record, S3};
use twelve_data_stand_in::{Config, MarketConfig, Replay, Served, StandIn};

use crate::metrics::until_owning;
use crate::stored::assert_each_once;
use crate::world::{PATIENCE, World, run, stop};

const SYMBOLS: &str = "AAPL,MSFT,EUR/USD,BTC/USD";

async fn walks() -> StandIn {
    StandIn::start(Config::default()).await.unwrap()
}

/// What the producer says at its end: ticks accepted, and of these in Kafka.
fn summary(producer: &Process) -> (usize, usize) {
    let summary: serde_json::Value = serde_json::from_str(&producer.stdout()).unwrap();
    let number = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
    (number("ticks"), number("in_kafka"))
}

fn ticks_by_seq(records: &[Record]) -> Vec<Tick<'_>> {
    let values = records.iter().map(|record| record.value.as_deref().unwrap());
    let mut ticks: Vec<_> = values.map(|value| Tick::decode(value).unwrap()).collect();
    ticks.sort_by_key(|tick| tick.seq);
    ticks
}

/// Asserts that each price served became one tick, in the order of serving, digit for digit.
fn assert_as_served(records: &[Record], served: &[Served]) {
    let ticks = ticks_by_seq(records);
    assert_eq!(ticks.len(), served.len());
    for (seq, (tick, served)) in (0..).zip(ticks.iter().zip(served)) {
        assert_eq!(tick.seq, seq);
        assert_eq!(tick.symbol.as_str(), served.symbol);
        assert_eq!(tick.price.as_str(), served.price);
        assert_eq!(tick.bid.as_ref().map(Decimal::as_str), served.bid.as_deref());
        assert_eq!(tick.ask.as_ref().map(Decimal::as_str), served.ask.as_deref());
        assert_eq!(tick.ts_event.map(jiff::Timestamp::as_second), served.event_time);
    }
}

#[test]
fn each_price_served_is_stored_once_digit_for_digit() {
    run(async {
        let world = World::new("digit-for-digit", 3).await;
        let stand_in = walks().await;
        let producer = world.producer(&stand_in, SYMBOLS).args(["--samples", "25"]);
        let producer = world.start(&producer);
        let consumer = world.start(&world.consumer("consumer"));
        producer.success(PATIENCE).await.unwrap();
        assert_eq!(summary(&producer), (100, 100));
        world.until_stored(100, &[&consumer]).await;
        stop(&consumer).await;
        let records = assert_each_once(&world).await;
        assert_as_served(&records, &stand_in.served());
        for record in &records {
            let tick = Tick::decode(record.value.as_deref().unwrap()).unwrap();
            assert_eq!(record.key.as_deref(), Some(tick.record_key().as_bytes()));
            assert_eq!(record.timestamp_ms, Some(tick.record_timestamp_ms()));
            let schema = (SCHEMA_HEADER.to_owned(), Some(SCHEMA_HEADER_VALUE.into()));
            assert_eq!(record.headers, [schema]);
        }
        world.assert_clean().await;
    });
}

#[test]
fn a_replayed_file_is_stored_line_for_line() {
    run(async {
        let world = World::new("replayed-file", 2).await;
        // digits that no binary float keeps, zeros at the end, one tick twice
        let mut rows = vec!["timestamp_utc_ms,bid,ask,volume".to_owned()];
        rows.extend((0..200).map(|n| {
            format!(
                "20200101 1700{:02}{n:03},1.{n:03}000,1.{n:03}000000000000001,0",
                n / 4
            )
        }));
        rows.extend(["20200101 170100000,0.10,0.1000,0"; 2].map(str::to_owned));
        let file = world.bed.write("replayed-file.csv", &rows.join("\n")).unwrap();
        let config = Config {
            market: MarketConfig {
                replay: Some(Replay::load(&file, "EUR/USD").unwrap()),
                ..MarketConfig::default()
            },
            ..Config::default()
        };
        let stand_in = StandIn::start(config).await.unwrap();
        let producer = world
            .producer(&stand_in, "EUR/USD")
            .args(["--endpoint", "quote", "--samples", "202"]);
        let producer = world.start(&producer);
        let consumer = world.start(&world.consumer("consumer"));
        producer.success(PATIENCE).await.unwrap();
        world.until_stored(202, &[&consumer]).await;
        stop(&consumer).await;
        let records = assert_each_once(&world).await;
        assert_as_served(&records, &stand_in.served());
        let ticks = ticks_by_seq(&records);
        let pairs = ticks.iter().map(|tick| {
            (
                tick.bid.as_ref().unwrap().as_str(),
                tick.ask.as_ref().unwrap().as_str(),
            )
        });
        for (row, (bid, ask)) in rows.iter().skip(1).zip(pairs) {
            let fields: Vec<_> = row.split(',').collect();
            assert_eq!((fields[1], fields[2]), (bid, ask));
        }
        world.assert_clean().await;
    });
}

#[test]
fn a_producer_that_is_stopped_leaves_all_that_it_accepted_in_kafka() {
    run(async {
        let world = World::new("producer-stopped", 3).await;
        let stand_in = walks().await;
        let producer = world.start(&world.producer(&stand_in, SYMBOLS));
        let enough = stand_in.until(|totals| totals.served >= 200);
        tokio::time::timeout(PATIENCE, enough).await.unwrap();
        stop(&producer).await;
        let records = world.kafka.records(&world.topic).await.unwrap();
        assert_eq!(summary(&producer), (records.len(), records.len()));
        let ticks = ticks_by_seq(&records);
        assert!((0..).zip(&ticks).all(|(seq, tick)| tick.seq == seq));
        assert!(ticks.len() >= 150, "{}", ticks.len());
    });
}

#[test]
fn a_broker_killed_under_load_loses_and_doubles_no_tick() {
    run(async {
        let bed = Bed::new().unwrap();
        let (kafka, s3) = tokio::join!(Kafka::start(&bed, "kafka", 1), S3::start(&bed, "s3"));
        let mut world = World::on(bed, kafka.unwrap(), s3.unwrap(), "broker-killed", 2).await;
        let stand_in = walks().await;
        let launch = world.producer(&stand_in, SYMBOLS).args(["--samples", "500"]);
        let consumer = world.start(&world.consumer("consumer"));
        // a start without a broker is a failure, for systemd to repeat
        until_owning(&consumer).await;
        let producer = world.start(&launch);
        for kill in 1..=2 {
            let served = stand_in.until(|totals| totals.served >= 600 * kill);
            tokio::time::timeout(PATIENCE, served).await.unwrap();
            let kafka = Arc::get_mut(&mut world.kafka).unwrap();
            kafka.kill_node(0).await.unwrap();
            kafka.start_node(0).await.unwrap();
        }
        producer.success(PATIENCE).await.unwrap();
        assert_eq!(summary(&producer), (2000, 2000));
        world.until_stored(2000, &[&consumer]).await;
        stop(&consumer).await;
        let records = assert_each_once(&world).await;
        assert_as_served(&records, &stand_in.served());
        world.assert_clean().await;
    });
}
