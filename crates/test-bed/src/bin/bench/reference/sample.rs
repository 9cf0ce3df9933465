use std::collections::BTreeMap;

use rdkafka::Message;
use serde_json::value::RawValue;

use super::read::{Reading, connect, failed};
use crate::error::Error;

/// The ticks of partition 0 in memory, one a line, as they would stand in its objects.
pub(super) struct Sample {
    text: Vec<u8>,
    line_ends: Vec<usize>,
}

impl Sample {
    /// Reads them, and leaves no thread behind that could be measured with what comes next.
    pub(super) fn read(brokers: &str, topic: &str, ticks: u64) -> Result<Self, Error> {
        let consumer = connect(brokers, topic, Some(0))?;
        let (mut text, mut line_ends) = (Vec::new(), Vec::new());
        let mut reading = Reading::of(ticks);
        while reading.is_under_way() {
            match consumer.poll(Reading::PATIENCE) {
                None => return Err(reading.stalled()),
                Some(message) => {
                    let message = message.map_err(failed("read the topic"))?;
                    let value = message.payload().unwrap_or_default();
                    text.extend_from_slice(value);
                    text.push(b'\n');
                    line_ends.push(text.len());
                    reading.add(1, value.len() as u64);
                }
            }
        }
        Ok(Self { text, line_ends })
    }

    /// The same ticks, each with its fields in the order of their names and its values digit for digit.
    pub(super) fn reordered(&self) -> Result<Self, Error> {
        let (mut text, mut line_ends) = (Vec::new(), Vec::new());
        for (offset, line) in self.lines().enumerate() {
            let not_json = |source| Error::NotJson { offset, source };
            let fields: BTreeMap<&str, &RawValue> = serde_json::from_slice(line).map_err(not_json)?;
            serde_json::to_writer(&mut text, &fields).map_err(not_json)?;
            text.push(b'\n');
            line_ends.push(text.len());
        }
        Ok(Self { text, line_ends })
    }

    pub(super) fn ticks(&self) -> u64 {
        self.line_ends.len() as u64
    }

    /// Without the ends of the lines.
    pub(super) fn tick_bytes(&self) -> u64 {
        self.text.len() as u64 - self.ticks()
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Each without its end.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.line_ends.iter().copied());
        starts
            .zip(&self.line_ends)
            .map(|(start, end)| &self.text[start..end - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reordered_ticks_keep_their_digits() {
        let text = b"{\"v\":1,\"price\":26575.60000}\n{\"seq\":2,\"ask\":1.0}\n".to_vec();
        let line_ends = vec![28, text.len()];
        let reordered = Sample { text, line_ends }.reordered().unwrap();
        let lines: Vec<_> = reordered.lines().map(String::from_utf8_lossy).collect();
        assert_eq!(
            lines,
            ["{\"price\":26575.60000,\"v\":1}", "{\"ask\":1.0,\"seq\":2}"]
        );
    }
}
