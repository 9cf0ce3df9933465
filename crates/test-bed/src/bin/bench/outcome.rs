use serde::Serialize;

use crate::contenders::{ALL, CHECK, Contender, Drain, READ, Task};
use crate::figures::Figures;

/// The figures of all runs, as `--json` has them.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) ticks: u64,
    /// Of all ticks, before any compression.
    pub(crate) bytes: u64,
    pub(crate) partitions: u16,
    pub(crate) cores: usize,
    pub(crate) runs: Vec<Measurement>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Measurement {
    pub(crate) name: &'static str,
    pub(crate) run: u32,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

impl Outcome {
    /// The run whose CPU time is the median, of an even number the lower one.
    pub(crate) fn median(&self, name: &str) -> Option<&Figures> {
        let mut of_name: Vec<_> = self.runs.iter().filter(|run| run.name == name).collect();
        of_name.sort_by(|a, b| a.figures.cpu_seconds.total_cmp(&b.figures.cpu_seconds));
        let middle = of_name.len().checked_sub(1)? / 2;
        of_name.get(middle).map(|run| &run.figures)
    }

    pub(crate) fn measured(&self) -> impl Iterator<Item = (&'static Contender, &Figures)> {
        ALL.iter()
            .filter_map(|contender| Some((contender, self.median(contender.name)?)))
    }

    /// Ticks a CPU-second of reading, check and encoding, each done alone in the cheapest way, added up. Nothing if
    /// one of them was not measured.
    pub(crate) fn limit(&self, encoding: &str) -> Option<f64> {
        let seconds_a_tick: Option<f64> = [READ, CHECK, encoding]
            .into_iter()
            .map(|part| Some(1.0 / self.median(part)?.ticks_a_cpu_second()))
            .sum();
        Some(1.0 / seconds_a_tick?)
    }

    /// What part of its limit the consumer reaches.
    pub(crate) fn part_of_limit(&self, contender: &Contender) -> Option<f64> {
        let Task::Drain(Drain {
            encoding: Some(encoding),
            ..
        }) = contender.task
        else {
            return None;
        };
        let reached = self.median(contender.name)?.ticks_a_cpu_second();
        Some(reached / self.limit(encoding)?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn outcome(seconds: &[(&'static str, f64)]) -> Outcome {
        let runs = seconds.iter().map(|(name, cpu_seconds)| Measurement {
            name,
            run: 1,
            figures: Figures {
                ticks: 1_000_000,
                bytes: 300_000_000,
                wall_seconds: 2.0,
                cpu_seconds: *cpu_seconds,
                memory_peak_bytes: 64 * 1024 * 1024,
                encoded_bytes: None,
                objects: None,
                requests: None,
            },
        });
        Outcome {
            ticks: 1_000_000,
            bytes: 300_000_000,
            partitions: 4,
            cores: 2,
            runs: runs.collect(),
        }
    }

    #[test]
    fn the_limit_is_of_the_parts_times_added_up() {
        let outcome = outcome(&[
            ("read-batch", 0.5),
            ("check", 0.3),
            ("zstd", 0.2),
            ("jsonl-zstd", 1.25),
        ]);
        let limit = outcome.limit("zstd").unwrap();
        assert!((limit - 1_000_000.0).abs() < 1e-3, "{limit}");
        let zstd = ALL
            .iter()
            .find(|contender| contender.name == "jsonl-zstd")
            .unwrap();
        assert!((outcome.part_of_limit(zstd).unwrap() - 0.8).abs() < 1e-9);
        assert_eq!(outcome.limit("gzip"), None);
    }

    #[test]
    fn one_slow_run_changes_nothing() {
        let outcome = outcome(&[("check", 9.0), ("check", 0.3), ("check", 0.2)]);
        assert!((outcome.median("check").unwrap().cpu_seconds - 0.3).abs() < 1e-9);
        assert_eq!(outcome.median("zstd"), None);
    }
}
