use std::fmt::Display;

use jiff::tz::TimeZone;

use super::body::{BodyFacts, FirstRecord};
use super::finding::{Finding, Findings, Kind, Place};
use super::metadata::{Crc32c, Metadata};
use super::name::SlotName;

/// All that one object says: key, metadata and body.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SlotFacts {
    pub name: SlotName,
    pub key: String,
    /// Bytes as stored.
    pub size: u64,
    pub metadata: Metadata,
    pub body: BodyFacts,
    /// What is wrong inside the object.
    pub findings: Findings,
}

impl SlotFacts {
    /// Sets key, metadata and body beside each other.
    pub(crate) fn new(
        name: SlotName,
        key: String,
        size: u64,
        metadata: Metadata,
        mut body: BodyFacts,
        findings: Findings,
    ) -> Self {
        let in_body = std::mem::take(&mut body.findings);
        let mut facts = Self {
            name,
            key,
            size,
            metadata,
            body,
            findings,
        };
        facts.compare_with_key();
        if facts.body.is_whole {
            facts.compare_with_body();
        }
        facts.compare_hour();
        facts.compare_offsets();
        facts.findings.append(in_body);
        facts
    }

    fn compare_with_key(&mut self) {
        self.compare("slot-start", "the key", self.metadata.start, self.name.start);
        self.compare("codec", "the key", self.metadata.format, self.name.format);
    }

    fn compare_with_body(&mut self) {
        let with = "the body";
        let (metadata, body) = (&self.metadata, &self.body);
        let not_ticks = (metadata.not_tick_count, body.not_ticks);
        let first_crc = (metadata.first_record_crc32c, body.first_line_crc32c);
        let body_crc = (metadata.body_crc32c, Crc32c(body.crc32c));
        self.compare("record-count", with, metadata.record_count, body.records);
        self.compare("not-tick-count", with, not_ticks.0, not_ticks.1);
        if let (says, Some(found)) = first_crc {
            self.compare("first-record-crc32c", with, says, Crc32c(found));
        }
        self.compare("body-crc32c", with, body_crc.0, body_crc.1);
    }

    fn compare<T>(&mut self, field: &str, with: &str, says: Option<T>, found: T)
    where
        T: Copy + PartialEq + Display,
    {
        if let Some(says) = says.filter(|says| *says != found) {
            let what = format!("{field} says {says}, {with} says {found}");
            self.report(Finding::error, Kind::Mismatch, what);
        }
    }

    fn compare_hour(&mut self) {
        let (moment, in_kafka) = match self.body.first_record {
            FirstRecord::Unknown => return,
            FirstRecord::Received(moment) => (moment, false),
            FirstRecord::InKafka(moment) => (moment, true),
        };
        let utc = TimeZone::UTC.to_datetime(moment);
        if (utc.date(), utc.hour()) == (self.name.date, self.name.hour) {
            return;
        }
        if in_kafka {
            let what = format!("the first record has Kafka's timestamp {moment}, of another hour");
            self.report(Finding::error, Kind::Hour, what);
        } else {
            let what = format!(
                "the first tick was received at {moment}, in another hour: right only if the topic's timestamps \
                 are the broker's (LogAppendTime)"
            );
            self.report(Finding::note, Kind::Hour, what);
        }
    }

    fn compare_offsets(&mut self) {
        let (Some((start, end)), Some(records)) = (self.metadata.offsets(), self.metadata.record_count)
        else {
            return;
        };
        let offsets = end - start + 1;
        if records > offsets {
            let what = format!("record-count says {records}, more than the {offsets} offsets of the slot");
            self.report(Finding::error, Kind::Mismatch, what);
        } else if records < offsets {
            let what = format!(
                "{} of its {offsets} offsets have no record: removed by retention or compaction, or a \
                 transaction's markers",
                offsets - records
            );
            self.report(Finding::note, Kind::OffsetGap, what);
        }
    }

    fn report(&mut self, finding: fn(Kind, Place, String) -> Finding, kind: Kind, what: String) {
        let place = Place {
            key: Some(self.key.clone()),
            ..Place::default()
        };
        self.findings.push(finding(kind, place, what));
    }
}
