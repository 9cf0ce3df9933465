//! What to do when the log does not hold the offset that was to be read next.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use tracing::warn;

use super::Reader;
use crate::Error;

const WATERMARKS_TIMEOUT: Duration = Duration::from_secs(5);

impl Reader {
    /// Compares each partition's position with its log: what retention deleted is reported and passed over, a log
    /// that ends before it is another log.
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
            let lost = self.partitions.get_mut(&number).map_or(0, |partition| {
                partition.chain.read_again();
                partition.chain.skip_to(low)
            });
            self.report_lost(number, low, lost);
        }
        self.is_log_range_in_doubt = false;
        Ok(())
    }
}
