use test_bed::{Bed, Kafka, S3, Screen};

use crate::args::Load;

pub(crate) const BUCKET: &str = "bench";
pub(crate) const TOPIC: &str = quote_model::topic::DEFAULT_TOPIC;

/// What all contenders run on.
pub(crate) struct Stage<'a> {
    pub(crate) bed: &'a Bed,
    pub(crate) kafka: &'a Kafka,
    pub(crate) s3: &'a S3,
    pub(crate) screen: &'a Screen,
    pub(crate) partitions: u16,
    pub(crate) load: Load,
    /// Of all ticks.
    pub(crate) bytes: u64,
}
