//! How a Kafka client is configured, and how it finds its topic.

mod args;
mod contact;
mod producing;
mod property;
mod topic;

pub use args::{Fixed, KafkaArgs};
pub use contact::Contact;
pub use producing::{ONCE_AND_IN_ORDER, Reachability};
pub use property::Property;
pub use topic::{TopicName, partitions_of};
