use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

const MS_AN_HOUR: i64 = 3_600_000;

/// An hour in UTC, as a record's Kafka timestamp falls into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour of a Kafka timestamp in ms. A record without one, or from before 1970, is of the first hour
    /// of 1970; one beyond the year 9999 of its last: every writer must come to the same key.
    #[must_use]
    pub fn of_timestamp_ms(timestamp_ms: i64) -> Self {
        Self(timestamp_ms.clamp(0, Timestamp::MAX.as_millisecond() - MS_AN_HOUR) / MS_AN_HOUR)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = Timestamp::from_millisecond(self.0 * MS_AN_HOUR).unwrap_or(Timestamp::UNIX_EPOCH);
        let utc = start.to_zoned_datetime(TimeZone::UTC);
        write!(f, "dt={}/hour={:02}", utc.date(), utc.hour())
    }
}

/// The names of one topic's objects under one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotKeys {
    /// `{prefix}{topic}/`
    folder: String,
    topic: String,
    extension: &'static str,
}

impl SlotKeys {
    /// `prefix` is empty or ends with a slash, `extension` is such as `jsonl.zst`.
    #[must_use]
    pub fn new(prefix: &str, topic: &str, extension: &'static str) -> Self {
        Self {
            folder: format!("{prefix}{topic}/"),
            topic: topic.to_owned(),
            extension,
        }
    }

    /// What all keys of the topic begin with.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The key of the object that fixes how the others are written.
    #[must_use]
    pub fn layout(&self) -> String {
        format!("{}_layout.json", self.folder)
    }

    /// The key of an object for trying the store with.
    #[must_use]
    pub fn probe(&self, unique: &str) -> String {
        format!("{}_probe-{unique}", self.folder)
    }

    /// The key of a slot: nothing but the log and the prefix's fixed layout makes it.
    #[must_use]
    pub fn slot(&self, partition: i32, start: i64, hour: Hour) -> String {
        format!(
            "{}{hour}/{}-{partition:05}-{start:020}.{}",
            self.folder, self.topic, self.extension
        )
    }

    /// Partition and start of a slot's key, or nothing if the key is no slot's.
    #[must_use]
    pub fn parse(&self, key: &str) -> Option<(i32, i64)> {
        let name = key.strip_prefix(&self.folder)?.rsplit('/').next()?;
        let numbers = name
            .strip_prefix(&self.topic)?
            .strip_prefix('-')?
            .strip_suffix(self.extension)?
            .strip_suffix('.')?;
        let (partition, start) = numbers.split_once('-')?;
        let is_padded = partition.len() >= 5 && start.len() == 20;
        let is_digits = partition
            .bytes()
            .chain(start.bytes())
            .all(|byte| byte.is_ascii_digit());
        if is_padded && is_digits {
            Some((partition.parse().ok()?, start.parse().ok()?))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_slot() {
        let keys = SlotKeys::new("quotes/", "stock_pipeline", "jsonl.zst");
        let key = keys.slot(3, 1234, Hour::of_timestamp_ms(1_795_442_400_000));
        assert_eq!(
            key,
            "quotes/stock_pipeline/dt=2026-11-23/hour=14/stock_pipeline-00003-00000000000000001234.jsonl.zst"
        );
        assert_eq!(keys.parse(&key), Some((3, 1234)));
    }

    #[test]
    fn other_objects_are_no_slots() {
        let keys = SlotKeys::new("", "t", "jsonl.zst");
        for key in [
            "t/_layout.json",
            "t/dt=2026-11-23/hour=14/t-00003-00000000000000001234.jsonl.gz",
            "t/dt=2026-11-23/hour=14/u-00003-00000000000000001234.jsonl.zst",
            "t/dt=2026-11-23/hour=14/t-3-1234.jsonl.zst",
            "t/dt=2026-11-23/hour=14/t-00003-0000000000000000123+.jsonl.zst",
            "t/dt=2026-11-23/hour=14/t-00003-99999999999999999999.jsonl.zst",
            "u/dt=2026-11-23/hour=14/t-00003-00000000000000001234.jsonl.zst",
        ] {
            assert_eq!(keys.parse(key), None, "{key}");
        }
    }

    #[test]
    fn any_timestamp_has_an_hour() {
        assert_eq!(Hour::of_timestamp_ms(-1).to_string(), "dt=1970-01-01/hour=00");
        assert_eq!(
            Hour::of_timestamp_ms(i64::MIN).to_string(),
            "dt=1970-01-01/hour=00"
        );
        assert_eq!(
            Hour::of_timestamp_ms(3_599_999).to_string(),
            "dt=1970-01-01/hour=00"
        );
        assert_eq!(
            Hour::of_timestamp_ms(3_600_000).to_string(),
            "dt=1970-01-01/hour=01"
        );
        assert!(
            Hour::of_timestamp_ms(i64::MAX)
                .to_string()
                .starts_with("dt=9999-12-")
        );
    }
}
