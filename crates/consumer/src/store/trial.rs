use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::join_all;
use pipeline_runtime::s3::{Hold, Refusal};
use tracing::debug;
use uuid::Uuid;

use super::unfit::NotCreateOnly;
use super::{Creation, Error, Objects, Unfit};

/// Stores that look first and write then pass one round in two, by luck.
const ROUNDS: usize = 4;
const RACERS: usize = 8;
/// So large that the head of a PUT is with the store when half of its body is.
const BODY_BYTES: usize = 64 * 1024;
const CONTENT_TYPE: &str = "text/plain";

/// Objects with names that readers skip, to see what the store makes of PUTs.
pub(super) struct Trial<'a> {
    objects: &'a Objects,
    folder: String,
    /// The last part of all keys but for its end.
    name: String,
    made: AtomicUsize,
}

impl<'a> Trial<'a> {
    /// Keys as long as `longest`, in all and in their last part.
    pub(super) fn begin(objects: &'a Objects, topic_folder: &str, longest: &str, unique: Uuid) -> Self {
        let last = longest.rsplit('/').next().unwrap_or(longest).len();
        let folder_len = longest.len() - topic_folder.len() - last;
        let unique = unique.simple().to_string();
        // the end of a UUID of version 7 is random
        let random = unique.get(unique.len().saturating_sub(14)..).unwrap_or(&unique);
        let folder = format!("_probe-{random}");
        Self {
            objects,
            folder: format!(
                "{topic_folder}{folder:_<width$}/",
                width = folder_len.saturating_sub(1)
            ),
            name: format!("{:_<width$}", "_probe-", width = last.saturating_sub(2)),
            made: AtomicUsize::new(0),
        }
    }

    /// What a store must pass; how it takes two PUTs at once only if it has not been `proven` by an earlier start.
    pub(super) async fn run(&self, is_proven: bool) -> Result<(), Unfit> {
        let key = self.key();
        self.create_first(&key).await?;
        if let Some(unkept) = self.objects.unkept_setting(&key).await? {
            let bucket = self.objects.bucket().clone();
            return Err(Unfit::NotKept { bucket, unkept });
        }
        if self.create(&key).await? == Creation::Created {
            return Err(self.not_create_only("a second PUT wrote over the first".to_owned()));
        }
        if is_proven {
            return Ok(());
        }
        Box::pin(self.hold_one()).await?;
        for _ in 0..ROUNDS {
            self.race().await?;
        }
        Ok(())
    }

    /// Removes what was made.
    pub(super) async fn clean_up(&self) {
        let keys = (0..self.made.load(Ordering::Relaxed)).map(|number| self.key_of(number));
        join_all(keys.map(|key| async move { self.objects.try_remove(&key).await })).await;
    }

    fn key(&self) -> String {
        self.key_of(self.made.fetch_add(1, Ordering::Relaxed))
    }

    fn key_of(&self, number: usize) -> String {
        format!("{}{}{number:02}", self.folder, self.name)
    }

    async fn create(&self, key: &str) -> Result<Creation, Error> {
        let body = Bytes::from_static(b"a trial");
        self.objects.create(key, body, CONTENT_TYPE, HashMap::new()).await
    }

    async fn create_first(&self, key: &str) -> Result<(), Unfit> {
        match self.create(key).await {
            Ok(_) => Ok(()),
            Err(source) if is_key_too_long(&source) => Err(Unfit::KeyTooLong {
                bucket: self.objects.bucket().clone(),
                length: key.len(),
                last: self.name.len() + 2,
                source,
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// A PUT is held in the middle of its body while another begins and ends. A store that looked first and writes now
    /// has both succeed.
    async fn hold_one(&self) -> Result<(), Unfit> {
        let key = self.key();
        let hold = Hold::default();
        let client = self.objects.held_client(hold.clone()).await?;
        let body = Bytes::from(vec![b'_'; BODY_BYTES]);
        let slow = self
            .objects
            .create_by(&client, &key, body, CONTENT_TYPE, HashMap::new());
        let other = async {
            hold.half_sent().await;
            let reply = self.create(&key).await;
            hold.release();
            reply
        };
        let mut slow = Box::pin(slow);
        let replies = tokio::select! {
            // refused before its body was asked for
            early = &mut slow => [early, self.create(&key).await],
            other = other => [slow.await, other],
        };
        let winners = winners(replies)?;
        if winners == 1 {
            return Ok(());
        }
        Err(self.not_create_only(format!(
            "of a PUT that was held in the middle and one that ran meanwhile {winners} won"
        )))
    }

    /// Several PUTs at once.
    async fn race(&self) -> Result<(), Unfit> {
        let key = self.key();
        let replies = join_all((0..RACERS).map(|_| self.create(&key))).await;
        let winners = winners(replies)?;
        if winners == 1 {
            return Ok(());
        }
        Err(self.not_create_only(format!("{winners} of {RACERS} racing PUTs won")))
    }

    fn not_create_only(&self, shown: String) -> Unfit {
        let bucket = self.objects.bucket().clone();
        Unfit::NotCreateOnly(NotCreateOnly { bucket, shown })
    }
}

fn winners(replies: impl IntoIterator<Item = Result<Creation, Error>>) -> Result<usize, Error> {
    let mut winners = 0;
    for reply in replies {
        match reply {
            Ok(Creation::Created) => winners += 1,
            Ok(Creation::Exists) => {}
            // an answer that a race may have
            Err(error) if error.other_status() == Some(409) => debug!("a racing PUT got 409"),
            Err(error) => return Err(error),
        }
    }
    Ok(winners)
}

fn is_key_too_long(error: &Error) -> bool {
    matches!(error.refusal(), Some(Refusal::Other { code, .. }) if code.starts_with("KeyTooLong"))
}
