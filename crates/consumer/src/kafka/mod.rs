//! The log: the group's consumer with its rebalances and records ([`Log`]), and what the broker says of the topic
//! ([`Broker`]).

mod broker;
mod error;
mod group;
mod group_log;
mod log;
mod record_queue;

pub(crate) use broker::{Broker, Committed, GroupBroker};
pub(crate) use error::Error;
pub(crate) use group::{GroupConsumer, Rebalance, connect, join};
pub(crate) use group_log::GroupLog;
pub(crate) use log::{Event, Log};
pub(crate) use record_queue::RecordQueue;
