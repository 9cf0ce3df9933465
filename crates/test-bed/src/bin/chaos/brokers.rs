//! The lane of the Kafka cluster: at most one node fails at a time.

use test_bed::Kafka;
use tokio::time::sleep;

use crate::error::Error;
use crate::fault::BrokerFault;
use crate::seat::TOPIC;

/// The cluster and how many partitions its topic has.
pub(crate) struct Brokers {
    pub(crate) kafka: Kafka,
    pub(crate) partitions: usize,
}

impl Brokers {
    /// Brings a fault about, ends it, and waits until another node may fail.
    pub(crate) async fn suffer(&mut self, fault: &BrokerFault) -> Result<(), Error> {
        match *fault {
            BrokerFault::Killed { node, down } => {
                self.kafka.kill_node(node).await?;
                sleep(down).await;
                self.kafka.start_node(node).await?;
            }
            BrokerFault::Stopped { node, down } => {
                self.kafka.stop_node(node).await?;
                sleep(down).await;
                self.kafka.start_node(node).await?;
            }
            BrokerFault::Frozen { node, time } => {
                self.kafka.pause_node(node);
                sleep(time).await;
                self.kafka.resume_node(node);
            }
            BrokerFault::PartitionAdded => {
                self.partitions += 1;
                self.kafka.grow_topic(TOPIC, self.partitions).await?;
            }
        }
        Ok(self.kafka.until_in_sync(TOPIC).await?)
    }
}
