use rdkafka::Message;

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
