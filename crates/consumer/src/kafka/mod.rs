//! The log: the group's consumer, its rebalances, and what the broker says of the topic.

mod group;
mod record_queue;

pub(crate) use group::{GroupConsumer, NOWHERE_YET, Rebalance, connect, join};
pub(crate) use pipeline_runtime::kafka::topic_id;
pub(crate) use record_queue::{Consumed, RecordQueue};
