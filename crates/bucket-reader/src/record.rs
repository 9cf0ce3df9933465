use jiff::Timestamp;

use super::codec::{BodyFault, for_each_line};
use super::format::Format;
use super::line::{Envelope, Line};
use super::read::Fetched;
use super::table::{Row, Table};
use super::tick::Tick;

/// A record as it goes back into a topic.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Record<'r> {
    pub partition: u32,
    /// Where it is known.
    pub offset: Option<u64>,
    /// When it was received; of what is no tick, Kafka's time.
    pub moment: Timestamp,
    /// Kafka's, where it had one.
    pub timestamp_ms: Option<i64>,
    pub key: Option<&'r [u8]>,
    pub value: Option<&'r [u8]>,
    pub is_tick: bool,
}

/// Decodes an object that was checked, and hands each record to `each`, in order.
///
/// `first_offset` is that of the first record if all behind it follow without a gap.
///
/// # Errors
///
/// What `each` gives, and a body that is not what the check found.
pub fn for_each<E: From<BodyFault>>(
    object: &Fetched,
    first_offset: Option<u64>,
    mut each: impl FnMut(&Record<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let partition = object.name.partition;
    let mut index = 0;
    match object.name.format {
        Format::Lines(codec) => for_each_line(codec, &object.body[..], |line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let parsed = Line::parse(line).map_err(|reason| no_record(index, reason))?;
            let offset = first_offset.map(|first| first + index);
            index += 1;
            each(&of_line(partition, offset, line, &parsed))
        }),
        Format::Parquet => Table::open(object.body.clone())?.for_each(|row| {
            let encoded;
            let record = match &row.content {
                Ok(Line::Tick(tick)) => {
                    let value = if let Some(value) = row.raw_tick {
                        value
                    } else {
                        encoded = row.tick_json().map_err(|reason| no_record(index, reason))?;
                        &encoded
                    };
                    of_tick_row(partition, row, tick, value)
                }
                Ok(Line::Envelope(envelope)) => of_envelope(partition, Some(envelope.offset), envelope),
                Err(reason) => return Err(no_record(index, reason.clone()).into()),
            };
            index += 1;
            each(&record)
        }),
    }
}

fn no_record(index: u64, reason: String) -> BodyFault {
    let record = index + 1;
    BodyFault::NoRecord { record, reason }
}

fn of_line<'r>(partition: u32, offset: Option<u64>, line: &'r [u8], parsed: &'r Line<'r>) -> Record<'r> {
    match parsed {
        Line::Tick(tick) => Record {
            partition,
            offset,
            moment: tick.ts_recv,
            // what the producer gives it, and all that a line says of it
            timestamp_ms: Some(tick.ts_recv.as_millisecond()),
            key: Some(tick.symbol.as_bytes()),
            value: Some(line),
            is_tick: true,
        },
        Line::Envelope(envelope) => of_envelope(partition, offset, envelope),
    }
}

fn of_tick_row<'r>(partition: u32, row: &Row<'_>, tick: &'r Tick<'_>, value: &'r [u8]) -> Record<'r> {
    Record {
        partition,
        offset: row.offset.and_then(|offset| offset.try_into().ok()),
        moment: tick.ts_recv,
        timestamp_ms: row.timestamp_ms,
        key: Some(tick.symbol.as_bytes()),
        value: Some(value),
        is_tick: true,
    }
}

fn of_envelope(partition: u32, offset: Option<u64>, envelope: &Envelope) -> Record<'_> {
    Record {
        partition,
        offset,
        // nothing is a time farther off than there are dates
        moment: envelope.timestamp().unwrap_or(Timestamp::MAX),
        timestamp_ms: envelope.timestamp_ms,
        key: envelope.key.as_deref(),
        value: envelope.value.as_deref(),
        is_tick: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parquet_file::{HOUR_MS, object, odd_row, tick_row};

    /// Offset, timestamp, key, value and whether it is a tick.
    type Seen = (Option<u64>, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>, bool);

    fn records_of(object: &Fetched, first_offset: Option<u64>) -> Vec<Seen> {
        let mut seen = Vec::new();
        let read = for_each::<BodyFault>(object, first_offset, |record| {
            let [key, value] = [record.key, record.value].map(|bytes| bytes.map(<[u8]>::to_vec));
            seen.push((record.offset, record.timestamp_ms, key, value, record.is_tick));
            Ok(())
        });
        read.unwrap();
        seen
    }

    const TICK: &str = r#"{"v":1,"symbol":"A","price":1.5,"ts_recv":"2026-11-23T14:00:00.010000007Z","channel":"rest_price","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":0}"#;

    #[test]
    fn a_row_becomes_the_record_that_it_was() {
        let raw = TICK
            .replace("1.5", "1.50")
            .replace("\"seq\":0", "\"seq\":1,\"later\":[]");
        let mut exact = tick_row(12, 1);
        exact.value = Some(raw.clone().into_bytes());
        let mut empty = odd_row(13);
        (empty.timestamp_ms, empty.key, empty.value) = (None, None, Some(Vec::new()));
        let records = records_of(&object(&[tick_row(10, 0), odd_row(11), exact, empty]), None);
        let key = Some(b"A".to_vec());
        let expected = [
            (Some(10), Some(HOUR_MS + 10), key.clone(), Some(TICK.into()), true),
            (Some(11), Some(HOUR_MS + 11), Some(vec![0xff]), None, false),
            (Some(12), Some(HOUR_MS + 12), key, Some(raw.into_bytes()), true),
            (Some(13), None, None, Some(Vec::new()), false),
        ];
        assert_eq!(records, expected);
    }

    #[test]
    fn a_line_becomes_the_record_that_it_was() {
        let envelope = r#"{"not_a_tick":"x","partition":0,"offset":6,"timestamp":5,"key":"/w==","value":""}"#;
        let spaced = TICK.replace("1.5", " 1.500");
        let mut object = object(&[tick_row(5, 0)]);
        object.name.format = Format::Lines(crate::Codec::None);
        object.body = format!("{spaced}\n{envelope}\n").into();
        let of_tick = (
            Some(HOUR_MS + 10),
            Some(b"A".to_vec()),
            Some(spaced.into_bytes()),
            true,
        );
        let of_envelope = (Some(5), Some(vec![0xff]), Some(Vec::new()), false);
        for first_offset in [Some(5), None] {
            let records = records_of(&object, first_offset);
            let offset = |n| first_offset.map(|first| first + n);
            let (time, key, value, is_tick) = of_tick.clone();
            assert_eq!(records[0], (offset(0), time, key, value, is_tick));
            let (time, key, value, is_tick) = of_envelope.clone();
            assert_eq!(records[1], (offset(1), time, key, value, is_tick));
        }
    }
}
