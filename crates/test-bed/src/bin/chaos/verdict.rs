//! What lies in the bucket: the audit's own proof, and what the bucket alone cannot tell, whether each session is there
//! to its last tick and committed.

use std::time::Duration;

use serde_json::Value;
use test_bed::{Bed, Process, S3, program};

use crate::error::Error;
use crate::feed::Session;
use crate::seat::BUCKET;
use crate::tally::Tally;

const AUDIT_TIMEOUT: Duration = Duration::from_mins(30);
/// Findings that are shown; the report has more.
const FINDINGS_SHOWN: usize = 20;
/// What the consumer logs when it takes over a slot that another had written.
const TAKEN_OVER: &str = "its slot is taken over";

/// Shows the figures, and whether all is right.
pub(crate) async fn give(
    bed: &Bed,
    s3: &S3,
    sessions: &[Session],
    lag: i64,
    refused_writes: usize,
    tally: &Tally,
) -> Result<(), Error> {
    let launch = program::launch("consumer", "audit")?
        .args(["audit", "--bucket", BUCKET, "--complete", "--json"])
        .variables(s3.variables());
    let audit = Process::start(bed, &launch)?;
    let status = audit.end(AUDIT_TIMEOUT).await?;
    let report: Value = serde_json::from_str(&audit.stdout()).map_err(|_| Error::NoReport {
        status,
        log: audit.log(),
    })?;
    let mut wrong = findings(&report, status.success());
    wrong.extend(untrue_sessions(&report["topics"][0], sessions));
    if lag != 0 {
        wrong.push(format!(
            "{lag} offsets are not committed, though the consumers had all the time"
        ));
    }

    let mut lines = figures(&report["topics"][0], sessions, tally);
    lines.push(format!(
        "  {refused_writes} writes met a slot that was there already (412)"
    ));
    lines.push(format!(
        "  {} slots taken over from another writer",
        taken_over(bed)
    ));
    let count = wrong.len();
    lines.extend(wrong.into_iter().take(FINDINGS_SHOWN));
    if count == 0 {
        lines.push("0 lost, 0 double".to_owned());
    }
    tally.screen.results(&lines)?;
    match count {
        0 => Ok(()),
        count => Err(Error::NotExactlyOnce { count }),
    }
}

fn figures(topic: &Value, sessions: &[Session], tally: &Tally) -> Vec<String> {
    let faults = tally.faults();
    let seconds = tally.screen.elapsed().as_secs();
    let fed: u64 = sessions.iter().map(|session| session.ticks).sum();
    let mut lines = vec![format!(
        "{} faults in {} min {:02} s:",
        faults.values().sum::<usize>(),
        seconds / 60,
        seconds % 60
    )];
    lines.extend(faults.iter().map(|(kind, count)| format!("  {count:5}  {kind}")));
    lines.push(format!(
        "  {fed} ticks fed, {} in the bucket, in {} objects of {} partitions",
        topic["ticks"],
        topic["objects"],
        topic["partitions"].as_array().map_or(0, Vec::len)
    ));
    lines
}

/// What the audit found wrong.
fn findings(report: &Value, is_clean: bool) -> Vec<String> {
    if is_clean && report["is_clean"] == true {
        return Vec::new();
    }
    let findings = report["findings"].as_array().into_iter().flatten();
    let mut lines: Vec<_> = findings
        .filter(|finding| finding["severity"] != "note")
        .map(finding_line)
        .collect();
    if lines.is_empty() {
        lines.push("the audit is not clean".to_owned());
    }
    lines
}

/// What and where, without the lists of numbers.
fn finding_line(finding: &Value) -> String {
    let words = ["kind", "what", "session", "key"].map(|name| finding[name].as_str().unwrap_or_default());
    words.join("  ").trim_end().to_owned()
}

/// Sessions of which the bucket does not hold all that Kafka acknowledged, and others.
fn untrue_sessions(topic: &Value, sessions: &[Session]) -> Vec<String> {
    let stored: Vec<_> = topic["sessions"].as_array().into_iter().flatten().collect();
    let mut lines: Vec<_> = sessions
        .iter()
        .filter_map(|session| {
            let id = session.id.to_string();
            let stored = stored.iter().find(|stored| stored["session"] == *id);
            let ticks = stored
                .and_then(|stored| stored["ticks"].as_u64())
                .unwrap_or_default();
            let fed = session.ticks;
            (ticks != fed).then(|| format!("session {id}: {fed} ticks fed, {ticks} in the bucket"))
        })
        .collect();
    let fed: u64 = sessions.iter().map(|session| session.ticks).sum();
    if topic["records"].as_u64() != Some(fed) {
        lines.push(format!(
            "{fed} ticks fed, {} lines in the bucket",
            topic["records"]
        ));
    }
    lines
}

/// As the consumers' logs tell it.
fn taken_over(bed: &Bed) -> usize {
    let files = std::fs::read_dir(bed.path()).into_iter().flatten().flatten();
    files
        .filter(|file| file.file_name().to_string_lossy().starts_with("consumer-"))
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .map(|log| log.matches(TAKEN_OVER).count())
        .sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const SESSION: Session = Session {
        id: Uuid::from_u128(7),
        ticks: 10,
    };

    fn topic(ticks: u64, records: u64) -> Value {
        json!({"records": records, "sessions": [{"session": SESSION.id, "ticks": ticks}]})
    }

    #[test]
    fn a_lost_tail_and_a_doubled_line_are_seen() {
        assert_eq!(untrue_sessions(&topic(10, 10), &[SESSION]), [""; 0]);
        assert_eq!(untrue_sessions(&topic(9, 9), &[SESSION]).len(), 2);
        assert_eq!(untrue_sessions(&topic(10, 11), &[SESSION]).len(), 1);
        assert_eq!(
            untrue_sessions(&json!({"records": 0, "sessions": []}), &[SESSION]).len(),
            2
        );
        assert_eq!(untrue_sessions(&Value::Null, &[SESSION]).len(), 2);
    }

    #[test]
    fn notes_are_no_faults_and_an_unclean_report_always_is_one() {
        let note = json!({"severity": "note"});
        let error = json!({"severity": "error", "kind": "hole"});
        assert!(findings(&json!({"is_clean": true, "findings": [note]}), true).is_empty());
        assert_eq!(
            findings(&json!({"is_clean": false, "findings": [note, error]}), false),
            ["hole"]
        );
        assert_eq!(
            findings(&json!({"is_clean": true, "findings": []}), false).len(),
            1
        );
        assert_eq!(findings(&Value::Null, true).len(), 1);
    }
}
