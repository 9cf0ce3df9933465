use std::collections::HashMap;
use std::str::FromStr;

use quote_model::SCHEMA_HEADER_VALUE;
use uuid::Uuid;

use crate::encode::{EncodedRun, Encoding, RunSize};
use slot_protocol::{Found, HeadReply, Slot};

/// First offset covered.
pub(crate) const SLOT_START: &str = "slot-start";
/// Last offset covered.
pub(crate) const SLOT_END: &str = "slot-end";
const FIRST_OFFSET: &str = "first-offset";
const FIRST_CRC32C: &str = "first-record-crc32c";
const RUN_ID: &str = "run-id";
const TOPIC_ID: &str = "topic-id";
/// How many records it holds.
pub(crate) const RECORD_COUNT: &str = "record-count";
/// Of these, no ticks.
pub(crate) const NOT_TICK_COUNT: &str = "not-tick-count";
/// What ended the run.
pub(crate) const CLOSED_BY: &str = "closed-by";

/// What an object tells of itself, as S3 metadata. Numbers in decimal, CRCs as 8 hex digits.
#[must_use]
pub(crate) fn metadata_of(
    slot: &Slot,
    size: RunSize,
    encoded: &EncodedRun,
    encoding: Encoding,
    topic_id: Option<&str>,
) -> HashMap<String, String> {
    let mut metadata: HashMap<String, String> = [
        (SLOT_START, slot.start.to_string()),
        (SLOT_END, slot.end.to_string()),
        (FIRST_OFFSET, slot.first_offset.to_string()),
        (FIRST_CRC32C, format!("{:08x}", slot.first_crc32c)),
        (RUN_ID, slot.run_id.to_string()),
        (RECORD_COUNT, size.records.to_string()),
        (NOT_TICK_COUNT, size.not_ticks.to_string()),
        ("body-crc32c", format!("{:08x}", encoded.body_crc32c)),
        ("schema", SCHEMA_HEADER_VALUE.to_owned()),
        ("codec", encoding.codec().to_owned()),
        (CLOSED_BY, slot.closed_by.as_str().to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    metadata.extend(topic_id.map(|id| (TOPIC_ID.to_owned(), id.to_owned())));
    metadata
}

/// Reads back what [`metadata_of`] wrote, as far as the protocol needs it.
#[must_use]
pub(crate) fn found_in(metadata: &HashMap<String, String>) -> HeadReply {
    match parse(metadata) {
        Ok(found) => HeadReply::Found(found),
        Err(name) => HeadReply::Foreign {
            what: format!("its metadata has no valid `{name}`"),
        },
    }
}

fn parse(metadata: &HashMap<String, String>) -> Result<Found, &'static str> {
    fn field<T: FromStr>(metadata: &HashMap<String, String>, name: &'static str) -> Result<T, &'static str> {
        metadata.get(name).and_then(|text| text.parse().ok()).ok_or(name)
    }
    let crc = metadata.get(FIRST_CRC32C).filter(|text| text.len() == 8);
    Ok(Found {
        start: field(metadata, SLOT_START)?,
        end: field(metadata, SLOT_END)?,
        first_offset: field(metadata, FIRST_OFFSET)?,
        first_crc32c: crc
            .and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or(FIRST_CRC32C)?,
        run_id: field::<Uuid>(metadata, RUN_ID)?,
        topic_id: metadata.get(TOPIC_ID).cloned(),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use slot_protocol::{ClosedBy, Hour};

    #[test]
    fn an_object_tells_its_slot() {
        let slot = Slot {
            start: 7,
            end: 12,
            hour: Hour::of_timestamp_ms(0),
            first_offset: 9,
            first_crc32c: 0xbeef,
            run_id: Uuid::from_u128(5),
            closed_by: ClosedBy::Age,
        };
        let size = RunSize {
            records: 2,
            not_ticks: 0,
            raw_bytes: 3,
        };
        let encoded = EncodedRun {
            body: Bytes::new(),
            body_crc32c: 1,
        };
        let mut metadata = metadata_of(&slot, size, &encoded, Encoding::Parquet, Some("id"));
        let expected = Found {
            start: 7,
            end: 12,
            first_offset: 9,
            first_crc32c: 0xbeef,
            run_id: Uuid::from_u128(5),
            topic_id: Some("id".to_owned()),
        };
        assert_eq!(found_in(&metadata), HeadReply::Found(expected));
        metadata.remove(RUN_ID);
        assert!(matches!(found_in(&metadata), HeadReply::Foreign { what } if what.contains("run-id")));
    }
}
