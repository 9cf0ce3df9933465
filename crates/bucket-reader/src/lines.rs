use std::io::BufRead;

use super::body::{BodyFacts, Expected, FirstRecord, Tally};
use super::codec::{BodyFault, Codec, for_each_line};
use super::finding::Kind;
use super::line::{Envelope, Line};

/// Decompresses and checks a body of lines as it is read.
///
/// # Errors
///
/// If it breaks off. What is wrong in it is in the facts: all, or what came before the fault.
pub(super) fn check(codec: Codec, body: impl BufRead, expected: Expected) -> Result<BodyFacts, BodyFault> {
    let mut lines = Lines {
        tally: Tally::new(expected),
        last_envelope_offset: None,
    };
    let read = for_each_line(codec, body, |line| {
        let facts = &mut lines.tally.facts;
        facts.crc32c = crc32c::crc32c_append(facts.crc32c, line);
        facts.bytes += line.len() as u64;
        lines.line(line);
        lines.tally.stop_runaway()
    });
    match read {
        Ok(()) => lines.tally.facts.is_whole = true,
        Err(broken @ BodyFault::BrokenOff { .. }) => return Err(broken),
        Err(fault) => lines.tally.report_body(fault.to_string()),
    }
    Ok(lines.tally.facts)
}

struct Lines {
    tally: Tally,
    last_envelope_offset: Option<u64>,
}

impl Lines {
    fn line(&mut self, line: &[u8]) {
        let is_first = self.tally.record();
        let line = line.strip_suffix(b"\n").unwrap_or_else(|| {
            let what = "the last line has no line break".to_owned();
            self.tally
                .report(Kind::Body, Some(self.tally.facts.records), what);
            line
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Times;

    #[test]
    fn sessions_that_are_made_up_take_bounded_memory_and_are_named_as_unproven() {
        let tick = |n: u32| {
            format!(
                "{{\"v\":1,\"symbol\":\"A\",\"price\":1,\"ts_recv\":\"2026-11-23T14:00:00Z\",\"channel\":\"websocket\",\
                 \"producer\":\"p\",\"session\":\"0193577e-2b4b-7cc0-9d3c-0000{n:08x}\",\"seq\":0}}\n"
            )
        };
        let body: String = (0..40_000).map(tick).collect();
        let expected = Expected {
            key: "k".to_owned(),
            partition: 0,
            offsets: None,
            times: Times::default(),
        };
        let facts = check(Codec::None, body.as_bytes(), expected).unwrap();
        assert_eq!((facts.ticks, facts.is_whole), (40_000, true));
        assert!(
            (10_000..30_000).contains(&facts.sessions.len()),
            "{}",
            facts.sessions.len()
        );
        assert_eq!(facts.findings.kinds(), [Kind::Unproven]);
    }
}
