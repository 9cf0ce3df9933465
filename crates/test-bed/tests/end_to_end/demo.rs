//! The demo, as a newcomer runs it.

use std::path::Path;
use std::time::Duration;

use test_bed::{Bed, Launch, Process, program};

use crate::world::{PATIENCE, run};

const DEMO_TIMEOUT: Duration = Duration::from_mins(3);

fn demo(name: &str) -> Launch {
    program::launch("demo", name)
        .unwrap()
        .inherit(["XDG_CACHE_HOME", "KAFKA_HOME"])
}

#[test]
fn the_demo_shows_each_symbol_and_a_clean_audit() {
    run(async {
        let bed = Bed::new().unwrap();
        let demo = Process::start(&bed, &demo("demo")).unwrap();
        demo.success(DEMO_TIMEOUT).await.unwrap();
        let shown = demo.stdout();
        for text in ["AAPL", "MSFT", "EUR/USD", "BTC/USD", "audit: clean"] {
            assert!(shown.contains(text), "{shown}");
        }
    });
}

#[test]
fn a_symbol_that_nobody_knows_ends_the_demo_with_its_name() {
    run(async {
        let bed = Bed::new().unwrap();
        let demo = Process::start(&bed, &demo("unknown").args(["--symbols", "AAPL,NOSUCH"])).unwrap();
        let status = demo.end(DEMO_TIMEOUT).await.unwrap();
        assert_eq!(status.code(), Some(1));
        let last_line = demo.log().lines().last().unwrap().to_owned();
        assert!(last_line.contains("NOSUCH"), "{last_line}");
    });
}

#[test]
fn a_killed_demo_leaves_no_process_and_no_file() {
    run(async {
        let bed = Bed::new().unwrap();
        let demo = Process::start(&bed, &demo("killed").arg("--keep")).unwrap();
        demo.line("first tick in Kafka", DEMO_TIMEOUT).await.unwrap();
        let log = demo.log();
        let option = log.split_whitespace().find_map(|word| word.strip_prefix("-dir="));
        let folder = Path::new(option.unwrap()).parent().unwrap().to_owned();
        assert!(folder.exists());
        demo.kill().await.unwrap();
        let poll = async {
            while folder.exists() || is_any_process_in(&folder) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, poll).await.unwrap();
    });
}

fn is_any_process_in(folder: &Path) -> bool {
    let folder = folder.to_string_lossy();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|command| String::from_utf8_lossy(&command).contains(&*folder))
}
