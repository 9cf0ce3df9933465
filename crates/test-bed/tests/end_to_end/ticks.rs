//! Ticks made here, for tests that are about the consumer alone.

use std::time::Duration;

use jiff::Timestamp;
use rdkafka::producer::FutureRecord;
use test_bed::Kafka;

/// One producer's session, whose `seq` goes on over all calls.
pub(crate) struct Session {
    id: uuid::Uuid,
    next_seq: u64,
}

const SYMBOLS: &[&str] = &["AAPL", "MSFT", "EUR/USD", "BTC/USD", "三菱"];

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            id: uuid::Uuid::new_v4(),
            next_seq: 0,
        }
    }

    /// The next tick of a symbol, with its fields behind it, each `,"name":value`.
    pub(crate) fn tick_of(&mut self, symbol: &str, ts_recv: Timestamp, fields: &str) -> String {
        let seq = self.next_seq;
        self.next_seq += 1;
        let symbol = serde_json::Value::from(symbol);
        format!(
            r#"{{"v":1,"symbol":{symbol},"price":{seq}.50,"ts_recv":"{ts_recv}","channel":"rest_price","producer":"test","session":"{id}","seq":{seq}{fields}}}"#,
            id = self.id,
        )
    }

    /// The next tick, with digits that no binary float keeps, and white space and fields that must stay.
    fn next_tick(&mut self, ts_recv: Timestamp) -> (&'static str, String) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let symbol = SYMBOLS[usize::try_from(seq).unwrap() % SYMBOLS.len()];
        let tick = format!(
            r#"{{"v":1, "symbol":"{symbol}","price":{seq}.100000000000{seq}0,"ts_recv":"{ts_recv}","channel":"rest_price","producer":"test","session":"{id}","seq":{seq},"later_field":null}}"#,
            id = self.id,
        );
        (symbol, tick)
    }

    /// Sends the next `count` ticks, each acknowledged.
    pub(crate) async fn send(&mut self, kafka: &Kafka, topic: &str, count: usize) {
        self.send_at(kafka, topic, count, Timestamp::now()).await;
    }

    /// The same, received at another moment.
    pub(crate) async fn send_at(&mut self, kafka: &Kafka, topic: &str, count: usize, moment: Timestamp) {
        let producer = kafka.producer().unwrap();
        let ticks: Vec<_> = (0..count).map(|_| self.next_tick(moment)).collect();
        let sends = ticks.iter().map(|(symbol, tick)| {
            let record = FutureRecord::to(topic).key(*symbol).payload(tick);
            producer.send(record.timestamp(moment.as_millisecond()), Duration::from_mins(1))
        });
        for sent in futures::future::join_all(sends).await {
            sent.unwrap();
        }
    }
}
