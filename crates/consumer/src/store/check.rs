use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use pipeline_runtime::exit::with_causes;
use pipeline_runtime::s3::Refusal;
use slot_protocol::{Hour, SlotKeys};
use tracing::warn;
use uuid::Uuid;

use super::trial::Trial;
use super::{Layout, Objects, Unfit};

/// A store that is in trouble is tried for about two minutes.
const TRIES: usize = 8;

/// Proves that the bucket can be used: it is there, may be listed and written, takes the longest key that can come,
/// keeps the settings of objects and create-only PUTs. Tells whether the last was seen, now or by an earlier start.
///
/// # Errors
///
/// Names what is missing, or [`Unfit::NotCreateOnly`]; `allow_at_least_once` turns the last into a warning.
pub(crate) async fn check(
    objects: &Objects,
    keys: &SlotKeys,
    unique: Uuid,
    allow_at_least_once: bool,
) -> Result<bool, Unfit> {
    objects.reach(keys.folder()).await?;
    let is_proven = Layout::says_create_only(objects, keys).await?;
    let longest = keys.slot(99_999, i64::MAX, Hour::of_timestamp_ms(0));
    let trial = || async {
        let trial = Trial::begin(objects, keys.folder(), &longest, unique);
        let tried = Box::pin(trial.run(is_proven)).await;
        trial.clean_up().await;
        tried
    };
    let tried = trial
        .retry(
            ExponentialBuilder::default()
                .with_jitter()
                .with_max_times(TRIES)
                .with_max_delay(Duration::from_secs(30)),
        )
        .when(may_pass)
        .notify(|error, pause| {
            let settings = objects.settings_in_use();
            warn!(
                error = with_causes(error),
                settings,
                ?pause,
                "the trial of the store failed, trying again"
            );
        })
        .await;
    match tried {
        Ok(()) => Ok(true),
        Err(Unfit::NotCreateOnly(fault)) if allow_at_least_once => {
            warn!("{fault}; ticks may be stored twice, as `--allow-at-least-once` allows");
            Ok(false)
        }
        Err(Unfit::Store(source)) if is_of_settings(&source) => Err(Unfit::Refused {
            bucket: objects.bucket().clone(),
            settings: objects.settings_in_use(),
            source,
        }),
        Err(error) => Err(error),
    }
}

/// A reply of a store that is in trouble. Without a reply a start ends, as the address may be wrong.
fn may_pass(error: &Unfit) -> bool {
    match error {
        Unfit::Store(error) => match error.refusal() {
            Some(Refusal::SlowDown) => true,
            Some(Refusal::Other { status, .. }) => *status >= 500 || *status == 409,
            _ => false,
        },
        _ => false,
    }
}

/// A reply by which a store may mean that it does not know a setting.
fn is_of_settings(error: &super::Error) -> bool {
    matches!(error.refusal(), Some(Refusal::Other { status, .. }) if *status == 400 || *status >= 500)
}
