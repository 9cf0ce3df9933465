use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use roaring::RoaringTreemap;
use uuid::Uuid;

use super::codec::BodyFault;
use super::finding::{Finding, Findings, Kind, Place, Seqs};
use super::tick::Tick;

/// Records beyond twice the slot's offsets that are still read, so that an ordinary fault is counted exactly
/// and a bomb does not take for ever.
const RECORDS_TO_SPARE: u64 = 1000;

/// What an object's body must agree with.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) key: String,
    pub(crate) partition: u32,
    /// Offset of the first record and last offset of the slot, where known.
    pub(crate) offsets: Option<(u64, u64)>,
    pub(crate) times: Times,
}

/// Moments at which ticks are looked at differently.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Ticks received before it may be in objects that are not read.
    pub since: Option<Timestamp>,
    /// Ticks received from here on may still be on their way.
    pub recent_from: Option<Timestamp>,
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

/// What one object holds of one session.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SessionRun {
    pub seqs: RoaringTreemap,
    /// First and last `seq` of each symbol.
    pub symbols: HashMap<Box<str>, (u64, u64)>,
    /// Least `seq` of a tick that was received at or after [`Times::since`].
    pub since_seq: Option<u64>,
    /// Least `seq` of a tick that is recent.
    pub recent_from_seq: Option<u64>,
}

/// What is found while a body is read, record by record.
pub(super) struct Tally {
    pub(super) expected: Expected,
    pub(super) facts: BodyFacts,
}

impl Tally {
    pub(super) fn new(expected: Expected) -> Self {
        Self {
            expected,
            facts: BodyFacts::default(),
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
        let run = self.facts.sessions.entry(tick.session).or_default();
        let run = match run.get_mut(&*tick.producer) {
            Some(run) => run,
            None => run.entry(tick.producer.to_string()).or_default(),
        };
        if let Some((kind, what)) = run.tick(tick, self.expected.times) {
            self.report_tick(tick, kind, what);
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
            producer: Some(tick.producer.to_string()),
            session: Some(tick.session),
            seqs: Some(seqs),
            ..Place::default()
        };
        self.facts.findings.push(Finding::error(kind, place, what));
    }
}

impl SessionRun {
    /// Adds the next tick, and tells what is wrong with it.
    fn tick(&mut self, tick: &Tick<'_>, times: Times) -> Option<(Kind, String)> {
        let seq = tick.seq;
        let is_new = self.seqs.insert(seq);
        for (from, least) in [
            (times.since, &mut self.since_seq),
            (times.recent_from, &mut self.recent_from_seq),
        ] {
            if from.is_some_and(|from| tick.ts_recv >= from) {
                *least = Some(least.map_or(seq, |least| least.min(seq)));
            }
        }
        let symbol = &*tick.symbol;
        let before = if let Some((_, last)) = self.symbols.get_mut(symbol) {
            Some(std::mem::replace(last, seq.max(*last)))
        } else {
            self.symbols.insert(symbol.into(), (seq, seq));
            None
        };
        match before {
            _ if !is_new => Some((Kind::DoubledTick, "the object holds it twice".to_owned())),
            Some(before) if before > seq => {
                let what = format!("it stands behind seq {before} of the same symbol {symbol}");
                Some((Kind::Disorder, what))
            }
            _ => None,
        }
    }
}
