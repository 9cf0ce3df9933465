//! What to do when the log does not hold the offset that was to be read next.

use std::time::Duration;

use tracing::{info, warn};

use super::{Consuming, Error, Reader};
use crate::kafka::Log;
use crate::location;
use crate::requests::LogRangeAnswer;

/// Before the broker is asked a second time: it may be away, or a run may have to be written first.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether the offsets that are wanted next are in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nothing speaks against it.
    #[default]
    None,
    /// librdkafka said that one is not.
    Raised {
        /// The broker was asked, and did not tell all.
        is_again: bool,
    },
    /// The broker is asked.
    Asked {
        /// librdkafka said it again meanwhile.
        is_raised_again: bool,
    },
}

impl Doubt {
    pub(super) fn raise(&mut self) {
        *self = match *self {
            Self::None => Self::Raised { is_again: false },
            Self::Raised { is_again } => Self::Raised { is_again },
            Self::Asked { .. } => Self::Asked {
                is_raised_again: true,
            },
        };
    }
}

impl<L: Log> Reader<L, Consuming> {
    /// Asks for each partition's log, if there is doubt.
    pub(super) fn ask_for_log_ranges(&mut self) {
        let Doubt::Raised { is_again } = self.state.doubt else {
            return;
        };
        let wanted: Vec<(i32, i64)> = self
            .partitions
            .iter()
            .filter_map(|(number, partition)| Some((*number, partition.chain.expected()?)))
            .collect();
        let pause = if is_again { PAUSE } else { Duration::ZERO };
        self.state.doubt = Doubt::Asked {
            is_raised_again: false,
        };
        self.writing.requests.log_ranges(wanted, pause);
    }

    /// Compares each partition's position with its log: one that retention has passed is located anew, a log that ends
    /// before it is another log.
    ///
    /// Passing over what is gone would not do: the next slot's key is made by its first record, and another writer may
    /// have written that slot while the record was there. Only the bucket can tell. What was read is written first.
    ///
    /// # Errors
    ///
    /// [`location::Error::ChainBeyondLog`].
    pub(super) fn compare_with_log(&mut self, answers: Vec<LogRangeAnswer>) -> Result<(), Error> {
        let mut must_ask_again = false;
        let mut passed = Vec::new();
        for LogRangeAnswer {
            partition: number,
            expected,
            range,
        } in answers
        {
            let Some(partition) = self.partitions.get_mut(&number) else {
                continue;
            };
            if partition.chain.expected() != Some(expected) {
                // it is being moved, or reads on
                continue;
            }
            let range = match range {
                Ok(range) => range,
                Err(error) => {
                    warn!(partition = number, %error, "cannot read where the log begins and ends, asking again");
                    must_ask_again = true;
                    continue;
                }
            };
            if expected > range.high {
                return Err(Error::Location(location::Error::ChainBeyondLog {
                    topic: self.writing.requests.source().topic.clone(),
                    partition: number,
                    bucket: self.writing.requests.destination().bucket.name().clone(),
                    boundary: expected,
                    high: range.high,
                }));
            }
            if expected >= range.low {
                partition.chain.read_again();
            } else if partition.chain.is_idle() {
                info!(
                    partition = number,
                    expected,
                    low = range.low,
                    "the broker deleted what was to be read"
                );
                passed.push(number);
            } else {
                must_ask_again = true;
            }
        }
        let is_raised_again = self.state.doubt
            == Doubt::Asked {
                is_raised_again: true,
            };
        self.state.doubt = if must_ask_again || is_raised_again {
            Doubt::Raised { is_again: true }
        } else {
            Doubt::None
        };
        self.locate_again(passed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::simulation::alone::{Alone, records};

    fn set_log(alone: &Alone, low: i64, high: i64) {
        let mut state = alone.topic.state();
        let partition = state.partitions.get_mut(&0).unwrap();
        partition.timestamps_ms = (0..high).map(Some).collect();
        (partition.low, partition.high) = (low, high);
    }

    /// A consumer whose bucket has the offsets 0 to 3 and which waits for 4.
    fn waiting() -> Alone {
        let mut alone = Alone::new([records(4)]);
        alone.rounds_until(|alone| alone.slots() == [(0, 3)] && alone.process.reader.is_at(0, 4));
        alone
    }

    #[test]
    fn what_retention_took_is_counted_and_the_chain_goes_on_behind_it() {
        let mut alone = waiting();
        set_log(&alone, 10, 14);
        alone.rounds_until(|alone| alone.slots() == [(0, 3), (4, 13)]);
        assert_eq!(alone.process.reader.tally.offsets_lost, 6);
    }

    #[test]
    fn what_was_read_is_written_before_it_is_looked_for_where_to_go_on() {
        let mut alone = waiting();
        set_log(&alone, 0, 6);
        alone.rounds_until(|alone| alone.held() == 2);
        set_log(&alone, 10, 12);
        alone.process.reader.state.doubt.raise();
        let before = alone.process.reader.state.assignments;
        alone.rounds_until(|alone| alone.held() == 0);
        assert_eq!(
            alone.process.reader.state.assignments, before,
            "the run was dropped"
        );
        alone.rounds_until(|alone| alone.slots() == [(0, 3), (4, 5), (6, 11)]);
        assert_eq!(alone.process.reader.tally.offsets_lost, 4);
    }

    #[test]
    fn a_log_that_ends_before_the_chain_is_another() {
        let mut alone = waiting();
        set_log(&alone, 0, 2);
        let error = (0..50).find_map(|_| alone.rounds(1).err());
        let Some(Error::Location(location::Error::ChainBeyondLog { boundary, high, .. })) = error else {
            panic!("{error:?}");
        };
        assert_eq!((boundary, high), (4, 2));
    }

    #[test]
    fn a_broker_that_does_not_tell_is_asked_again_after_a_pause() {
        let mut alone = waiting();
        alone.process.reader.state.doubt.raise();
        alone.process.reader.ask_for_log_ranges();
        let unanswered = LogRangeAnswer {
            partition: 0,
            expected: 4,
            range: Err(rdkafka::error::KafkaError::Canceled),
        };
        alone.process.reader.compare_with_log(vec![unanswered]).unwrap();
        assert_eq!(alone.process.reader.state.doubt, Doubt::Raised { is_again: true });
        alone.process.reader.ask_for_log_ranges();
        alone.clock.advance(PAUSE / 2);
        alone.process.background.run();
        let asked = Doubt::Asked {
            is_raised_again: false,
        };
        assert_eq!(alone.process.reader.state.doubt, asked);
        alone.clock.advance(PAUSE / 2);
        alone.rounds(2).unwrap();
        assert_eq!(alone.process.reader.state.doubt, Doubt::None);
    }

    #[test]
    fn a_position_that_moved_while_the_broker_was_asked_is_not_judged() {
        let mut alone = waiting();
        let outdated = LogRangeAnswer {
            partition: 0,
            expected: 3,
            range: Ok(slot_protocol::LogRange { low: 0, high: 2 }),
        };
        alone.process.reader.compare_with_log(vec![outdated]).unwrap();
        assert_eq!(alone.process.reader.partitions[&0].chain.seek_target(), None);
    }
}
