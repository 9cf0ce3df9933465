use std::time::Duration;

use rdkafka::error::{KafkaError, KafkaResult};

use super::{Error, Rebalance};
use crate::encode::Record;

/// The log as the reading thread sees it, which alone polls it. Nothing here waits for a broker.
pub(crate) trait Log {
    /// The next change of the partitions that are ours.
    fn next_rebalance(&self) -> Option<Rebalance>;

    /// The next of what is no record of a partition that is [listened to](Log::listen).
    fn next_event(&self) -> Option<Event>;

    /// Hands over up to `count` records, and as many as come within `timeout`: of each partition in the order of its
    /// log, with what is wrong with a partition in between.
    ///
    /// # Errors
    ///
    /// The first of `take`; what was fetched behind it is dropped.
    fn read<E>(
        &self,
        count: usize,
        timeout: Duration,
        take: impl FnMut(Result<Record<'_>, KafkaError>) -> Result<(), E>,
    ) -> Result<(), E>;

    /// Has a partition's records come by [`Log::read`]. An assignment undoes it.
    ///
    /// # Errors
    ///
    /// If the partition is not known.
    fn listen(&self, partition: i32) -> Result<(), Error>;

    /// Moves the reading of a partition.
    ///
    /// # Errors
    ///
    /// If that cannot be done now.
    fn seek(&self, partition: i32, offset: i64) -> KafkaResult<()>;

    /// Stops the reading of a partition and drops what is fetched of it.
    ///
    /// # Errors
    ///
    /// If that cannot be done now.
    fn pause(&self, partition: i32) -> KafkaResult<()>;

    /// Reads a partition again that was paused.
    ///
    /// # Errors
    ///
    /// If that cannot be done now.
    fn resume(&self, partition: i32) -> KafkaResult<()>;

    /// Whether single partitions can be given up and taken, and not only all.
    fn is_cooperative(&self) -> bool;

    /// Takes partitions as if they were newly assigned, each to be read from its offset, if it has one: all that are
    /// ours, or some if the log [is cooperative](Log::is_cooperative).
    ///
    /// # Errors
    ///
    /// If that cannot be done now.
    fn take_again(&self, places: &[(i32, Option<i64>)]) -> KafkaResult<()>;
}

/// What comes beside the records.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A record of a partition came before it was listened to, and is lost: it must be read again.
    TooEarly { partition: i32 },
    /// A batch of a partition cannot be read: a digit changed on the broker's disk. Nothing behind it is handed over until
    /// the partition is [moved](Log::seek) or taken again.
    Unreadable {
        partition: i32,
        /// Where the batch begins.
        offset: i64,
    },
    /// Something went wrong.
    Failed(KafkaError),
}
