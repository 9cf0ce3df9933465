//! A short run of `scripts/chaos.sh`.

use std::time::Duration;

use test_bed::{Bed, Process, program};

use crate::world::{built, run};

const CHAOS_TIMEOUT: Duration = Duration::from_mins(5);
const SEED: &str = "7";

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
        assert!(
            shown.contains("20 faults") && shown.contains("0 lost, 0 double"),
            "{shown}"
        );
    });
}
