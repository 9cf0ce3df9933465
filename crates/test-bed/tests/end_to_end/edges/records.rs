//! Records of every shape that Kafka takes: each is kept, and the audit is content.

use jiff::Timestamp;
use rdkafka::producer::FutureRecord;

use super::{consumer, tally};
use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{PATIENCE, World, run, stop};

/// What Kafka takes at most, with its own 1000 bytes or so around it.
const LARGEST_VALUE: usize = 1_000_000 - 1_000;

const SYMBOLS: &[&str] = &[
    "BTC/USD",
    "../../AAPL",
    "dt=2026-11-23/hour=14",
    "A%2FB%00",
    "RY:TSX",
    "a b",
    "\"quoted\\",
    "_hidden",
    "三菱",
    "Ünïcødé 🚀",
    "{}[]*?#&+'<>|~",
];

/// A key or a value, which need not be there.
type Bytes<'a> = Option<&'a [u8]>;

async fn send(world: &World, key: Bytes<'_>, value: Bytes<'_>) {
    let producer = world.kafka.producer().unwrap();
    let mut record = FutureRecord::<[u8], [u8]>::to(&world.topic);
    record.key = key;
    record.payload = value;
    producer.send(record, PATIENCE).await.unwrap();
}

#[test]
fn symbols_of_any_letters_are_stored_as_ticks() {
    run(async {
        let world = World::new("odd-symbols", 2).await;
        let mut session = Session::new();
        for symbol in SYMBOLS {
            let tick = session.tick_of(symbol, Timestamp::now(), "");
            send(&world, Some(symbol.as_bytes()), Some(tick.as_bytes())).await;
        }
        let consumer = world.start(&consumer(&world, "a"));
        world.until_stored(SYMBOLS.len(), &[&consumer]).await;
        stop(&consumer).await;
        assert_eq!(tally(&consumer)["not_ticks"], 0);
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}

#[test]
fn records_as_large_as_kafka_takes_and_without_key_or_value_are_kept() {
    run(async {
        let world = World::new("odd-shapes", 1).await;
        let mut session = Session::new();
        let note = "x".repeat(LARGEST_VALUE - 1_000);
        let tick = session.tick_of("AAPL", Timestamp::now(), &format!(r#","note":"{note}""#));
        let noise: Vec<u8> = (0..LARGEST_VALUE)
            .map(|n| u8::try_from(n * n % 251).unwrap())
            .collect();
        let odd: [(Bytes<'_>, Bytes<'_>); 8] = [
            (None, None),
            (Some(b"AAPL"), None),
            (Some(b""), Some(b"")),
            (None, Some(b"")),
            (None, Some(b"\r\n\r\n")),
            (Some(b"a\nb"), Some(b"{\"v\":1}\r\n{\"v\":1}")),
            (Some(b"\xff"), Some(b"\xc3\x28")),
            (None, Some(&noise)),
        ];
        for (key, value) in odd {
            send(&world, key, value).await;
        }
        send(&world, None, Some(tick.as_bytes())).await;
        let consumer = world.start(&consumer(&world, "a"));
        world.until_stored(odd.len() + 1, &[&consumer]).await;
        stop(&consumer).await;
        assert_eq!(tally(&consumer)["not_ticks"], odd.len());
        assert_each_once(&world).await;
        world.assert_clean().await;
    });
}
