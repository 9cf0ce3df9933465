use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use pipeline_runtime::kafka::TopicName;

use super::format::Format;

/// What the key of a slot says, beside prefix and topic: `dt=2026-11-23/hour=14/{topic}-00003-….jsonl.zst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SlotName {
    pub partition: u32,
    /// Offset at which the slot begins.
    pub start: u64,
    pub date: Date,
    pub hour: i8,
    pub format: Format,
}

impl SlotName {
    /// The first moment of the key's hour; the last that there is, if it lies beyond.
    #[must_use]
    pub fn hour_start(&self) -> Timestamp {
        let start = self.date.at(self.hour, 0, 0, 0);
        TimeZone::UTC.to_timestamp(start).unwrap_or(Timestamp::MAX)
    }

    /// The whole key; `folder` is prefix and topic and ends with `/`.
    #[must_use]
    pub fn key(&self, folder: &str, topic: &str) -> String {
        format!("{folder}{}", self.path(topic))
    }

    fn path(&self, topic: &str) -> String {
        let Self {
            partition,
            start,
            date,
            hour,
            format,
        } = self;
        format!(
            "dt={date}/hour={hour:02}/{topic}-{partition:05}-{start:020}{}",
            format.extension()
        )
    }
}

/// What an object is, by its key behind the prefix.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ObjectName<'k> {
    /// A run of offsets.
    Slot { topic: &'k str, name: SlotName },
    /// `{topic}/_layout.json`.
    Layout { topic: &'k str },
    /// Another name that begins with `_`.
    NotData { topic: &'k str },
    /// None of ours, and why.
    Foreign(&'static str),
}

impl<'k> ObjectName<'k> {
    /// Reads a key without its prefix.
    #[must_use]
    pub fn parse(path: &'k str) -> Self {
        let Some((topic, rest)) = path.split_once('/') else {
            return if path.starts_with('_') {
                Self::NotData { topic: "" }
            } else {
                Self::Foreign("it is in no topic's folder")
            };
        };
        let file = rest.rsplit('/').next().unwrap_or(rest);
        if file.starts_with('_') {
            return if rest == "_layout.json" {
                Self::Layout { topic }
            } else {
                Self::NotData { topic }
            };
        }
        if topic.parse::<TopicName>().is_err() {
            return Self::Foreign("its folder is not named as a topic can be");
        }
        match parse_slot(topic, rest) {
            Ok(name) if name.path(topic) == rest => Self::Slot { topic, name },
            Ok(_) => Self::Foreign("its numbers are not written as in a slot's name"),
            Err(reason) => Self::Foreign(reason),
        }
    }
}

fn parse_slot(topic: &str, rest: &str) -> Result<SlotName, &'static str> {
    let mut parts = rest.split('/');
    let (Some(date), Some(hour), Some(file), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("its path is not dt=…/hour=…/…");
    };
    let date = date
        .strip_prefix("dt=")
        .and_then(|date| date.parse().ok())
        .ok_or("its first folder is not dt=YYYY-MM-DD")?;
    let hour = hour
        .strip_prefix("hour=")
        .and_then(|hour| hour.parse().ok())
        .filter(|hour| (0..24).contains(hour))
        .ok_or("its second folder is not hour=00 to hour=23")?;
    let (stem, format) = Format::split_file(file)
        .ok_or("its name does not end in .jsonl, .jsonl.gz, .jsonl.zst or .parquet")?;
    let (partition, start) = stem
        .strip_prefix(topic)
        .and_then(|numbers| numbers.strip_prefix('-'))
        .and_then(|numbers| numbers.split_once('-'))
        .ok_or("its name is not {topic}-{partition}-{start}")?;
    let is_partition = |partition: &u32| i32::try_from(*partition).is_ok();
    let is_offset = |start: &u64| i64::try_from(*start).is_ok();
    Ok(SlotName {
        partition: partition
            .parse()
            .ok()
            .filter(is_partition)
            .ok_or("its name holds no partition")?,
        start: start
            .parse()
            .ok()
            .filter(is_offset)
            .ok_or("its name holds no offset")?,
        date,
        hour,
        format,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Codec;

    const SLOT: &str = "a-b/dt=2026-11-23/hour=04/a-b-00003-00000000000000000012.jsonl.zst";

    #[test]
    fn a_slots_name_reads_and_writes_alike() {
        let ObjectName::Slot { topic: "a-b", name } = ObjectName::parse(SLOT) else {
            panic!("{:?}", ObjectName::parse(SLOT));
        };
        assert_eq!((name.partition, name.start, name.hour), (3, 12, 4));
        assert_eq!(name.format, Format::Lines(Codec::Zstd));
        assert_eq!(name.key("x/a-b/", "a-b"), format!("x/{SLOT}"));
        for (extension, format) in [
            (".jsonl.gz", Format::Lines(Codec::Gzip)),
            (".jsonl", Format::Lines(Codec::None)),
            (".parquet", Format::Parquet),
        ] {
            let other = SLOT.replace(".jsonl.zst", extension);
            assert!(
                matches!(ObjectName::parse(&other), ObjectName::Slot { name, .. } if name.format == format)
            );
        }
    }

    #[test]
    fn a_name_with_an_underscore_is_no_data() {
        assert_eq!(
            ObjectName::parse("t/_layout.json"),
            ObjectName::Layout { topic: "t" }
        );
        for path in ["t/_probe", "t/dt=2026-11-23/hour=04/_SUCCESS", "t/x/_layout.json"] {
            assert_eq!(
                ObjectName::parse(path),
                ObjectName::NotData { topic: "t" },
                "{path}"
            );
        }
        let of_a_topic = SLOT.replace("a-b", "_t");
        assert!(matches!(
            ObjectName::parse(&of_a_topic),
            ObjectName::NotData { .. }
        ));
    }

    #[test]
    fn every_other_name_is_foreign() {
        for (from, to) in [
            ("a-b/", "c/"),
            ("a-b/", ""),
            ("a-b/", "a b/"),
            ("dt=", "date="),
            ("-11-23", "-02-30"),
            ("-11-23", "1123"),
            ("hour=04", "hour=4"),
            ("hour=04", "hour=24"),
            ("hour=04/", ""),
            ("/hour=04", "/hour=04/more"),
            ("00003", "3"),
            ("00003", "+0003"),
            ("00003", "3000000000"),
            ("00000000000000000012", "12"),
            ("00000000000000000012", "10000000000000000000"),
            ("00000000000000000012", "x"),
            (".zst", ".parquet"),
            (".jsonl.zst", ".parquet.zst"),
            (".jsonl.zst", ".jsonl.zst.tmp"),
        ] {
            let path = SLOT.replacen(from, to, 1);
            assert_ne!(path, SLOT);
            let name = ObjectName::parse(&path);
            assert!(matches!(name, ObjectName::Foreign(_)), "{path}: {name:?}");
        }
    }
}
