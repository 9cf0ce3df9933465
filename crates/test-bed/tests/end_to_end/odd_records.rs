//! Records that are no ticks.

use std::time::Duration;

use rdkafka::producer::FutureRecord;

use crate::stored::assert_each_once;
use crate::ticks::Session;
use crate::world::{World, run, stop};

#[test]
fn a_record_that_is_no_tick_is_kept_and_stops_nothing() {
    run(async {
        let world = World::new("odd-records", 1).await;
        let producer = world.kafka.producer().unwrap();
        let mut session = Session::new();
        let long = vec![b'x'; 100_000];
        let odd: [Option<&[u8]>; 8] = [
            None,
            Some(b""),
            Some(b"not json"),
            Some(b"{\"v\":1}"),
            Some(b"{\"v\":\n1}"),
            Some(b"\xff\xfe\x00"),
            Some(b"{\"v\":2,\"symbol\":\"A\"}"),
            Some(&long),
        ];
        for value in odd {
            session.send(&world.kafka, &world.topic, 1).await;
            let mut record = FutureRecord::<[u8], [u8]>::to(&world.topic).key(b"\xff".as_slice());
            if let Some(value) = value {
                record = record.payload(value);
            }
            producer.send(record, Duration::from_secs(30)).await.unwrap();
        }
        let consumer = world.start(&world.consumer("a"));
        world.until_stored(2 * odd.len(), &[&consumer]).await;
        stop(&consumer).await;
        let records = assert_each_once(&world).await;
        assert_eq!(records.len(), 2 * odd.len());
        let tally: serde_json::Value = serde_json::from_str(&consumer.stdout()).unwrap();
        assert_eq!(tally["not_ticks"], odd.len(), "{tally}");
    });
}
