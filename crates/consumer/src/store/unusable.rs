use pipeline_runtime::exit::{ExitStatus, Failure};
use pipeline_runtime::s3::BucketName;

use super::{Error, Unfit};

/// Why a prefix of a bucket cannot be written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// The store refuses a request, or gives no reply.
    #[error(transparent)]
    Store(#[from] Error),
    /// A trial of the store failed.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The layout object is no layout.
    #[error("s3://{bucket}/{key} is not a layout that this version reads, use another `--prefix`")]
    LayoutUnreadable {
        bucket: BucketName,
        key: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The prefix was begun with other settings.
    #[error(
        "s3://{bucket}/{key} says {setting} `{stored}`, asked is `{asked}`; either set it to `{stored}`, or use \
         another `--prefix`"
    )]
    LayoutDiffers {
        bucket: BucketName,
        key: String,
        setting: &'static str,
        /// What the flags say.
        asked: String,
        /// What the object says.
        stored: String,
    },
    /// The prefix was begun for another topic.
    #[error(transparent)]
    AnotherTopic(#[from] AnotherTopic),
}

impl Failure for Unusable {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Store(error) => error.exit_status(),
            Self::Unfit(error) => error.exit_status(),
            Self::LayoutUnreadable { .. } | Self::LayoutDiffers { .. } | Self::AnotherTopic(_) => {
                ExitStatus::BadConfig
            }
        }
    }
}

/// The topic was deleted and made anew.
#[derive(Debug, thiserror::Error)]
#[error(
    "the topic {topic} has the id {ours}, but s3://{bucket}/{key} was begun for {theirs}: the topic was made anew, or \
     two pipelines share a prefix; either use another `--prefix`, or remove the old data"
)]
pub struct AnotherTopic {
    pub(crate) bucket: BucketName,
    /// The key of the layout or of a slot.
    pub(crate) key: String,
    pub(crate) topic: String,
    /// The topic's id now.
    pub(crate) ours: String,
    /// The id in the bucket.
    pub(crate) theirs: String,
}
