use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use quote_model::Tick;
use serde::Serialize;

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

/// A record's line in an object, without the line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// The record's value as it came: a valid tick.
    Tick(&'a [u8]),
    /// The record is no tick: all of it, in an envelope.
    NotATick {
        /// The envelope as JSON.
        envelope: Vec<u8>,
        /// Which rule it breaks.
        reason: String,
    },
}

impl<'a> Line<'a> {
    /// Checks a record and gives its line.
    ///
    /// # Errors
    ///
    /// If the envelope cannot be written as JSON; nothing in it can cause that.
    pub(crate) fn of(record: &Record<'a>) -> Result<Self, serde_json::Error> {
        let reason = match record.value {
            None => "it has no value".to_owned(),
            Some([]) => "its value is empty".to_owned(),
            Some(value) => match Tick::decode(value) {
                Ok(_) => return Ok(Self::Tick(value)),
                Err(error) => error.to_string(),
            },
        };
        let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let envelope = serde_json::to_vec(&Envelope {
            not_a_tick: Cow::Borrowed(&reason),
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp_ms,
            key: record.key.map(base64),
            value: record.value.map(base64),
        })?;
        Ok(Self::NotATick { envelope, reason })
    }

    /// The line's bytes.
    #[must_use]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Tick(value) => value,
            Self::NotATick { envelope, .. } => envelope,
        }
    }
}

/// How a record that is no tick stands in an object.
#[derive(Serialize)]
struct Envelope<'a> {
    /// Which rule it breaks.
    not_a_tick: Cow<'a, str>,
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
        assert_eq!(Line::of(&record(Some(&json))).unwrap(), Line::Tick(&json));
    }

    #[test]
    fn what_is_no_tick_is_kept_whole_on_one_line() {
        for (value, in_base64) in [
            (None, None),
            (Some(&b""[..]), Some("")),
            (Some(&b"{\n}"[..]), Some("ewp9")),
            (Some(&b"\xff\x00"[..]), Some("/wA=")),
        ] {
            let line = Line::of(&record(value)).unwrap();
            assert!(matches!(line, Line::NotATick { .. }));
            assert!(!line.bytes().contains(&b'\n'));
            let envelope: serde_json::Value = serde_json::from_slice(line.bytes()).unwrap();
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
