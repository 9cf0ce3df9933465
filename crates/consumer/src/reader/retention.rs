//! What to do when the log does not hold the offset that was to be read next.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use tracing::{info, warn};

use super::Reader;
use crate::Error;

const WATERMARKS_TIMEOUT: Duration = Duration::from_secs(5);

impl Reader {
    /// Compares each partition's position with its log: one that retention has passed is located anew, a log that ends
    /// before it is another log.
    ///
    /// Passing over what is gone would not do: the next slot's key is made by its first record, and another writer may
    /// have written that slot while the record was there. Only the bucket can tell. What was read is written first.
    ///
    /// # Errors
    ///
    /// [`Error::ChainBeyondLog`].
    pub(super) fn check_log_range(&mut self) -> Result<(), Error> {
        let positions: Vec<(i32, i64)> = self
            .partitions
            .iter()
            .filter_map(|(number, partition)| Some((*number, partition.chain.expected()?)))
            .collect();
        let mut passed = Vec::new();
        let mut must_ask_again = false;
        for (number, expected) in positions {
            let topic = self.config.kafka.topic.as_str();
            let (low, high) = match self
                .input
                .consumer
                .fetch_watermarks(topic, number, WATERMARKS_TIMEOUT)
            {
                Ok(range) => range,
                Err(error) => {
                    warn!(partition = number, %error, "cannot read where the log begins and ends, asking again");
                    return Ok(());
                }
            };
            if expected > high {
                return Err(Error::ChainBeyondLog {
                    topic: self.config.kafka.topic.clone(),
                    partition: number,
                    bucket: self.config.bucket.clone(),
                    boundary: expected,
                    high,
                });
            }
            let Some(partition) = self.partitions.get_mut(&number) else {
                continue;
            };
            if expected >= low {
                partition.chain.read_again();
            } else if partition.chain.is_idle() {
                info!(
                    partition = number,
                    expected, low, "the broker deleted what was to be read"
                );
                passed.push(number);
            } else {
                must_ask_again = true;
            }
        }
        self.is_log_range_in_doubt = must_ask_again;
        self.locate_again(passed);
        Ok(())
    }
}
