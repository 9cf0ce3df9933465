use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use jiff::Timestamp;
use quote_model::Tick;
use roaring::RoaringTreemap;
use uuid::Uuid;

use super::codec::{BodyFault, Codec, Decompressor};
use super::finding::{Finding, Findings, Kind, Place, Seqs};
use super::line::{Envelope, Line};

/// Longest line taken, so that a bomb does not fill the memory: far above what a Kafka record becomes.
const LINE_MAX_BYTES: usize = 128 * 1024 * 1024;

/// Lines beyond twice the slot's offsets that are still read, so that an ordinary fault is counted exactly
/// and a bomb does not take for ever.
const LINES_TO_SPARE: u64 = 1000;

/// What an object's body must agree with.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) key: String,
    pub(crate) partition: u32,
    /// Offset of the first record and last offset of the slot, where known.
    pub(crate) offsets: Option<(u64, u64)>,
    pub(crate) codec: Codec,
    /// Ticks received from here on may still be on their way.
    pub(crate) recent_from: Option<Timestamp>,
}

/// What an object's body holds.
#[derive(Debug, Default)]
pub(crate) struct BodyFacts {
    pub(crate) lines: u64,
    pub(crate) ticks: u64,
    /// Lines that are envelopes.
    pub(crate) not_ticks: u64,
    /// Uncompressed.
    pub(crate) bytes: u64,
    pub(crate) first_line_crc32c: Option<u32>,
    pub(crate) crc32c: u32,
    pub(crate) first_record: FirstRecord,
    pub(crate) sessions: BTreeMap<Uuid, BTreeMap<String, SessionRun>>,
    /// The body was read to its end, so that counts and checksums can be compared.
    pub(crate) is_whole: bool,
    pub(crate) findings: Findings,
}

/// When the first record of an object was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FirstRecord {
    #[default]
    Unknown,
    /// A tick's `ts_recv`, which is Kafka's timestamp unless the topic has the broker set it.
    Received(Timestamp),
    /// Kafka's own timestamp.
    InKafka(Timestamp),
}

/// What one object holds of one session.
#[derive(Debug, Default)]
pub(crate) struct SessionRun {
    pub(crate) seqs: RoaringTreemap,
    /// First and last `seq` of each symbol.
    pub(crate) symbols: HashMap<Box<str>, (u64, u64)>,
    /// Least `seq` of a tick that is recent.
    pub(crate) recent_from_seq: Option<u64>,
}

/// Decompresses and checks one body as its bytes come.
pub(crate) struct BodyCheck {
    decompressor: Decompressor,
    lines: Lines,
}

struct Lines {
    expected: Expected,
    /// A line of which the end has not come yet.
    open: Vec<u8>,
    last_envelope_offset: Option<u64>,
    facts: BodyFacts,
}

impl BodyCheck {
    pub(crate) fn new(expected: Expected) -> Result<Self, BodyFault> {
        Ok(Self {
            decompressor: Decompressor::new(expected.codec)?,
            lines: Lines {
                expected,
                open: Vec::new(),
                last_envelope_offset: None,
                facts: BodyFacts::default(),
            },
        })
    }

    /// Takes the next bytes. After an error nothing more can be read.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyFault> {
        self.decompressor.push(chunk, |piece| self.lines.push(piece))
    }

    /// Gives what was read: all, or what came before the fault.
    pub(crate) fn finish(mut self, read: Result<(), BodyFault>) -> BodyFacts {
        match read.and_then(|()| self.decompressor.finish()) {
            Ok(()) => self.lines.end(),
            Err(fault) => self.lines.report(Kind::Body, None, fault.to_string()),
        }
        self.lines.facts
    }
}

impl Lines {
    fn push(&mut self, mut piece: &[u8]) -> Result<(), BodyFault> {
        self.facts.crc32c = crc32c::crc32c_append(self.facts.crc32c, piece);
        self.facts.bytes += piece.len() as u64;
        let mut line = std::mem::take(&mut self.open);
        // reading from a slice cannot fail
        while piece.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if line.len() > LINE_MAX_BYTES {
                return Err(BodyFault::LineTooLong {
                    line: self.facts.lines + 1,
                    limit: LINE_MAX_BYTES,
                });
            }
            if line.last() == Some(&b'\n') {
                line.pop();
                self.line(&line);
                line.clear();
                self.stop_runaway()?;
            }
        }
        self.open = line;
        Ok(())
    }

    fn stop_runaway(&self) -> Result<(), BodyFault> {
        let Some((first, end)) = self.expected.offsets else {
            return Ok(());
        };
        let offsets = end.saturating_sub(first) + 1;
        if self.facts.lines > offsets.saturating_mul(2).saturating_add(LINES_TO_SPARE) {
            let lines = self.facts.lines - 1;
            return Err(BodyFault::TooManyLines { lines, offsets });
        }
        Ok(())
    }

    fn end(&mut self) {
        self.facts.is_whole = true;
        if !self.open.is_empty() {
            let line = std::mem::take(&mut self.open);
            self.line(&line);
            let what = "the last line has no line break";
            self.report(Kind::Body, Some(self.facts.lines), what);
        }
    }

    fn line(&mut self, line: &[u8]) {
        self.facts.lines += 1;
        let is_first = self.facts.lines == 1;
        if is_first {
            self.facts.first_line_crc32c = Some(crc32c::crc32c(line));
        }
        match Line::parse(line) {
            Ok(Line::Tick(tick)) => {
                if is_first {
                    self.facts.first_record = FirstRecord::Received(tick.ts_recv);
                }
                self.tick(&tick);
            }
            Ok(Line::Envelope(envelope)) => {
                if let Some(timestamp) = envelope.timestamp.filter(|_| is_first) {
                    self.facts.first_record = FirstRecord::InKafka(timestamp);
                }
                self.envelope(&envelope);
            }
            Err(reason) => self.report(Kind::Line, Some(self.facts.lines), reason),
        }
    }

    fn tick(&mut self, tick: &Tick<'_>) {
        self.facts.ticks += 1;
        let run = self.facts.sessions.entry(tick.session).or_default();
        let run = match run.get_mut(tick.producer.as_str()) {
            Some(run) => run,
            None => run.entry(tick.producer.as_str().to_owned()).or_default(),
        };
        let seq = tick.seq;
        let is_new = run.seqs.insert(seq);
        if self
            .expected
            .recent_from
            .is_some_and(|recent| tick.ts_recv >= recent)
        {
            run.recent_from_seq = Some(run.recent_from_seq.map_or(seq, |least| least.min(seq)));
        }
        let symbol = tick.symbol.as_str();
        let before = if let Some((_, last)) = run.symbols.get_mut(symbol) {
            Some(std::mem::replace(last, seq.max(*last)))
        } else {
            run.symbols.insert(symbol.into(), (seq, seq));
            None
        };
        let what = match before {
            _ if !is_new => (Kind::DoubledTick, "the object holds it twice".to_owned()),
            Some(before) if before > seq => (
                Kind::Disorder,
                format!("it stands behind seq {before} of the same symbol {symbol}"),
            ),
            _ => return,
        };
        self.report_tick(tick, what);
    }

    fn envelope(&mut self, envelope: &Envelope) {
        self.facts.not_ticks += 1;
        let Envelope {
            partition, offset, ..
        } = *envelope;
        let line = Some(self.facts.lines);
        if partition != self.expected.partition {
            let what = format!("its envelope says partition {partition}");
            self.report(Kind::Line, line, what);
        }
        if let Some((first, end)) = self.expected.offsets {
            // each line before it took at least one offset
            let least = first.saturating_add(self.facts.lines - 1);
            let most = if self.facts.lines == 1 { first } else { end };
            if !(least..=most).contains(&offset) {
                let what = format!("its envelope says offset {offset}, expected {least} to {most}");
                self.report(Kind::Line, line, what);
            }
        }
        if let Some(before) = self.last_envelope_offset.replace(offset)
            && before >= offset
        {
            let what = format!("its envelope says offset {offset}, behind offset {before}");
            self.report(Kind::Line, line, what);
        }
    }

    fn report(&mut self, kind: Kind, line: Option<u64>, what: impl Into<String>) {
        let place = Place {
            key: Some(self.expected.key.clone()),
            line,
            ..Place::default()
        };
        self.facts.findings.push(Finding::error(kind, place, what));
    }

    fn report_tick(&mut self, tick: &Tick<'_>, (kind, what): (Kind, String)) {
        let mut seqs = Seqs::default();
        seqs.push(tick.seq, tick.seq);
        let place = Place {
            key: Some(self.expected.key.clone()),
            line: Some(self.facts.lines),
            producer: Some(tick.producer.to_string()),
            session: Some(tick.session),
            seqs: Some(seqs),
            ..Place::default()
        };
        self.facts.findings.push(Finding::error(kind, place, what));
    }
}
