use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::{Content, Record};

/// A record's line in an object, without the line break: a tick's value as it came, or all of the record in an
/// envelope.
///
/// # Errors
///
/// If the envelope cannot be written as JSON; nothing in it can cause that.
pub(super) fn line_of<'a>(
    record: &Record<'a>,
    content: &Content<'_>,
) -> Result<Cow<'a, [u8]>, serde_json::Error> {
    match content {
        Content::Tick { .. } => Ok(Cow::Borrowed(record.value.unwrap_or_default())),
        Content::NotATick { reason } => {
            let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
            serde_json::to_vec(&Envelope {
                not_a_tick: reason,
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp_ms,
                key: record.key.map(base64),
                value: record.value.map(base64),
            })
            .map(Cow::Owned)
        }
    }
}

/// How a record that is no tick stands in an object.
#[derive(Serialize)]
struct Envelope<'a> {
    /// Which rule it breaks.
    not_a_tick: &'a str,
    partition: i32,
    offset: i64,
    /// Kafka's, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    /// In base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// In base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Compression, Encoding};

    const LINES: Encoding = Encoding::Lines(Compression::Zstd);

    fn record(value: Option<&[u8]>) -> Record<'_> {
        Record {
            partition: 3,
            offset: 42,
            timestamp_ms: Some(1_763_900_000_000),
            key: Some(b"AAPL"),
            value,
        }
    }

    #[test]
    fn a_ticks_bytes_stay_as_they_came() {
        let json =
            br#"{ "price":1.50,"v":1, "symbol":"A","ts_recv":"2026-11-23T14:00:00Z","channel":"rest_price",
            "producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":0,"extra":[1] }"#;
        let json: Vec<u8> = json.iter().copied().filter(|byte| *byte != b'\n').collect();
        let record = record(Some(&json));
        assert_eq!(*line_of(&record, &record.content(LINES)).unwrap(), json);
    }

    #[test]
    fn what_is_no_tick_is_kept_whole_on_one_line() {
        for (value, in_base64) in [
            (None, None),
            (Some(&b""[..]), Some("")),
            (Some(&b"{\n}"[..]), Some("ewp9")),
            (Some(&b"\xff\x00"[..]), Some("/wA=")),
        ] {
            let record = record(value);
            let content = record.content(LINES);
            assert!(matches!(content, Content::NotATick { .. }));
            let line = line_of(&record, &content).unwrap();
            assert!(!line.contains(&b'\n'));
            let envelope: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(envelope["partition"], 3);
            assert_eq!(envelope["offset"], 42);
            assert_eq!(envelope["timestamp"], 1_763_900_000_000_i64);
            assert_eq!(envelope["key"], "QUFQTA==");
            assert_eq!(
                envelope.get("value").and_then(serde_json::Value::as_str),
                in_base64
            );
        }
    }
}
