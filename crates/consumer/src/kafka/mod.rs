//! The log: the group's consumer, its rebalances, and what the broker says of the topic.

mod group;
mod record_queue;
mod topic_id;

pub(crate) use group::{GroupConsumer, NOWHERE_YET, Rebalance, connect, join};
pub(crate) use record_queue::{Consumed, RecordQueue};
pub(crate) use topic_id::topic_id;
