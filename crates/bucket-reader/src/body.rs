use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::codec::BodyFault;
use super::finding::{Finding, Findings, Kind, Place, Seqs, excerpt};
use super::moment::Times;
use super::session_run::SessionRun;
use super::tick::Tick;

/// Records beyond twice the slot's offsets that are still read, so that an ordinary fault is counted exactly
/// and a bomb does not take for ever.
const RECORDS_TO_SPARE: u64 = 1000;

/// What sessions, symbols and positions of one object may take in memory. Those of an honest object take far less.
const IDS_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What an object's body must agree with.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) key: String,
    pub(crate) partition: u32,
    /// Offset of the first record and last offset of the slot, where known.
    pub(crate) offsets: Option<(u64, u64)>,
    pub(crate) times: Times,
}

/// What an object's body holds.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct BodyFacts {
    /// Lines or rows.
    pub records: u64,
    pub ticks: u64,
    /// Records that are in envelopes.
    pub not_ticks: u64,
    /// Uncompressed.
    pub bytes: u64,
    /// Absent of a Parquet file, which has no lines.
    pub first_line_crc32c: Option<u32>,
    /// Of the lines uncompressed, of a Parquet file as stored.
    pub crc32c: u32,
    pub first_record: FirstRecord,
    pub sessions: BTreeMap<Uuid, BTreeMap<String, SessionRun>>,
    /// The body was read to its end, so that counts and checksums can be compared.
    pub is_whole: bool,
    pub findings: Findings,
}

/// When the first record of an object was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstRecord {
    /// No record could be read, or it has no time.
    #[default]
    Unknown,
    /// A tick's `ts_recv`, which is Kafka's timestamp unless the topic has the broker set it.
    Received(Timestamp),
    /// Kafka's own timestamp.
    InKafka(Timestamp),
}

/// What is found while a body is read, record by record.
pub(super) struct Tally {
    pub(super) expected: Expected,
    pub(super) facts: BodyFacts,
    ids_bytes: usize,
}

impl Tally {
    pub(super) fn new(expected: Expected) -> Self {
        Self {
            expected,
            facts: BodyFacts::default(),
            ids_bytes: 0,
        }
    }

    /// Counts the next record; tells whether it is the first.
    pub(super) fn record(&mut self) -> bool {
        self.facts.records += 1;
        self.facts.records == 1
    }

    /// Stops at a body that holds far more than it can.
    pub(super) fn stop_runaway(&self) -> Result<(), BodyFault> {
        let Some((first, end)) = self.expected.offsets else {
            return Ok(());
        };
        let offsets = end.saturating_sub(first) + 1;
        if self.facts.records > offsets.saturating_mul(2).saturating_add(RECORDS_TO_SPARE) {
            let records = self.facts.records - 1;
            return Err(BodyFault::TooManyRecords { records, offsets });
        }
        Ok(())
    }

    pub(super) fn tick(&mut self, tick: &Tick<'_>) {
        self.facts.ticks += 1;
        if self.ids_bytes > IDS_MAX_BYTES {
            return;
        }
        let producers = self.facts.sessions.entry(tick.session).or_default();
        if !producers.contains_key(&*tick.producer) {
            self.ids_bytes += tick.producer.len();
            producers.insert(tick.producer.to_string(), SessionRun::default());
        }
        let Some(run) = producers.get_mut(&*tick.producer) else {
            return;
        };
        let before = run.held_bytes();
        let fault = run.tick(tick, self.expected.times);
        self.ids_bytes += run.held_bytes() - before;
        if let Some((kind, what)) = fault {
            self.report_tick(tick, kind, what);
        }
        if self.ids_bytes > IDS_MAX_BYTES {
            let what = format!(
                "its ticks from here on are not compared: they name more sessions, symbols and positions than {} MiB \
                 hold, and honest ones do not",
                IDS_MAX_BYTES >> 20
            );
            self.report(Kind::Unproven, Some(self.facts.records), what);
        }
    }

    /// Reports what is wrong with the body.
    pub(super) fn report_body(&mut self, what: impl Into<String>) {
        self.report(Kind::Body, None, what.into());
    }

    /// Reports what is wrong with the record that was counted last.
    pub(super) fn report_record(&mut self, what: impl Into<String>) {
        self.report(Kind::Line, Some(self.facts.records), what.into());
    }

    pub(super) fn report(&mut self, kind: Kind, line: Option<u64>, what: String) {
        let place = Place {
            key: Some(self.expected.key.clone()),
            line,
            ..Place::default()
        };
        self.facts.findings.push(Finding::error(kind, place, what));
    }

    fn report_tick(&mut self, tick: &Tick<'_>, kind: Kind, what: String) {
        let mut seqs = Seqs::default();
        seqs.push(tick.seq, tick.seq);
        let place = Place {
            key: Some(self.expected.key.clone()),
            line: Some(self.facts.records),
            producer: Some(excerpt(&tick.producer)),
            session: Some(tick.session),
            seqs: Some(seqs),
            ..Place::default()
        };
        self.facts.findings.push(Finding::error(kind, place, what));
    }
}
