//! The benchmark, with a few ticks, so that it works when figures are wanted.

use std::time::Duration;

use serde_json::Value;
use test_bed::{Bed, Process, program};

use crate::world::run;

const BENCH_TIMEOUT: Duration = Duration::from_mins(3);

#[test]
fn the_benchmark_stores_all_ticks_and_shows_figures_of_each_part() {
    run(async {
        let bed = Bed::new().unwrap();
        let json = bed.path().join("figures.json");
        let launch = program::launch("bench", "bench")
            .unwrap()
            .inherit(["XDG_CACHE_HOME", "KAFKA_HOME"])
            .args(["--ticks", "20000", "--runs", "1"])
            .args(["--only", "read-batch,check,zstd,jsonl-zstd", "--json"])
            .arg(&json);
        let bench = Process::start(&bed, &launch).unwrap();
        bench.success(BENCH_TIMEOUT).await.unwrap();
        let shown = bench.stdout();
        for text in ["20,000 ticks", "read-batch", "jsonl-zstd", "limit zstd"] {
            assert!(shown.contains(text), "{shown}");
        }
        let outcome: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        let drain = &outcome["runs"][3];
        assert_eq!(drain["name"], "jsonl-zstd");
        assert_eq!(drain["ticks"], 20_000);
        assert_eq!(drain["bytes"], outcome["runs"][0]["bytes"]);
        assert_eq!(drain["objects"], 16);
        // a PUT for each object, 36 and 6 DELETEs to try a store that is new, and a few to find the chain's end
        assert!((59..70).contains(&drain["requests"].as_u64().unwrap()), "{drain}");
    });
}
