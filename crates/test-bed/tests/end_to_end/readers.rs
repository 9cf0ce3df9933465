//! The bucket, read by what its users read it with.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rdkafka::producer::FutureRecord;
use serde_json::Value;
use test_bed::{Launch, program};

use crate::world::{PATIENCE, World, run, stop};

const HOUR: i64 = 3600;
/// 2026-11-23T14:00:00Z.
const START: i64 = 1_795_442_400;
const TICKS: i64 = 100;

#[test]
fn each_reader_finds_the_same_ticks_in_lines_and_in_parquet() {
    run(async {
        let lines = written("readers-jsonl", "jsonl").await;
        let parquet = written("readers-parquet", "parquet").await;
        let read = Launch::new("readers", program::python_of_readers().unwrap())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/readers.py"))
            .arg(&lines.1)
            .arg(&parquet.1);
        let read = lines.0.start(&read);
        let status = read.end(PATIENCE).await.unwrap();
        assert!(status.success(), "{}", read.log());
        let found: Vec<Value> = read
            .stdout()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(found.len(), 7, "{found:?}");
        // 0.10001 to 0.10100, twice
        let newest_ns = i128::from(START + HOUR) * 1_000_000_000 + i128::from(TICKS - 1);
        for found in found {
            assert_eq!(found["ticks"], 2 * TICKS, "{found}");
            assert_eq!(found["price_sum"], "20.101", "{found}");
            assert_eq!(found["of_hour"], TICKS, "{found}");
            assert_eq!(found["newest"], newest_ns.to_string(), "{found}");
        }
    });
}

/// Ticks of two hours and a record that is none, as the consumer writes them; and the topic's folder, as a copy of the
/// bucket.
async fn written(name: &str, format: &str) -> (World, PathBuf) {
    let world = World::new(name, 1).await;
    let producer = world.kafka.producer().unwrap();
    for hour in 0..2 {
        for seq in 0..TICKS {
            let seconds = START + hour * HOUR;
            let ts_recv = Timestamp::new(seconds, i32::try_from(seq).unwrap()).unwrap();
            let value = format!(
                r#"{{"v":1,"symbol":"AAPL","price":0.10{:03},"ts_recv":"{ts_recv}","channel":"rest_price","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":{}}}"#,
                seq + 1,
                hour * TICKS + seq,
            );
            let record = FutureRecord::to(&world.topic).key("AAPL").payload(&value);
            let sent = producer.send(record.timestamp(seconds * 1000), PATIENCE).await;
            sent.unwrap();
        }
    }
    let odd = FutureRecord::<str, _>::to(&world.topic).payload("no tick");
    let at_the_end = (START + HOUR) * 1000;
    producer.send(odd.timestamp(at_the_end), PATIENCE).await.unwrap();

    let flush = usize::try_from(2 * TICKS + 1).unwrap();
    let consumer = world.start(&world.consumer("a").args(["--format", format]));
    world.until_stored(flush, &[&consumer]).await;
    stop(&consumer).await;
    world.assert_clean().await;
    let copy = world.bed.path().join(name);
    for object in world.s3.objects(&world.bucket, "").await.unwrap() {
        let path = copy.join(&object.key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &object.body).unwrap();
    }
    let layout = copy.join(&world.topic).join("_layout.json");
    std::fs::write(layout, "{}").unwrap();
    let folder = copy.join(&world.topic);
    (world, folder)
}
