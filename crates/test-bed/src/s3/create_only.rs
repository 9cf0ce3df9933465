//! When the server keeps create-only PUTs.

use aws_sdk_s3::primitives::ByteStream;
use backon::Retryable;
use futures::future::join_all;

use super::{READY_TIMEOUT, S3};
use crate::Result;
use crate::process::polling;

/// How many PUTs race for one key, and how many races in a row must go well.
const RACERS: usize = 8;
const RACES: usize = 5;

impl S3 {
    /// Waits until the server lets one of racing create-only PUTs win. `SeaweedFS` answers sooner than that after a
    /// start: in its first moments two may win.
    ///
    /// # Errors
    ///
    /// [`Error::Late`](crate::Error::Late) if it never does.
    pub async fn until_create_only_holds(&self, bucket: &str) -> Result<()> {
        let check = || async {
            for _ in 0..RACES {
                if self.winners_of_a_race(bucket).await != 1 {
                    return Err(());
                }
            }
            Ok(())
        };
        check
            .retry(polling(READY_TIMEOUT))
            .await
            .map_err(|()| self.process.late("create-only PUTs", READY_TIMEOUT))
    }

    async fn winners_of_a_race(&self, bucket: &str) -> usize {
        let key = format!("_race-{:016x}", rand::random::<u64>());
        let racers = (0..RACERS).map(|racer| {
            self.client
                .put_object()
                .bucket(bucket)
                .key(&key)
                .if_none_match("*")
                .body(ByteStream::from(racer.to_string().into_bytes()))
                .send()
        });
        let won = join_all(racers).await;
        if let Err(error) = self.delete(bucket, &key).await {
            tracing::debug!("{key} is left: {error}");
        }
        won.into_iter().flatten().count()
    }
}
