//! How a Kafka client is configured, and how it finds its topic.

mod args;
mod property;
mod topic;

pub use args::{Fixed, KafkaArgs};
pub use property::Property;
pub use topic::{TopicName, partitions_of};
