use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use super::readable;
use super::tick::Tick;

/// One line of an object.
#[derive(Debug)]
pub(crate) enum Line<'l> {
    Tick(Tick<'l>),
    /// A record that is no tick.
    Envelope(Envelope),
}

/// What an envelope says of its record: all of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    /// Kafka's timestamp, where the record had one.
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct EnvelopeJson {
    not_a_tick: String,
    partition: u32,
    offset: u64,
    timestamp: Option<i64>,
    key: Option<String>,
    value: Option<String>,
}

impl<'l> Line<'l> {
    /// Reads a line without its end, or says why it is nothing of ours.
    pub(crate) fn parse(line: &'l [u8]) -> Result<Self, String> {
        let text = readable::check(line).map_err(|reason| format!("no reader's JSON: {reason}"))?;
        match Tick::parse(text) {
            Ok(tick) => Ok(Self::Tick(tick)),
            Err(no_tick) => Envelope::parse(text).map(Self::Envelope).map_err(|no_envelope| {
                if is_envelope_like(text) {
                    format!("not a right envelope: {no_envelope}")
                } else {
                    format!("not a tick: {no_tick}")
                }
            }),
        }
    }
}

fn is_envelope_like(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "not_a_tick")]
        _reason: serde::de::IgnoredAny,
    }
    serde_json::from_str::<Named>(json).is_ok()
}

impl Envelope {
    fn parse(json: &str) -> Result<Self, String> {
        let json: EnvelopeJson = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if json.not_a_tick.is_empty() {
            return Err("it gives no reason".to_owned());
        }
        let bytes = |name: &str, text: Option<String>| {
            text.map(|text| STANDARD.decode(text))
                .transpose()
                .map_err(|error| format!("its {name} is not base64: {error}"))
        };
        Ok(Self {
            partition: json.partition,
            offset: json.offset,
            timestamp_ms: json.timestamp,
            key: bytes("key", json.key)?,
            value: bytes("value", json.value)?,
        })
    }

    /// When the record was made, see [`kafka_moment`].
    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        kafka_moment(self.timestamp_ms)
    }
}

/// The moment of a Kafka timestamp: 1970 of a record without one, or from before; nothing if it is far off.
pub(crate) fn kafka_moment(timestamp_ms: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(timestamp_ms.unwrap_or_default().max(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: &str = r#"{"v":1,"symbol":"A","price":1.0,"ts_recv":"2026-11-23T14:00:00Z","channel":"rest_price","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":0}"#;
    const ENVELOPE: &str = r#"{"not_a_tick":"no JSON","partition":3,"offset":12,"timestamp":1763900000000,"key":"QQ==","value":"/w=="}"#;

    #[test]
    fn a_line_is_a_tick_or_an_envelope() {
        assert!(matches!(Line::parse(TICK.as_bytes()), Ok(Line::Tick(tick)) if tick.seq == 0));
        let expected = Envelope {
            partition: 3,
            offset: 12,
            timestamp_ms: Some(1_763_900_000_000),
            key: Some(b"A".to_vec()),
            value: Some(vec![0xff]),
        };
        assert!(matches!(Line::parse(ENVELOPE.as_bytes()), Ok(Line::Envelope(it)) if it == expected));
        let nulls = r#"{"not_a_tick":"x","partition":3,"offset":12,"timestamp":-1}"#;
        assert!(
            matches!(Line::parse(nulls.as_bytes()), Ok(Line::Envelope(it)) if it.timestamp() == Some(Timestamp::UNIX_EPOCH) && it.value.is_none())
        );
    }

    #[test]
    fn every_other_line_is_refused_with_the_reason() {
        for (from, to, reason) in [
            ("no JSON", "", "it gives no reason"),
            ("QQ==", "QQ=", "its key is not base64"),
            ("/w==", "é", "its value is not base64"),
            ("\"partition\":3,", "", "missing field `partition`"),
            ("12", "-12", "not a right envelope"),
            ("not_a_tick", "no_tick", "not a tick"),
        ] {
            let error = Line::parse(ENVELOPE.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
        for (line, reason) in [
            ("", "no reader's JSON"),
            ("\u{feff}{}", "no reader's JSON"),
            (&TICK[1..], "no reader's JSON"),
            ("{}", "not a tick"),
            ("null", "not a tick"),
            // of an envelope too every reader reads all
            (&ENVELOPE.replace("12", "12,\"x\":1e400"), "no reader's JSON"),
        ] {
            let error = Line::parse(line.as_bytes()).unwrap_err();
            assert!(error.starts_with(reason), "{line}: {error}");
        }
    }
}
