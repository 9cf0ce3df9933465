//! A short run of `scripts/chaos.sh`.

use std::time::Duration;

use test_bed::{Bed, Process, program};

use crate::world::{built, run};

const CHAOS_TIMEOUT: Duration = Duration::from_mins(5);
/// One that has most kinds of faults among its first.
const SEED: &str = "814";

#[test]
fn twenty_faults_lose_nothing_and_double_nothing() {
    run(async {
        built("consumer", "consumer");
        let bed = Bed::new().unwrap();
        let launch = program::launch("chaos", "chaos")
            .unwrap()
            .args(["--faults", "20", "--quick", "--seed", SEED])
            .inherit(["XDG_CACHE_HOME", "KAFKA_HOME"]);
        let chaos = Process::start(&bed, &launch).unwrap();
        let done = chaos.success(CHAOS_TIMEOUT).await;
        assert!(done.is_ok(), "seed {SEED}: {}\n{}", chaos.stdout(), chaos.log());
        let shown = chaos.stdout();
        for text in [
            "20 faults",
            "killed before its write",
            "writes by script",
            "zombie",
            "broker",
            "S3 killed",
            "0 lost, 0 double",
        ] {
            assert!(shown.contains(text), "`{text}` is not in:\n{shown}");
        }
    });
}
