//! Where the records go: one prefix of a bucket, and the keys of its slots.

use std::sync::Arc;

use slot_protocol::{HeadReply, PutReply, Slot, SlotKeys};
use uuid::Uuid;

use pipeline_runtime::exit::with_causes;

use crate::encode::{EncodedRun, Encoding, RunSize};
use crate::events;
use crate::store::{Bucket, Creation, found_in, metadata_of};

/// One topic's prefix of a bucket.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) bucket: Arc<dyn Bucket>,
    /// The names of its objects.
    pub(crate) keys: SlotKeys,
    /// Its layout's id.
    pub(crate) layout: Uuid,
    /// Kafka's id of the topic that the layout was made for, where known.
    pub(crate) topic_id: Option<String>,
    /// What its objects are.
    pub(crate) encoding: Encoding,
}

impl Destination {
    pub(crate) fn key_of(&self, partition: i32, slot: &Slot) -> String {
        self.keys.slot(partition, slot.start, slot.hour)
    }

    /// PUTs a slot, once.
    pub(crate) async fn put(
        &self,
        partition: i32,
        slot: &Slot,
        size: RunSize,
        encoded: EncodedRun,
        topic_id: Option<&str>,
    ) -> PutReply {
        let key = self.key_of(partition, slot);
        let metadata = metadata_of(slot, size, &encoded, self.encoding, topic_id);
        match self.bucket.create(&key, encoded.body, metadata).await {
            Ok(Creation::Created) => PutReply::Created,
            Ok(Creation::Exists) => PutReply::Exists,
            Err(error) => {
                events::put_unknown(&key, &with_causes(&error));
                PutReply::Unknown
            }
        }
    }

    /// HEADs a slot's key, once.
    pub(crate) async fn head(&self, partition: i32, slot: &Slot) -> HeadReply {
        let key = self.key_of(partition, slot);
        match self.bucket.head(&key).await {
            Ok(Some(metadata)) => found_in(&metadata),
            Ok(None) => HeadReply::Gone,
            Err(error) => {
                events::head_unknown(&key, &with_causes(&error));
                HeadReply::Unknown
            }
        }
    }
}
