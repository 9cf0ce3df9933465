use std::collections::HashMap;
use std::fmt;

use uuid::Uuid;

use super::finding::{Finding, Findings, Kind, Place};
use super::format::Format;

/// A checksum, shown as 8 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc32c(pub u32);

impl fmt::Display for Crc32c {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// An object's metadata (`x-amz-meta-…`); what is missing or malformed is absent here and was reported.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Metadata {
    pub start: Option<u64>,
    /// Last offset of the slot, never below `start`.
    pub end: Option<u64>,
    /// Offset of the first record, inside the slot.
    pub first_offset: Option<u64>,
    pub record_count: Option<u64>,
    pub not_tick_count: Option<u64>,
    pub topic_id: Option<String>,
    pub first_record_crc32c: Option<Crc32c>,
    pub body_crc32c: Option<Crc32c>,
    pub format: Option<Format>,
}

impl Metadata {
    pub(crate) fn parse(raw: &HashMap<String, String>, key: &str, findings: &mut Findings) -> Self {
        let mut fields = Fields { raw, key, findings };
        let start = fields.take("slot-start", "an offset", offset);
        let end = fields.take("slot-end", "an offset", offset);
        let end = match (start, end) {
            (Some(start), Some(end)) if end < start => {
                fields.report(format!("slot-end {end} is below slot-start {start}"));
                None
            }
            _ => end,
        };
        let first_offset = fields.take("first-offset", "an offset", offset);
        if let (Some(start), Some(end), Some(first)) = (start, end, first_offset)
            && !(start..=end).contains(&first)
        {
            fields.report(format!("first-offset {first} is not in {start} to {end}"));
        }
        fields.take("run-id", "a UUID", |text| Uuid::try_parse(text).ok());
        fields.take("schema", "tick/1", |text| (text == "tick/1").then_some(()));
        fields.take("closed-by", "a reason", |text| (!text.is_empty()).then_some(()));
        Self {
            start,
            end,
            first_offset,
            record_count: fields.take("record-count", "a number above 0", |text| {
                text.parse().ok().filter(|count| *count > 0)
            }),
            not_tick_count: fields.take("not-tick-count", "a number", |text| text.parse().ok()),
            topic_id: raw.get("topic-id").cloned(),
            first_record_crc32c: fields.take("first-record-crc32c", "8 hex digits", crc),
            body_crc32c: fields.take("body-crc32c", "8 hex digits", crc),
            format: fields.take("codec", "zstd, gzip, none or parquet", Format::from_codec_name),
        }
    }

    /// First and last offset, if both are known.
    #[must_use]
    pub fn offsets(&self) -> Option<(u64, u64)> {
        Some((self.start?, self.end?))
    }

    /// Offset of the first record and last offset of the slot, if both are known.
    #[must_use]
    pub fn record_offsets(&self) -> Option<(u64, u64)> {
        Some((self.first_offset?, self.end?))
    }
}

struct Fields<'a> {
    raw: &'a HashMap<String, String>,
    key: &'a str,
    findings: &'a mut Findings,
}

impl Fields<'_> {
    fn take<T>(&mut self, name: &str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let Some(text) = self.raw.get(name) else {
            self.report(format!("{name} is missing"));
            return None;
        };
        let value = parse(text);
        if value.is_none() {
            let shown: String = text.chars().take(60).collect();
            self.report(format!("{name} is `{shown}`, expected {expected}"));
        }
        value
    }

    fn report(&mut self, what: String) {
        let place = Place {
            key: Some(self.key.to_owned()),
            ..Place::default()
        };
        self.findings.push(Finding::error(Kind::Metadata, place, what));
    }
}

fn offset(text: &str) -> Option<u64> {
    text.parse().ok().filter(|offset| i64::try_from(*offset).is_ok())
}

fn crc(text: &str) -> Option<Crc32c> {
    let is_hex = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| u32::from_str_radix(text, 16).ok())
        .flatten()
        .map(Crc32c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> HashMap<String, String> {
        [
            ("slot-start", "10"),
            ("slot-end", "12"),
            ("first-offset", "11"),
            ("record-count", "3"),
            ("not-tick-count", "0"),
            ("run-id", "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10"),
            ("first-record-crc32c", "0000abCD"),
            ("body-crc32c", "ffffffff"),
            ("schema", "tick/1"),
            ("codec", "zstd"),
            ("closed-by", "age"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn right_metadata_is_read() {
        let mut findings = Findings::default();
        let metadata = Metadata::parse(&raw(), "k", &mut findings);
        assert_eq!(findings.errors(), 0);
        assert_eq!(metadata.offsets(), Some((10, 12)));
        assert_eq!(metadata.first_record_crc32c, Some(Crc32c(0xabcd)));
    }

    #[test]
    fn each_field_that_is_missing_or_malformed_is_reported() {
        for name in raw().keys() {
            let mut without = raw();
            without.remove(name);
            let mut findings = Findings::default();
            Metadata::parse(&without, "k", &mut findings);
            assert_eq!(findings.kinds(), [Kind::Metadata], "{name} was not missed");
            let mut wrong = raw();
            wrong.insert(
                name.clone(),
                if name == "closed-by" { "" } else { "-1" }.to_owned(),
            );
            let mut findings = Findings::default();
            Metadata::parse(&wrong, "k", &mut findings);
            assert_eq!(findings.kinds(), [Kind::Metadata], "{name} was taken");
        }
    }

    #[test]
    fn a_slot_does_not_end_before_it_starts() {
        let mut reversed = raw();
        reversed.insert("slot-end".to_owned(), "9".to_owned());
        let mut findings = Findings::default();
        assert_eq!(Metadata::parse(&reversed, "k", &mut findings).offsets(), None);
        assert_eq!(findings.kinds(), [Kind::Metadata]);
        let mut outside = raw();
        outside.insert("first-offset".to_owned(), "9".to_owned());
        Metadata::parse(&outside, "k", &mut findings);
        assert_eq!(findings.errors(), 2);
    }
}
