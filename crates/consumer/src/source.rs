//! Where the records come from: one topic, and what its broker says of it.

use std::sync::Arc;
use std::time::Duration;

use pipeline_runtime::kafka::TopicName;

use crate::kafka::Broker;

/// One topic.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) topic: TopicName,
    /// Kafka's id of it at the start, where known.
    pub(crate) topic_id: Option<String>,
}

/// The topic was made anew since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeAnew {
    pub(crate) id_at_start: String,
    pub(crate) id_now: String,
}

impl Source {
    /// Whether the topic is still the one of the start. Made anew under a running consumer, its records follow the old
    /// ones' offsets without a sign. Asked for behind a run's last record, the answer holds for the whole run; a broker
    /// that is away gives none, and what was read before is written.
    ///
    /// # Errors
    ///
    /// [`MadeAnew`] if it is not.
    pub(crate) async fn check_topic(&self, timeout: Duration) -> Result<(), MadeAnew> {
        let Some(at_start) = &self.topic_id else {
            return Ok(());
        };
        match self.broker.topic_id(timeout).await {
            Some(now) if now != *at_start => Err(MadeAnew {
                id_at_start: at_start.clone(),
                id_now: now,
            }),
            _ => Ok(()),
        }
    }
}
