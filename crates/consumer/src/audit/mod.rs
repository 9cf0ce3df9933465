//! `consumer audit`: reads the bucket and proves it, from the bucket alone.
//!
//! It shares no code with the writer, so that a fault of the writer cannot hide itself:
//!
//! [`bucket`] lists the keys → [`listing`] sorts them into [`name`]s → [`read`] fetches each object, and
//! [`body`] decompresses and checks it line by line → [`topic`] sets the objects beside each other: the
//! [`chain`] of each partition, the [`sessions`] of each producer → [`report`].
//!
//! What it cannot see: ticks lost behind the last one of a session that is in the bucket.

mod args;
mod body;
mod bucket;
mod chain;
mod codec;
mod error;
mod finding;
mod layout;
mod line;
mod listing;
mod metadata;
mod name;
#[cfg(test)]
mod planted_faults;
mod progress;
mod read;
mod report;
mod sessions;
mod slot;
mod topic;

use std::io::Write;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

pub use args::AuditArgs;
pub(crate) use error::Error;

pub(crate) use report::{Report, Verdict};

use bucket::Bucket;
use finding::{Finding, Findings, Kind, Place};
use listing::{Listing, TopicListing};
use report::TopicSummary;
use topic::TopicAudit;

/// Objects that are fetched and checked at a time.
const OBJECTS_IN_FLIGHT: usize = 8;

/// Audits the bucket and writes the report to `out`.
///
/// # Errors
///
/// [`Error`] if the bucket cannot be read to its end or `out` not be written; what is wrong in the bucket is
/// no error but in the report and the [`Verdict`].
pub(crate) async fn run(args: &AuditArgs, out: &mut (dyn Write + Send)) -> Result<Verdict, Error> {
    let bucket = Bucket::connect(&args.s3, args.bucket.clone()).await?;
    let report = audit(args, &bucket).await?;
    if args.json {
        report.write_json(out)?;
    } else {
        report.write_text(out)?;
    }
    Ok(report.verdict())
}

async fn audit(args: &AuditArgs, bucket: &Bucket) -> Result<Report, Error> {
    let mut listing = Listing::of(bucket, &args.prefix, args.topic.as_ref()).await?;
    let mut findings = Findings::default();
    listing.report_foreign(&mut findings);
    if listing.topics.is_empty() {
        findings.push(nothing_there(args, bucket).await?);
    }
    let recent_from = recent_from(args, &listing);
    let mut summaries = Vec::new();
    for (topic, listed) in listing.topics {
        let summary = audit_topic(args, bucket, &topic, listed, recent_from, &mut findings).await?;
        summaries.push(summary);
    }
    Ok(Report::new(args, summaries, findings))
}

async fn audit_topic(
    args: &AuditArgs,
    bucket: &Bucket,
    topic: &str,
    listed: TopicListing,
    recent_from: Option<Timestamp>,
    findings: &mut Findings,
) -> Result<TopicSummary, Error> {
    let folder = &format!("{}{topic}/", args.prefix);
    let layout = layout::read(bucket, folder, topic, &listed, findings).await?;
    if listed.slots.is_empty() {
        let what = format!("no slot yet in s3://{}/{folder}, only its layout", args.bucket);
        findings.push(Finding::note(Kind::Nothing, Place::default(), what));
    }
    let progress = progress::reading(topic, &listed);
    let mut audit = TopicAudit::new(topic, layout, listed.not_data, args.complete);
    let mut slots = futures::stream::iter(listed.slots)
        .map(|slot| read::slot(bucket, slot.name.key(folder, topic), slot, recent_from))
        .buffered(OBJECTS_IN_FLIGHT);
    while let Some((size, facts)) = slots.try_next().await? {
        progress.inc(size);
        match facts {
            Ok(facts) => audit.slot(facts, findings),
            Err(unreadable) => audit.unreadable(unreadable, findings),
        }
    }
    progress.finish_and_clear();
    Ok(audit.finish(findings))
}

/// Ticks received after this moment may still be on their way.
fn recent_from(args: &AuditArgs, listing: &Listing) -> Option<Timestamp> {
    let newest = listing.newest?;
    (!args.in_flight.is_zero()).then(|| newest.saturating_sub(args.in_flight).unwrap_or(Timestamp::MIN))
}

/// An empty place proves nothing, and is most often a mistyped one.
async fn nothing_there(args: &AuditArgs, bucket: &Bucket) -> Result<Finding, Error> {
    let prefix = args.prefix.as_str();
    let topic = args
        .topic
        .as_ref()
        .map(|topic| format!("{topic}/"))
        .unwrap_or_default();
    let folders = bucket.folders(prefix).await?;
    let there = if folders.is_empty() {
        "no folder is there".to_owned()
    } else {
        format!("there is {}", folders.join(", "))
    };
    let what = format!(
        "no slot and no layout in s3://{}/{prefix}{topic}, check `--prefix` and `--topic`: {there}",
        args.bucket
    );
    Ok(Finding::error(Kind::Nothing, Place::default(), what))
}
