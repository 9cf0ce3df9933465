use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use slot_protocol::SlotKeys;
use uuid::Uuid;

use super::{AnotherTopic, Creation, Objects, Unusable};
use crate::encode::Encoding;

const LAYOUT_VERSION: u32 = 1;

/// `_layout.json`: all that makes a slot's key and bytes beside the log, fixed by whoever writes first.
///
/// Without it, two consumers with different settings could write one run under two keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    #[serde(rename = "layout_version")]
    version: u32,
    /// Identity of this chain of objects; the commits in Kafka name it.
    pub(crate) id: Uuid,
    topic: String,
    /// Kafka's id of the topic, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) topic_id: Option<String>,
    format: String,
    compression: String,
    /// The store was seen to keep create-only PUTs under load, which no later start needs to try.
    #[serde(default)]
    is_create_only: bool,
}

impl Layout {
    /// What these settings make of an empty prefix.
    #[must_use]
    pub(crate) fn new(
        id: Uuid,
        topic: &str,
        topic_id: Option<&str>,
        encoding: Encoding,
        is_create_only: bool,
    ) -> Self {
        Self {
            version: LAYOUT_VERSION,
            id,
            topic: topic.to_owned(),
            topic_id: topic_id.map(str::to_owned),
            format: encoding.format().to_owned(),
            compression: encoding.compression().to_owned(),
            is_create_only,
        }
    }

    /// Whether an earlier start has seen that the store keeps create-only PUTs. What is no layout is told later.
    ///
    /// # Errors
    ///
    /// Whatever the store refuses.
    pub(super) async fn says_create_only(objects: &Objects, keys: &SlotKeys) -> Result<bool, super::Error> {
        let stored = objects.get(&keys.layout()).await?;
        let stored = stored.and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        Ok(stored.is_some_and(|layout| layout.is_create_only))
    }

    /// Makes the prefix's layout if it has none, and gives the one that it has then.
    ///
    /// # Errors
    ///
    /// [`Unusable::LayoutDiffers`] and [`AnotherTopic`] if it was made with other settings or for another
    /// topic, [`Unusable::LayoutUnreadable`] if it is no layout, and whatever the store refuses.
    pub(crate) async fn settle(self, objects: &Objects, keys: &SlotKeys) -> Result<Self, Unusable> {
        let key = keys.layout();
        let bucket = objects.bucket();
        loop {
            if let Some(stored) = self.stored(objects, keys).await? {
                return Ok(stored);
            }
            let json = serde_json::to_vec(&self).map_err(|source| Unusable::LayoutUnreadable {
                bucket: bucket.clone(),
                key: key.clone(),
                source,
            })?;
            let created = objects
                .create(&key, Bytes::from(json), "application/json", HashMap::new())
                .await?;
            if created == Creation::Created {
                return Ok(self);
            }
        }
    }

    /// The layout that the prefix has, if it has one.
    ///
    /// # Errors
    ///
    /// As for [`Layout::settle`].
    pub(crate) async fn stored(&self, objects: &Objects, keys: &SlotKeys) -> Result<Option<Self>, Unusable> {
        let key = keys.layout();
        let Some(stored) = objects.get(&key).await? else {
            return Ok(None);
        };
        let stored = serde_json::from_slice(&stored).map_err(|source| Unusable::LayoutUnreadable {
            bucket: objects.bucket().clone(),
            key: key.clone(),
            source,
        })?;
        self.check_against(&stored, objects, &key)?;
        Ok(Some(stored))
    }

    fn check_against(&self, stored: &Self, objects: &Objects, key: &str) -> Result<(), Unusable> {
        let settings = [
            (
                "layout version",
                self.version.to_string(),
                stored.version.to_string(),
            ),
            ("topic", self.topic.clone(), stored.topic.clone()),
            ("format", self.format.clone(), stored.format.clone()),
            (
                "compression",
                self.compression.clone(),
                stored.compression.clone(),
            ),
        ];
        for (setting, asked, stored) in settings {
            if asked != stored {
                return Err(Unusable::LayoutDiffers {
                    bucket: objects.bucket().clone(),
                    key: key.to_owned(),
                    setting,
                    asked,
                    stored,
                });
            }
        }
        match (&self.topic_id, &stored.topic_id) {
            (Some(ours), Some(theirs)) if ours != theirs => Err(Unusable::AnotherTopic(AnotherTopic {
                bucket: objects.bucket().clone(),
                key: key.to_owned(),
                topic: self.topic.clone(),
                ours: ours.clone(),
                theirs: theirs.clone(),
            })),
            _ => Ok(()),
        }
    }
}
