//! The topic that ticks travel by: what whoever makes it, writes to it and reads from it agree on.
//!
//! A record's value is one [`Tick`]; its key, its timestamp and its header are below, and so are the settings that the
//! topic must have for them to mean what they say.

use crate::Tick;

/// The topic's name where no other is given.
pub const DEFAULT_TOPIC: &str = "stock_pipeline";

/// Name of the record header that tells the schema of the value.
pub const SCHEMA_HEADER: &str = "schema";

/// Value of [`SCHEMA_HEADER`] for a tick of this version.
pub const SCHEMA_HEADER_VALUE: &str = "tick/1";

/// Largest record that a producer writes, key and header included, in bytes: what librdkafka takes where nothing is set.
pub const RECORD_MAX_BYTES: u32 = 1_000_000;

/// Largest batch of records that the topic takes, in bytes: what Kafka takes where nothing is set. A batch holds one
/// record at least, and a head of its own.
pub const BATCH_MAX_BYTES: u32 = 1_048_588;

const _: () = assert!(
    BATCH_MAX_BYTES - RECORD_MAX_BYTES > 1024,
    "the largest record fits into a batch"
);

/// The settings without which ticks are lost or come to lie in the wrong hour.
pub const REQUIRED_SETTINGS: &[RequiredSetting] = &[
    RequiredSetting {
        key: "cleanup.policy",
        value: RequiredValue::Exactly("delete"),
        reason: "compaction keeps no more than the last tick of each symbol",
    },
    RequiredSetting {
        key: "max.message.bytes",
        value: RequiredValue::AtLeast(BATCH_MAX_BYTES),
        reason: "a record that the broker does not take is lost",
    },
    RequiredSetting {
        key: "message.timestamp.type",
        value: RequiredValue::Exactly("CreateTime"),
        reason: "a record's time is when its tick was received, which decides the hour that it is filed under",
    },
];

/// One setting of the topic, by Kafka's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredSetting {
    /// Such as `cleanup.policy`.
    pub key: &'static str,
    /// Which values will do.
    pub value: RequiredValue,
    /// Why, as the end of a sentence that begins with "because".
    pub reason: &'static str,
}

/// Which values of a setting will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredValue {
    /// This one.
    Exactly(&'static str),
    /// This one or a larger one.
    AtLeast(u32),
}

impl RequiredValue {
    /// Whether `value`, as Kafka writes it, will do.
    #[must_use]
    pub fn is_met_by(self, value: &str) -> bool {
        match self {
            Self::Exactly(wanted) => value == wanted,
            Self::AtLeast(least) => value.parse::<u32>().is_ok_and(|value| value >= least),
        }
    }

    /// The value to set where there is none that will do.
    #[must_use]
    pub fn to_set(self) -> String {
        match self {
            Self::Exactly(wanted) => wanted.to_owned(),
            Self::AtLeast(least) => least.to_string(),
        }
    }
}

impl Tick<'_> {
    /// The key of the tick's record: what has one key stays in one partition, and so in order.
    #[must_use]
    pub fn record_key(&self) -> &str {
        self.symbol.as_str()
    }

    /// The timestamp of the tick's record, in ms.
    #[must_use]
    pub fn record_timestamp_ms(&self) -> i64 {
        self.ts_recv.as_millisecond()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_held_to_the_rule() {
        let exactly = RequiredValue::Exactly("delete");
        assert!(exactly.is_met_by(&exactly.to_set()));
        assert!(!exactly.is_met_by("compact,delete"));
        let least = RequiredValue::AtLeast(BATCH_MAX_BYTES);
        assert!(least.is_met_by(&least.to_set()) && least.is_met_by("2000000"));
        assert!(!least.is_met_by("1048587") && !least.is_met_by(""));
    }

    #[test]
    fn a_record_has_its_ticks_symbol_and_time() {
        let json = concat!(
            r#"{"v":1,"symbol":"RY:TSX","price":1.5,"ts_recv":"2026-11-23T14:00:00.2509Z","channel":"rest_price","#,
            r#""producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":0}"#
        );
        let tick = Tick::decode(json.as_bytes()).unwrap();
        assert_eq!(tick.record_key(), "RY:TSX");
        assert_eq!(tick.record_timestamp_ms(), 1_795_442_400_250);
    }
}
