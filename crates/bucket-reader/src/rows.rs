use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use super::body::{BodyFacts, Expected, FirstRecord, Tally};
use super::codec::BodyFault;
use super::finding::Kind;
use super::line::{Line, kafka_moment};
use super::metadata::Crc32c;
use super::table::{Row, Table};

/// Checks a body that is a Parquet file. One whose checksum is not `crc32c` is not decoded.
pub(super) fn check(file: &Bytes, crc32c: Option<Crc32c>, expected: Expected) -> BodyFacts {
    let mut rows = Rows {
        tally: Tally::new(expected),
        last_offset: None,
    };
    rows.tally.facts.crc32c = crc32c::crc32c(file);
    let found = Crc32c(rows.tally.facts.crc32c);
    if let Some(says) = crc32c.filter(|says| *says != found) {
        let what = format!("body-crc32c says {says}, the body {found}; its rows are not read");
        rows.tally.report(Kind::Mismatch, None, what);
        return rows.tally.facts;
    }
    // what another program wrote under the right checksum may still be more than the decoder stands
    let read = catch_unwind(AssertUnwindSafe(|| rows.read(file.clone())));
    match read {
        Ok(Ok(())) => rows.tally.facts.is_whole = true,
        Ok(Err(fault)) => rows.tally.report_body(fault.to_string()),
        Err(_) => rows.tally.report_body("the Parquet decoder breaks down at it"),
    }
    rows.tally.facts
}

struct Rows {
    tally: Tally,
    last_offset: Option<i64>,
}

impl Rows {
    fn read(&mut self, file: Bytes) -> Result<(), BodyFault> {
        let table = Table::open(file)?;
        self.tally.facts.bytes = table.uncompressed_bytes();
        table.for_each(|row| {
            self.row(row);
            self.tally.stop_runaway()
        })
    }

    fn row(&mut self, row: &Row<'_>) {
        let is_first = self.tally.record();
        if let Some(moment) = kafka_moment(row.timestamp_ms).filter(|_| is_first) {
            self.tally.facts.first_record = FirstRecord::InKafka(moment);
        }
        self.place(row, is_first);
        match &row.content {
            Ok(Line::Tick(tick)) => self.tally.tick(tick),
            Ok(Line::Envelope(_)) => self.tally.facts.not_ticks += 1,
            Err(reason) => self.tally.report_record(reason.as_str()),
        }
    }

    fn place(&mut self, row: &Row<'_>, is_first: bool) {
        let tally = &mut self.tally;
        let shown = |number: Option<i64>| number.map_or_else(|| "none".to_owned(), |it| it.to_string());
        if row.partition.and_then(|it| u32::try_from(it).ok()) != Some(tally.expected.partition) {
            let partition = shown(row.partition.map(i64::from));
            tally.report_record(format!("its kafka_partition is {partition}"));
        }
        let offset = row.offset.and_then(|it| u64::try_from(it).ok());
        if let Some((first, end)) = tally.expected.offsets {
            let most = if is_first { first } else { end };
            if !offset.is_some_and(|offset| (first..=most).contains(&offset)) {
                let offset = shown(row.offset);
                tally.report_record(format!(
                    "its kafka_offset is {offset}, expected {first} to {most}"
                ));
            }
        }
        if let (Some(offset), Some(before)) = (row.offset, self.last_offset)
            && before >= offset
        {
            tally.report_record(format!("its kafka_offset is {offset}, behind {before}"));
        }
        self.last_offset = row.offset.or(self.last_offset);
    }
}
