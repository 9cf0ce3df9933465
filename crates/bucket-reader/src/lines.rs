use super::body::{BodyFacts, Expected, FirstRecord, Tally};
use super::codec::{BodyFault, Codec, Decompressor};
use super::finding::Kind;
use super::line::{Envelope, Line};
use super::split::LineSplitter;

/// Decompresses and checks a body of lines as its bytes come.
pub(crate) struct LinesCheck {
    decompressor: Decompressor,
    splitter: LineSplitter,
    lines: Lines,
}

struct Lines {
    tally: Tally,
    last_envelope_offset: Option<u64>,
}

impl LinesCheck {
    pub(crate) fn new(codec: Codec, expected: Expected) -> Result<Self, BodyFault> {
        Ok(Self {
            decompressor: Decompressor::new(codec)?,
            splitter: LineSplitter::default(),
            lines: Lines {
                tally: Tally::new(expected),
                last_envelope_offset: None,
            },
        })
    }

    /// Takes the next bytes. After an error nothing more can be read.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyFault> {
        let Self {
            decompressor,
            splitter,
            lines,
        } = self;
        decompressor.push(chunk, |piece| {
            let facts = &mut lines.tally.facts;
            facts.crc32c = crc32c::crc32c_append(facts.crc32c, piece);
            facts.bytes += piece.len() as u64;
            splitter.push(piece, |line| {
                lines.line(line);
                lines.tally.stop_runaway()
            })
        })
    }

    /// Gives what was read: all, or what came before the fault.
    pub(crate) fn finish(mut self, read: Result<(), BodyFault>) -> BodyFacts {
        match read.and_then(|()| self.decompressor.finish()) {
            Ok(()) => self.lines.end(self.splitter.rest()),
            Err(fault) => self.lines.tally.report_body(fault.to_string()),
        }
        self.lines.tally.facts
    }
}

impl Lines {
    fn end(&mut self, rest: Option<Vec<u8>>) {
        self.tally.facts.is_whole = true;
        if let Some(line) = rest {
            self.line(&line);
            let what = "the last line has no line break".to_owned();
            self.tally
                .report(Kind::Body, Some(self.tally.facts.records), what);
        }
    }

    fn line(&mut self, line: &[u8]) {
        let is_first = self.tally.record();
        let facts = &mut self.tally.facts;
        if is_first {
            facts.first_line_crc32c = Some(crc32c::crc32c(line));
        }
        match Line::parse(line) {
            Ok(Line::Tick(tick)) => {
                if is_first {
                    facts.first_record = FirstRecord::Received(tick.ts_recv);
                }
                self.tally.tick(&tick);
            }
            Ok(Line::Envelope(envelope)) => {
                if let Some(timestamp) = envelope.timestamp().filter(|_| is_first) {
                    facts.first_record = FirstRecord::InKafka(timestamp);
                }
                self.envelope(&envelope);
            }
            Err(reason) => self.tally.report_record(reason),
        }
    }

    fn envelope(&mut self, envelope: &Envelope) {
        let Self {
            tally,
            last_envelope_offset,
        } = self;
        tally.facts.not_ticks += 1;
        let Envelope {
            partition, offset, ..
        } = *envelope;
        if partition != tally.expected.partition {
            tally.report_record(format!("its envelope says partition {partition}"));
        }
        if let Some((first, end)) = tally.expected.offsets {
            // each line before it took at least one offset
            let least = first.saturating_add(tally.facts.records - 1);
            let most = if tally.facts.records == 1 { first } else { end };
            if !(least..=most).contains(&offset) {
                let what = format!("its envelope says offset {offset}, expected {least} to {most}");
                tally.report_record(what);
            }
        }
        if let Some(before) = last_envelope_offset.replace(offset)
            && before >= offset
        {
            tally.report_record(format!(
                "its envelope says offset {offset}, behind offset {before}"
            ));
        }
    }
}
