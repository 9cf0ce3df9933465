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

    /// The next tick, with digits that no binary float keeps, and white space and fields that must stay.
    fn next_tick(&mut self, ts_recv: Timestamp) -> (&'static str, String) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let symbol = SYMBOLS[usize::try_from(seq).unwrap() % SYMBOLS.len()];
        let tick = format!(
            r#"{{"v":1, "symbol":"{symbol}","price":{seq}.1000000000000000000{seq}0,"ts_recv":"{ts_recv}","channel":"rest_price","producer":"test","session":"{id}","seq":{seq},"later_field":null}}"#,
            id = self.id,
        );
        (symbol, tick)
    }

    /// Sends the next `count` ticks, each acknowledged.
    pub(crate) async fn send(&mut self, kafka: &Kafka, topic: &str, count: usize) {
        let producer = kafka.producer().unwrap();
        let now = Timestamp::now();
        let ticks: Vec<_> = (0..count).map(|_| self.next_tick(now)).collect();
        let sends = ticks.iter().map(|(symbol, tick)| {
            let record = FutureRecord::to(topic).key(*symbol).payload(tick);
            producer.send(record.timestamp(now.as_millisecond()), Duration::from_mins(1))
        });
        for sent in futures::future::join_all(sends).await {
            sent.unwrap();
        }
    }
}
