use std::fmt::Display;

use jiff::tz::TimeZone;

use super::body::{BodyFacts, FirstRecord};
use super::finding::{Finding, Findings, Kind, Place};
use super::metadata::Metadata;
use super::name::SlotName;

/// All that one object says: key, metadata and body.
#[derive(Debug)]
pub(crate) struct SlotFacts {
    pub(crate) name: SlotName,
    pub(crate) key: String,
    /// Bytes as stored.
    pub(crate) size: u64,
    pub(crate) metadata: Metadata,
    pub(crate) body: BodyFacts,
    /// What is wrong inside the object.
    pub(crate) findings: Findings,
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
        self.compare("codec", "the key", self.metadata.codec, self.name.codec);
    }

    fn compare_with_body(&mut self) {
        let crc = |crc: u32| format!("{crc:08x}");
        let (metadata, body) = (self.metadata.clone(), &self.body);
        let (lines, not_ticks) = (body.lines, body.not_ticks);
        let (first, whole) = (body.first_line_crc32c, body.crc32c);
        self.compare("record-count", "the body", metadata.record_count, lines);
        self.compare("not-tick-count", "the body", metadata.not_tick_count, not_ticks);
        if let Some(first) = first {
            self.compare(
                "first-record-crc32c",
                "the body",
                metadata.first_record_crc32c.map(crc),
                crc(first),
            );
        }
        self.compare(
            "body-crc32c",
            "the body",
            metadata.body_crc32c.map(crc),
            crc(whole),
        );
    }

    fn compare<T: PartialEq + Display>(&mut self, field: &str, with: &str, says: Option<T>, found: T) {
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
