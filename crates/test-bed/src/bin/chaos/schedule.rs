//! Which faults come, and when: a pure function of the seed.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use test_bed::FaultScript;

use crate::fault::{BrokerFault, ConsumerFault, Fault, Held, StoreFault};

/// Nodes of the Kafka cluster.
pub(crate) const NODES: usize = 3;
/// After how long without a heartbeat the group gives a consumer's partitions to others.
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_secs(3);
/// Requests of a consumer's start, and a few after it.
const START_REQUESTS: usize = 18;
const SCRIPT_REQUESTS: usize = 6;
const PARTITIONS_ADDED_MAX: usize = 12;

/// A fault and the pause before it. Faults of one lane come one after another, lanes run side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) pause: Duration,
    pub(crate) fault: Fault,
}

/// What the list is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) faults: usize,
    pub(crate) consumers: usize,
    /// No outage of a minute.
    pub(crate) is_quick: bool,
}

/// All faults of a run. The same seed and scale give the same.
pub(crate) fn schedule(seed: u64, scale: Scale) -> Vec<Planned> {
    let mut maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed),
        is_quick: scale.is_quick,
        partitions_added: 0,
    };
    let mut consumer = 0;
    (0..scale.faults)
        .map(|_| match maker.random.random_range(0..100) {
            0..8 => maker.of_brokers(),
            8..12 => maker.of_store(),
            _ => {
                // in turn, so that all lanes take about as long
                consumer = consumer % scale.consumers + 1;
                maker.of_consumer(consumer)
            }
        })
        .collect()
}

struct Maker {
    random: ChaCha8Rng,
    is_quick: bool,
    partitions_added: usize,
}

impl Maker {
    fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(range))
    }

    /// Longer than the session timeout, by a little or by far.
    fn past_session_timeout(&mut self) -> Duration {
        SESSION_TIMEOUT + self.millis(500..=4000)
    }

    fn of_brokers(&mut self) -> Planned {
        let node = self.random.random_range(0..NODES);
        let fault = match self.random.random_range(0..10) {
            0..2 if self.partitions_added < PARTITIONS_ADDED_MAX => {
                self.partitions_added += 1;
                BrokerFault::PartitionAdded
            }
            0..5 => BrokerFault::Killed {
                node,
                down: self.millis(0..=6000),
            },
            5..8 => BrokerFault::Frozen {
                node,
                time: self.millis(500..=9000),
            },
            _ => BrokerFault::Stopped {
                node,
                down: self.millis(0..=6000),
            },
        };
        Planned {
            pause: self.pause(1000..=6000),
            fault: Fault::Brokers(fault),
        }
    }

    fn of_store(&mut self) -> Planned {
        let is_long = !self.is_quick && self.random.random_ratio(1, 8);
        let time = if is_long {
            Duration::from_mins(1)
        } else {
            self.millis(500..=5000)
        };
        let fault = if self.random.random_ratio(1, 2) {
            StoreFault::Killed { down: time }
        } else {
            StoreFault::Frozen { time }
        };
        Planned {
            pause: self.pause(5000..=20_000),
            fault: Fault::Store(fault),
        }
    }

    /// A quick run has no time to wait for the next fault of a lane that has few.
    fn pause(&mut self, range: RangeInclusive<u64>) -> Duration {
        let pause = self.millis(range);
        if self.is_quick { pause / 4 } else { pause }
    }

    fn of_consumer(&mut self, number: usize) -> Planned {
        let fault = match self.random.random_range(0..100) {
            0..11 => ConsumerFault::KilledBeforeWrite {
                lands_after: self.millis(0..=6000),
            },
            11..20 => ConsumerFault::KilledBeforeReply,
            20..29 => ConsumerFault::KilledAfterReply {
                after: self.millis(0..=20),
            },
            29..36 => ConsumerFault::KilledAtStart {
                request: self.random.random_range(0..START_REQUESTS),
            },
            36..43 => ConsumerFault::KilledInRebalance {
                after: self.millis(100..=3000),
            },
            43..49 => ConsumerFault::KilledInDrain {
                after: self.millis(0..=300),
            },
            49..56 => ConsumerFault::Left {
                away: self.millis(0..=4000),
            },
            56..66 => ConsumerFault::Zombie {
                asleep: self.past_session_timeout(),
                held: if self.random.random_ratio(3, 4) {
                    Held::Request
                } else {
                    Held::Reply
                },
                wakes_first: self.random.random_ratio(1, 2),
            },
            66..70 => ConsumerFault::Frozen {
                asleep: self.millis(200..=6000),
            },
            70..75 => ConsumerFault::CutOff {
                time: self.past_session_timeout(),
                lands_first: self.random.random_ratio(1, 2),
            },
            75..79 => ConsumerFault::LinkCut,
            79..82 => ConsumerFault::LinkStalled {
                time: self.millis(200..=6000),
            },
            82..84 => ConsumerFault::LinkSlow {
                delay: self.millis(20..=300),
                time: self.millis(1000..=4000),
            },
            84..91 => ConsumerFault::BadWrites {
                script: self.script(SCRIPT_REQUESTS),
            },
            91..95 => ConsumerFault::BadStart {
                script: self.script(START_REQUESTS),
            },
            _ => ConsumerFault::Rival {
                time: self.millis(2000..=6000),
                is_killed: self.random.random_ratio(1, 2),
            },
        };
        Planned {
            pause: self.millis(0..=1500),
            fault: Fault::Consumer(number, fault),
        }
    }

    fn script(&mut self, requests: usize) -> FaultScript {
        FaultScript::from_seed(self.random.random_range(0..1_000_000), requests)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const SCALE: Scale = Scale {
        faults: 1000,
        consumers: 3,
        is_quick: false,
    };

    #[test]
    fn the_same_seed_makes_the_same_faults_and_another_makes_others() {
        assert_eq!(schedule(7, SCALE), schedule(7, SCALE));
        assert_ne!(schedule(7, SCALE), schedule(8, SCALE));
        assert_eq!(schedule(7, SCALE).len(), 1000);
    }

    #[test]
    fn a_long_run_has_every_kind_and_spreads_over_the_consumers() {
        let planned = schedule(1, SCALE);
        let kinds: BTreeSet<_> = planned.iter().map(|planned| planned.fault.kind()).collect();
        assert_eq!(kinds.len(), 23, "{kinds:?}");
        let mut of_consumer = BTreeMap::<usize, usize>::new();
        for planned in &planned {
            if let Fault::Consumer(number, _) = planned.fault {
                *of_consumer.entry(number).or_default() += 1;
            }
        }
        let (least, most) = (of_consumer.values().min(), of_consumer.values().max());
        assert_eq!(of_consumer.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(most.unwrap() - least.unwrap() <= 1, "{of_consumer:?}");
    }

    #[test]
    fn a_zombie_sleeps_longer_than_the_session_and_only_a_long_run_has_outages_of_a_minute() {
        let longest = |is_quick| {
            let planned = schedule(1, Scale { is_quick, ..SCALE });
            let outages = planned.into_iter().filter_map(|planned| match planned.fault {
                Fault::Consumer(_, ConsumerFault::Zombie { asleep, .. }) => {
                    assert!(asleep > SESSION_TIMEOUT);
                    None
                }
                Fault::Store(StoreFault::Killed { down: time } | StoreFault::Frozen { time }) => Some(time),
                _ => None,
            });
            outages.max().unwrap()
        };
        assert!(longest(true) < Duration::from_secs(10));
        assert_eq!(longest(false), Duration::from_mins(1));
    }
}
