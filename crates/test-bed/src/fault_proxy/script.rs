use std::fmt;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Fault;

/// Faults for requests in turn, made from a seed: the same seed gives the same faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultScript {
    seed: u64,
    /// Nothing: that request is passed on as it is.
    turns: Vec<Option<Fault>>,
}

impl FaultScript {
    /// A script for so many requests, of which about two in three meet a fault.
    #[must_use]
    pub fn from_seed(seed: u64, requests: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut turns = Vec::with_capacity(requests);
        while turns.len() < requests {
            let fault = random.random_ratio(2, 3).then(|| any_fault(&mut random));
            // a refusal that lasts is another thing than one that passes
            let times = match fault {
                Some(Fault::Answer(..)) => random.random_range(1..=3),
                _ => 1,
            };
            turns.extend(std::iter::repeat_n(fault, times));
        }
        turns.truncate(requests);
        Self { seed, turns }
    }

    /// How many requests meet a fault.
    #[must_use]
    pub fn fault_count(&self) -> usize {
        self.turns.iter().flatten().count()
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = Option<Fault>> {
        self.turns.iter().cloned()
    }
}

fn any_fault(random: &mut ChaCha8Rng) -> Fault {
    let mut time = || Duration::from_millis(random.random_range(1..=800));
    let (delay, late) = (Fault::Delay(time()), Fault::ApplyLate(time()));
    let faults = [
        delay,
        late,
        Fault::DropReply,
        Fault::ResetReply,
        Fault::TruncateHead,
        Fault::TruncateBody,
        Fault::Cut,
        Fault::Reset,
        Fault::Answer(503, "SlowDown"),
        Fault::Answer(500, "InternalError"),
        Fault::Answer(409, "ConditionalRequestConflict"),
        Fault::Answer(403, "AccessDenied"),
    ];
    let [first, ..] = &faults;
    faults
        .get(random.random_range(0..faults.len()))
        .unwrap_or(first)
        .clone()
}

impl fmt::Display for FaultScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}:", self.seed)?;
        for (turn, fault) in self.turns.iter().enumerate() {
            let comma = if turn == 0 { "" } else { "," };
            match fault {
                Some(fault) => write!(f, "{comma} {fault}")?,
                None => write!(f, "{comma} passed on")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults_and_another_gives_others() {
        let script = FaultScript::from_seed(7, 40);
        assert_eq!(script, FaultScript::from_seed(7, 40));
        assert_eq!(script.turns().count(), 40);
        assert_ne!(script.turns, FaultScript::from_seed(8, 40).turns);
        let shown = script.to_string();
        assert!(shown.starts_with("seed 7: "), "{shown}");
        assert_eq!(shown.split(", ").count(), 40, "{shown}");
    }

    #[test]
    fn every_fault_comes_up() {
        let script = FaultScript::from_seed(1, 1000);
        let kinds: BTreeSet<_> = script
            .turns()
            .flatten()
            .map(|fault| match fault {
                Fault::Delay(_) => "delayed".to_owned(),
                Fault::ApplyLate(_) => "late".to_owned(),
                other => other.to_string(),
            })
            .collect();
        assert_eq!(kinds.len(), 12, "{kinds:?}");
    }
}
