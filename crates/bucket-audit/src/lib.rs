//! `consumer audit`: reads the bucket and proves it.
//!
//! [`bucket_reader`] lists the objects and checks each one by itself → [`topic`] sets them beside each other: the chain of
//! each [`partition`], the [`sessions`] of each producer → [`comparison`] sets them beside the log, if brokers are named →
//! [`report`].
//!
//! What it proves: each object is as it was written; each chain covers its offsets once and without a hole from its first
//! object to its last; each tick of a session is there once, from `seq` 0 to the last one that is there. With `--brokers`
//! also: nothing that the group committed is missing at a chain's end, nothing went from the log before it was stored, and
//! an object with fewer records than offsets lacks none that the log still has. What it could not know it says
//! ([`not_known`]).

mod against_log;
mod args;
mod comparison;
mod error;
mod log;
mod not_known;
mod partition;
#[cfg(test)]
mod planted_faults;
mod report;
mod sessions;
mod topic;

use std::io::Write;

use bucket_reader::{
    Bucket, Finding, Findings, Kind, Layout, Listing, Place, SlotReader, Times, TopicListing,
    reading_progress, start_of_hour,
};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use pipeline_runtime::exit::ExitStatus;

pub use args::AuditArgs;
pub use error::Error;

use comparison::Comparison;
use not_known::not_known;
use report::Report;
use topic::{AuditedTopic, TopicAudit};

/// Objects that are fetched and checked at a time.
const OBJECTS_IN_FLIGHT: usize = 8;

/// Audits the bucket and writes the report to `out`.
///
/// # Errors
///
/// [`Error`] if the bucket cannot be read to its end or `out` not be written; what is wrong in the bucket is
/// no error but in the report and the status.
pub async fn run(args: &AuditArgs, out: &mut (dyn Write + Send)) -> Result<ExitStatus, Error> {
    let bucket = Bucket::connect(&args.source).await?;
    let report = audit(args, &bucket).await?;
    if args.json {
        report.write_json(out)?;
    } else {
        report.write_text(out)?;
    }
    Ok(report.exit_status())
}

async fn audit(args: &AuditArgs, bucket: &Bucket) -> Result<Report, Error> {
    let mut comparison = match args.kafka() {
        Some(kafka) => Some(Comparison::begin(kafka, args.group.clone()).await?),
        None => None,
    };
    let mut listing = Listing::of(bucket, &args.source.prefix, args.topic.as_ref()).await?;
    let mut findings = Findings::default();
    listing.report_foreign(&mut findings);
    if listing.topics.is_empty() {
        findings.push(nothing_there(args, bucket).await?);
    }
    let times = Times {
        since: args.since.map(start_of_hour),
        recent_from: recent_from(args, &listing),
    };
    let mut summaries = Vec::new();
    for (topic, listed) in listing.topics {
        let mut audited = audit_topic(args, bucket, &topic, listed, times, &mut findings).await?;
        let comparison = comparison.take();
        let is_log_compared = comparison.is_some();
        if let Some(comparison) = comparison {
            comparison.end(&mut audited, args.complete, &mut findings).await?;
        }
        audited.summary.not_known = not_known(&audited, is_log_compared);
        summaries.push(audited.summary);
    }
    Ok(Report::new(args, summaries, findings))
}

async fn audit_topic(
    args: &AuditArgs,
    bucket: &Bucket,
    topic: &str,
    mut listed: TopicListing,
    times: Times,
    findings: &mut Findings,
) -> Result<AuditedTopic, Error> {
    let folder = &format!("{}{topic}/", args.source.prefix);
    let layout = Layout::read(bucket, folder, topic, listed.has_layout, findings).await?;
    if listed.slots.is_empty() {
        let what = format!(
            "no slot yet in s3://{}/{folder}, only its layout",
            args.source.bucket
        );
        findings.push(Finding::note(Kind::Nothing, Place::default(), what));
    }
    if let Some(since) = times.since {
        begin_at(
            since,
            &mut listed,
            &format!("s3://{}/{folder}", args.source.bucket),
            findings,
        );
    }
    let progress = reading_progress(topic, listed.slots.iter().map(|slot| slot.size).sum());
    let mut audit = TopicAudit::new(folder, topic, layout, &listed, args.memory())
        .wanting_all(args.complete)
        .leaving_out(times.since.map(|_| listed.left_out));
    let reader = SlotReader::new(bucket.clone(), times);
    let mut slots = futures::stream::iter(listed.slots)
        .map(|slot| reader.check(slot.name.key(folder, topic), slot))
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

/// Leaves out what is older; what is left of a topic that is there may be nothing.
fn begin_at(since: Timestamp, listed: &mut TopicListing, folder: &str, findings: &mut Findings) {
    let newest = listed.slots.iter().map(|slot| slot.name.hour_start()).max();
    listed.begin_at(since);
    if let Some(newest) = newest.filter(|_| listed.slots.is_empty()) {
        let what = format!("no slot of {since} or later in {folder}, the newest is of {newest}");
        findings.push(Finding::note(Kind::Nothing, Place::default(), what));
    }
}

/// Ticks received after this moment may still be on their way.
fn recent_from(args: &AuditArgs, listing: &Listing) -> Option<Timestamp> {
    let newest = listing.newest?;
    (!args.in_flight.is_zero()).then(|| newest.saturating_sub(args.in_flight).unwrap_or(Timestamp::MIN))
}

/// An empty place proves nothing, and is most often a mistyped one.
async fn nothing_there(args: &AuditArgs, bucket: &Bucket) -> Result<Finding, Error> {
    let prefix = args.source.prefix.as_str();
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
        args.source.bucket
    );
    Ok(Finding::error(Kind::Nothing, Place::default(), what))
}

#[cfg(test)]
mod tests {
    use bucket_reader::{ListedSlot, ObjectName};

    use super::*;

    #[test]
    fn ticks_may_be_on_their_way_for_as_long_as_is_said_before_the_newest_object() {
        let mut listing = Listing::default();
        listing.newest = Some("2026-11-23T14:10:00Z".parse().unwrap());
        let recent =
            |flags: &[&str], listing: &Listing| recent_from(&AuditArgs::parsed(flags).unwrap(), listing);
        assert_eq!(recent(&[], &listing), None);
        let expected = "2026-11-23T14:05:00Z".parse().unwrap();
        assert_eq!(recent(&["--in-flight", "5m"], &listing), Some(expected));
        assert_eq!(recent(&["--in-flight", "5m"], &Listing::default()), None);
    }

    #[test]
    fn a_time_behind_the_newest_slot_leaves_nothing_and_says_so() {
        let path = "t/dt=2026-11-23/hour=14/t-00000-00000000000000000000.jsonl";
        let ObjectName::Slot { name, .. } = ObjectName::parse(path) else {
            panic!("{path} is no slot's name");
        };
        let found = |since: &str| {
            let mut listed = TopicListing {
                slots: vec![ListedSlot { name, size: 1 }],
                ..TopicListing::default()
            };
            let mut findings = Findings::default();
            begin_at(since.parse().unwrap(), &mut listed, "s3://b/t/", &mut findings);
            (listed.slots.len(), findings.into_kept().pop().map(|it| it.what))
        };
        assert_eq!(found("2026-11-23T14:00:00Z"), (1, None));
        let (left, what) = found("2026-11-23T15:00:00Z");
        assert_eq!(left, 0);
        assert!(what.unwrap().ends_with("the newest is of 2026-11-23T14:00:00Z"));
    }
}
