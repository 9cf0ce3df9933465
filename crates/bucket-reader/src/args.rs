use pipeline_runtime::s3::{BucketName, Prefix, S3Args};

/// Which bucket to read.
#[derive(Clone, Debug, clap::Args)]
pub struct BucketArgs {
    /// Bucket to read
    #[arg(long, env = "BUCKET_NAME", value_name = "NAME", help_heading = "S3")]
    pub bucket: BucketName,
    /// What all keys begin with, a folder
    #[arg(
        long,
        env = "BUCKET_PREFIX",
        value_name = "FOLDER/",
        default_value = "",
        help_heading = "S3"
    )]
    pub prefix: Prefix,
    #[command(flatten)]
    pub(super) s3: S3Args,
}
