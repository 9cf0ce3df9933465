use std::time::Duration;

use serde::Deserialize;
use test_bed::{Bed, Process, S3, program};

use crate::error::Error;

const TIMEOUT: Duration = Duration::from_mins(10);

/// What the audit found under a prefix, all of it in order.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Stored {
    pub(crate) objects: u64,
    #[serde(rename = "stored_bytes")]
    pub(crate) encoded_bytes: u64,
    pub(crate) ticks: u64,
}

#[derive(Deserialize)]
struct Report {
    topics: Vec<Stored>,
}

/// Has the consumer prove that nothing is missing and nothing is there twice.
pub(crate) async fn audit(bed: &Bed, s3: &S3, bucket: &str, prefix: &str) -> Result<Stored, Error> {
    let name = format!("audit-{}", prefix.trim_end_matches('/'));
    let launch = program::launch("consumer", &name)?
        .args([
            "audit",
            "--bucket",
            bucket,
            "--prefix",
            prefix,
            "--complete",
            "--json",
        ])
        .variables(s3.variables());
    let audit = Process::start(bed, &launch)?;
    audit.success(TIMEOUT).await?;
    let text = audit.stdout();
    let report: Result<Report, _> = serde_json::from_str(&text);
    let report = report.map_err(|source| Error::NotFigures { name, text, source })?;
    Ok(report.topics.into_iter().next().unwrap_or_default())
}
