use pipeline_runtime::exit::{ExitStatus, Failure};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bucket cannot be read to its end.
    #[error(transparent)]
    Bucket(#[from] bucket_reader::Error),
    /// The report cannot be written.
    #[error("cannot write the report to stdout")]
    Stdout {
        /// Why.
        source: std::io::Error,
    },
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Bucket(error) => error.exit_status(),
            Self::Stdout { .. } => ExitStatus::Failed,
        }
    }
}
