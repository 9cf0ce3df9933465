//! Real ticks from a file, in their order, digit for digit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Error;

/// Ticks of one symbol, to be served one by one.
#[derive(Clone, Debug)]
pub struct Replay {
    symbol: String,
    rows: Vec<Row>,
}

/// One tick of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) time: Timestamp,
    pub(crate) bid: String,
    pub(crate) ask: String,
    /// The bid as a number.
    pub(crate) value: Decimal,
    /// Whole units of it.
    pub(crate) volume: u64,
}

/// How far a replay has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayProgress {
    /// The symbol whose ticks are replayed.
    pub symbol: String,
    /// Ticks served, over all channels.
    pub served: usize,
    /// Ticks in the file.
    pub total: usize,
}

impl Replay {
    /// Reads `time,bid,ask[,volume]` lines, with or without a line of titles. A time is
    /// `20200101 170000065` (UTC, with milliseconds or whole seconds), RFC 3339, or `2020-01-01 17:00:00.065` (UTC).
    /// Bid and ask are plain decimals, as they can stand in JSON.
    ///
    /// # Errors
    ///
    /// [`Error::ReplayFile`], [`Error::ReplayLine`] with the first line that is no tick, [`Error::ReplayEmpty`].
    pub fn load(path: &Path, symbol: impl Into<String>) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::ReplayFile {
            path: path.to_owned(),
            source,
        })?;
        Self::read(file, path, symbol.into())
    }

    fn read(input: impl Read, path: &Path, symbol: String) -> Result<Self, Error> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(input);
        let mut rows = Vec::new();
        let mut record = StringRecord::new();
        let mut is_first = true;
        while read_record(&mut reader, &mut record, path)? {
            let is_title = std::mem::take(&mut is_first) && is_title(&record);
            if is_title {
                continue;
            }
            rows.push(Row::parse(&record).map_err(|reason| Error::ReplayLine {
                path: path.to_owned(),
                line: record.position().map_or(0, csv::Position::line),
                reason,
            })?);
        }
        if rows.is_empty() {
            return Err(Error::ReplayEmpty {
                path: path.to_owned(),
            });
        }
        Ok(Self { symbol, rows })
    }

    pub(crate) fn symbol(&self) -> &str {
        &self.symbol
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }
}

fn read_record(
    reader: &mut csv::Reader<impl Read>,
    record: &mut StringRecord,
    path: &Path,
) -> Result<bool, Error> {
    let line = reader.position().line();
    reader
        .read_record(record)
        .map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(source) => Error::ReplayFile {
                path: path.to_owned(),
                source,
            },
            csv::ErrorKind::Utf8 { pos, .. } => Error::ReplayLine {
                path: path.to_owned(),
                line: pos.map_or(line, |pos| pos.line()),
                reason: "it is not UTF-8".to_owned(),
            },
            other => Error::ReplayLine {
                path: path.to_owned(),
                line,
                reason: format!("it is not CSV ({other:?})"),
            },
        })
}

/// The first line holds titles if nothing in it is a number.
fn is_title(record: &StringRecord) -> bool {
    !record
        .iter()
        .any(|field| field.starts_with(|first: char| first.is_ascii_digit() || first == '-'))
}

impl Row {
    fn parse(record: &StringRecord) -> Result<Self, String> {
        let (time, bid, ask, volume) = match record.iter().collect::<Vec<_>>()[..] {
            [time, bid, ask] => (time, bid, ask, None),
            [time, bid, ask, volume] => (time, bid, ask, (!volume.is_empty()).then_some(volume)),
            _ => return Err(format!("it has {} fields", record.len())),
        };
        let value = price("bid", bid)?;
        price("ask", ask)?;
        let volume = match volume {
            None => 0,
            Some(text) => Decimal::from_str_exact(text)
                .ok()
                .and_then(|volume| volume.trunc().to_u64())
                .ok_or_else(|| format!("the volume `{text}` is not a number from 0 to {}", u64::MAX))?,
        };
        Ok(Self {
            time: parse_time(time).ok_or_else(|| format!("`{time}` is not a time"))?,
            bid: bid.to_owned(),
            ask: ask.to_owned(),
            value,
            volume,
        })
    }
}

fn price(name: &str, text: &str) -> Result<Decimal, String> {
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
    match Decimal::from_str_exact(text) {
        Ok(value) if is_json => Ok(value),
        _ => Err(format!(
            "the {name} `{text}` is not a plain decimal of at most 28 digits"
        )),
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let civil = ["%Y%m%d %H%M%S%3f", "%Y%m%d %H%M%S", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Row>, String> {
        Replay::read(text, Path::new("ticks.csv"), "EUR/USD".to_owned())
            .map(|replay| replay.rows)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_is_read_digit_for_digit_with_or_without_titles() {
        let with =
            read(b"timestamp_utc_ms,bid,ask,volume\r\n20200101 170000065,1.121200,1.121720,0\r\n").unwrap();
        let without = read(b"\xef\xbb\xbf20200101 170000065,1.121200,1.121720\n\n").unwrap();
        assert_eq!(with, without);
        assert_eq!(with.len(), 1);
        assert_eq!(
            (with[0].bid.as_str(), with[0].ask.as_str()),
            ("1.121200", "1.121720")
        );
        assert_eq!(with[0].time.to_string(), "2020-01-01T17:00:00.065Z");
    }

    #[test]
    fn each_form_of_time_is_read_as_utc() {
        for (text, time) in [
            ("20200101 170000065", "2020-01-01T17:00:00.065Z"),
            ("20200101 170000", "2020-01-01T17:00:00Z"),
            ("2020-01-01T18:00:00.065+01:00", "2020-01-01T17:00:00.065Z"),
            ("2020-01-01 17:00:00.065", "2020-01-01T17:00:00.065Z"),
            ("2020-01-01 17:00:00", "2020-01-01T17:00:00Z"),
        ] {
            let parsed = parse_time(text).map(|time| time.to_string());
            assert_eq!(parsed.as_deref(), Some(time), "{text}");
        }
        for text in ["", "20200101", "20201301 170000065", "yesterday", "1577898000"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let good = "20200101 170000065,1.1212,1.1217,0\n";
        for (bad, says) in [
            ("20200101 170000065,1.1212\n", "it has 2 fields"),
            ("20200101 170000065,1,2,3,4\n", "it has 5 fields"),
            ("yesterday,1.1212,1.1217,0\n", "`yesterday` is not a time"),
            ("20200101 170000065,NaN,1.1217,0\n", "the bid `NaN`"),
            ("20200101 170000065,01.1,1.1217,0\n", "the bid `01.1`"),
            ("20200101 170000065,1.1212,1_000,0\n", "the ask `1_000`"),
            ("20200101 170000065,1.1212,,0\n", "the ask ``"),
            ("20200101 170000065,1.1212,1.1217,x\n", "the volume `x`"),
            ("20200101 170000065,1.1212,1.1217,-1\n", "the volume `-1`"),
        ] {
            let error = read(format!("{good}{bad}").as_bytes()).unwrap_err();
            assert!(
                error.contains("ticks.csv line 2") && error.contains(says),
                "{bad}: {error}"
            );
        }
        assert!(
            read(b"20200101 170000065,1,2\n\xff,1,2\n")
                .unwrap_err()
                .contains("line 2: it is not UTF-8")
        );
        assert!(read(b"").unwrap_err().contains("holds no ticks"));
        assert!(read(b"time,bid,ask\n").unwrap_err().contains("holds no ticks"));
    }
}
