use pipeline_runtime::s3::{BucketName, S3Args};

use crate::args::Prefix;

/// Which bucket to read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BucketArgs {
    /// Bucket to read
    #[arg(long, env = "BUCKET_NAME", value_name = "NAME", help_heading = "S3")]
    pub(crate) bucket: BucketName,
    /// What all keys begin with, a folder
    #[arg(
        long,
        env = "BUCKET_PREFIX",
        value_name = "FOLDER/",
        default_value = "",
        help_heading = "S3"
    )]
    pub(crate) prefix: Prefix,
    #[command(flatten)]
    pub(super) s3: S3Args,
}
