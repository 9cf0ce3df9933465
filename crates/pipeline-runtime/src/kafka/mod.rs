//! How a Kafka client is configured, and how it finds its topic.

mod args;
mod contact;
mod leaders;
#[cfg(feature = "msk-iam")]
mod msk_iam;
mod patience;
mod producing;
mod property;
#[cfg(feature = "msk-iam")]
mod tokens;
mod topic;
mod topic_id;

pub use args::{ConnectionArgs, DEFAULT_GROUP, Fixed, KafkaArgs};
pub use contact::Contact;
pub use leaders::Reached;
pub use patience::patiently;
pub use producing::{ONCE_AND_IN_ORDER, Reachability};
pub use property::Property;
#[cfg(feature = "msk-iam")]
pub use tokens::Tokens;
pub use topic::{TopicName, partitions_of, reach_partitions};
pub use topic_id::topic_id;
