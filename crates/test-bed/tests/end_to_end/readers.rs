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

    let count = usize::try_from(2 * TICKS + 1).unwrap();
    let folder = copied(&world, format, count).await;
    (world, folder)
}

/// The topic's folder, as a copy of the bucket in which a consumer has written this many records.
async fn copied(world: &World, format: &str, count: usize) -> PathBuf {
    let consumer = world.start(&world.consumer("a").args(["--format", format]));
    world.until_stored(count, &[&consumer]).await;
    stop(&consumer).await;
    world.assert_clean().await;
    let copy = world.bed.path().join(&world.bucket);
    for object in world.s3.objects(&world.bucket, "").await.unwrap() {
        let path = copy.join(&object.key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &object.body).unwrap();
    }
    let layout = copy.join(&world.topic).join("_layout.json");
    std::fs::write(layout, "{}").unwrap();
    copy.join(&world.topic)
}

/// Fields behind those of a tick, or forms of its own, that every reader reads.
const READABLE: &[(&str, &str)] = &[
    (
        r#""price":1.5"#,
        r#""price":12345678901234567890.123456789012345678"#,
    ),
    (r#""price":1.5"#, r#""price":0.000000000000000001"#),
    (r#""price":1.5"#, r#""price":1e-5"#),
    ("00Z\"", "00.123456789+05:30\""),
    ("00Z\"", "00.5-12:00\""),
    ("2026-11-23T14:00:00Z", "1970-01-01T00:00:00Z"),
    ("2026-11-23T14:00:00Z", "2261-12-31T23:59:59.999999999Z"),
    ("{", r#"{"x":99999999999999999999999999999999999999,"#),
    (
        "{",
        r#"{"x":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],"#,
    ),
    ("{", r#"{"x":{"a":"\ud83d\ude00","":1e308},"y":"\u0000","#),
    ("{", r#"{"x":5,"x2":true,"#),
    (r#""v":1,"symbol":"A","#, r#""symbol" : "A" , "v" : 1 , "#),
    ("0193577e-2b4b", "0193577E-2B4B"),
];

/// Some reader fails at each of these, and with it at the whole hour.
const HOSTILE: &[(&str, &str)] = &[
    ("{", "{\"x\":\"\u{ff}\","),
    (
        "{",
        r#"{"x":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],"#,
    ),
    ("{", r#"{"x":1e400,"#),
    ("{", r#"{"x":0e99999999999,"#),
    ("{", r#"{"x":NaN,"#),
    ("{", r#"{"x":999999999999999999999999999999999999999,"#),
    ("{", r#"{"x":"\ud800","#),
    ("{", r#"{"\udc00":1,"#),
    ("{", r#"{"x":{"a":1,"a":2},"#),
    ("{", r#"{"x":1,"x":2,"#),
    ("{", r#"{"price":2,"#),
    ("{", r#"{"Price":2,"#),
    ("{", r#"{"not_a_tick":"x","#),
    (r#""price":1.5"#, r#""price":0.0000000000000000001"#),
    (r#""price":1.5"#, r#""price":1e20"#),
    ("00Z\"", "00z\""),
    ("00Z\"", "60Z\""),
    ("00Z\"", "00+01:00[Europe/Paris]\""),
    ("00Z\"", "00\""),
    ("2026-11-23T14:00:00Z", "2262-05-01T00:00:00Z"),
    ("2026-11-23T14:00:00Z", "1969-12-31T23:59:59Z"),
    ("0193577e-2b4b", "urn:uuid:0193577e-2b4b"),
    (r#""seq":"#, r#""seq":1844674407370955"#),
];

#[test]
fn no_record_makes_a_reader_fail_and_each_finds_the_same_ticks() {
    run(async {
        let lines = World::new("hostile-jsonl", 1).await;
        let parquet = World::new("hostile-parquet", 1).await;
        let mut folders = Vec::new();
        for (world, format) in [(&lines, "jsonl"), (&parquet, "parquet")] {
            let producer = world.kafka.producer().unwrap();
            let cases = READABLE.iter().map(|case| (case, true));
            let cases = cases.chain(HOSTILE.iter().map(|case| (case, false)));
            let mut seqs = (0..).zip(1000..);
            for ((from, to), is_readable) in cases {
                let (good, bad) = seqs.next().unwrap();
                let seq = if is_readable { good } else { bad };
                let tick = format!(
                    r#"{{"v":1,"symbol":"A","price":1.5,"ts_recv":"2026-11-23T14:00:00Z","channel":"rest_price","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":{seq}}}"#
                );
                let value = tick.replacen(from, to, 1);
                assert_ne!(value, tick, "{to}");
                // a byte that is no UTF-8 cannot stand in a text here
                let value: Vec<u8> = value
                    .chars()
                    .flat_map(|char| match char {
                        '\u{ff}' => vec![0xff],
                        other => other.to_string().into_bytes(),
                    })
                    .collect();
                let record = FutureRecord::<str, _>::to(&world.topic).payload(&value);
                producer
                    .send(record.timestamp(START * 1000), PATIENCE)
                    .await
                    .unwrap();
            }
            folders.push(copied(world, format, READABLE.len() + HOSTILE.len()).await);
        }
        let read = Launch::new("hostile", program::python_of_readers().unwrap())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/hostile.py"))
            .args(&folders);
        let read = lines.start(&read);
        let status = read.end(PATIENCE).await.unwrap();
        assert!(status.success(), "{}", read.log());
        let expected: Vec<usize> = (0..READABLE.len()).collect();
        let stdout = read.stdout();
        let found: Vec<Value> = stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(found.len(), 7, "{found:?}");
        for found in &found {
            assert_eq!(found["seqs"], serde_json::json!(expected), "{found}");
            // DuckDB and Polars read numbers of JSON as floats, all others to the last digit
            let is_exact = !matches!(found["reader"].as_str(), Some("duckdb-jsonl" | "polars-jsonl"));
            if is_exact {
                assert_eq!(
                    found["total"], "12345678901234567905.123466789012345679",
                    "{found}"
                );
            }
        }
    });
}
