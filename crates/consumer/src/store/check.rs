use std::collections::HashMap;

use bytes::Bytes;
use futures::future::join_all;
use slot_protocol::SlotKeys;
use tracing::{debug, warn};
use uuid::Uuid;

use super::{Creation, Objects, Unusable};

const RACERS: usize = 8;

/// Proves that the bucket can be used: it is there, may be listed and written, and keeps create-only PUTs.
///
/// # Errors
///
/// Names what is missing, or [`Unusable::NotCreateOnly`] if the store lets more than one PUT of a race win, or
/// writes over an object that is there; `allow_at_least_once` turns the last into a warning.
pub(crate) async fn check(
    objects: &Objects,
    keys: &SlotKeys,
    unique: Uuid,
    allow_at_least_once: bool,
) -> Result<(), Unusable> {
    objects.reach(keys.folder()).await?;
    let key = keys.probe(&unique.to_string());
    let probed = probe(objects, &key).await;
    objects.try_remove(&key).await;
    match probed {
        Err(error @ Unusable::NotCreateOnly { .. }) if allow_at_least_once => {
            warn!("{error}; going on, ticks may be stored twice");
            Ok(())
        }
        other => other,
    }
}

async fn probe(objects: &Objects, key: &str) -> Result<(), Unusable> {
    let put = |racer: usize| {
        let body = Bytes::from(racer.to_string());
        objects.create(key, body, "text/plain", HashMap::new())
    };
    let replies = join_all((0..RACERS).map(put)).await;
    let mut winners = 0;
    for reply in replies {
        match reply {
            Ok(Creation::Created) => winners += 1,
            Ok(Creation::Exists) => {}
            // 409 is an answer that a race may have
            Err(error) if error.other_status() == Some(409) => debug!(key, "a racing PUT got 409"),
            Err(error) => return Err(error.into()),
        }
    }
    let again = put(RACERS).await?;
    if winners == 1 && again == Creation::Exists {
        return Ok(());
    }
    Err(Unusable::NotCreateOnly {
        bucket: objects.bucket().clone(),
        winners,
        racers: RACERS,
        is_overwritten: again == Creation::Created,
    })
}
