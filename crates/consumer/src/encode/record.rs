use std::io;

use quote_model::Tick;

use super::Encoding;
use super::line::line_of;

/// A Kafka record, as far as an object keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// Partition it was read from.
    pub(crate) partition: i32,
    /// Its offset there.
    pub(crate) offset: i64,
    /// Its Kafka timestamp in ms, where it has one.
    pub(crate) timestamp_ms: Option<i64>,
    /// Its key, where it has one.
    pub(crate) key: Option<&'a [u8]>,
    /// Its value, where it has one.
    pub(crate) value: Option<&'a [u8]>,
}

/// What a record turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are ticks, and a box would be an allocation each"
)]
pub(crate) enum Content<'a> {
    /// A valid tick.
    Tick {
        tick: Tick<'a>,
        /// The value has no other fields. Always so for an encoding that keeps the bytes.
        is_whole: bool,
    },
    /// Anything else.
    NotATick {
        /// Which rule it breaks.
        reason: String,
    },
}

impl<'a> Record<'a> {
    /// Reads the value as a tick, for an object of this encoding.
    #[must_use]
    pub(crate) fn content(&self, encoding: Encoding) -> Content<'a> {
        let reason = match self.value {
            None => "it has no value".to_owned(),
            Some([]) => "its value is empty".to_owned(),
            Some(value) => {
                let decoded = match encoding {
                    // the bytes themselves are kept
                    Encoding::Lines(_) => Tick::decode(value).map(|tick| (tick, true)),
                    Encoding::Parquet => Tick::decode_whole(value),
                };
                match decoded {
                    Ok((tick, is_whole)) => return Content::Tick { tick, is_whole },
                    Err(error) => error.to_string(),
                }
            }
        };
        Content::NotATick { reason }
    }

    /// CRC32C of the line that the record is in an object of lines: what one writer knows another's slot by.
    ///
    /// # Errors
    ///
    /// As for the line itself.
    pub(crate) fn line_crc32c(&self, content: &Content<'_>) -> io::Result<u32> {
        Ok(crc32c::crc32c(&line_of(self, content)?))
    }
}
