//! Parquet files made here, as a writer makes them, to be spoilt.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::name::ObjectName;
use super::read::Fetched;
use super::table::column_types;

/// 14:00 of the day that the keys say, in ms.
pub(crate) const HOUR_MS: i64 = 1_795_442_400_000;

/// What a row holds, as far as a test sets it; all else is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestRow {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) symbol: Option<&'static str>,
    /// In the last of 18 digits behind the point.
    pub(crate) price: Option<i128>,
    pub(crate) channel: Option<&'static str>,
    pub(crate) session: Option<&'static str>,
    pub(crate) seq: Option<i64>,
    /// Of `ts_recv`, 0 to 999 in what we write.
    pub(crate) nanos: i32,
    pub(crate) not_a_tick: Option<&'static str>,
    pub(crate) key: Option<&'static [u8]>,
    pub(crate) value: Option<Vec<u8>>,
}

/// A tick of partition 0.
pub(crate) fn tick_row(offset: i64, seq: i64) -> TestRow {
    TestRow {
        offset,
        timestamp_ms: Some(HOUR_MS + offset),
        symbol: Some("A"),
        price: Some(1_500_000_000_000_000_000),
        channel: Some("rest_price"),
        session: Some("0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10"),
        seq: Some(seq),
        nanos: 7,
        ..TestRow::default()
    }
}

/// A record that is no tick.
pub(crate) fn odd_row(offset: i64) -> TestRow {
    TestRow {
        offset,
        timestamp_ms: Some(HOUR_MS + offset),
        not_a_tick: Some("it has no value"),
        key: Some(b"\xff"),
        ..TestRow::default()
    }
}

/// The file of these rows, without the columns that `leave_out` names.
pub(crate) fn file(rows: &[TestRow], leave_out: &[&str]) -> Bytes {
    let (fields, arrays): (Vec<_>, Vec<_>) = column_types()
        .into_iter()
        .filter(|(name, _)| !leave_out.contains(name))
        .map(|(name, data_type)| {
            let array = column(name, rows).unwrap_or_else(|| new_null_array(&data_type, rows.len()));
            let is_required = matches!(name, "kafka_partition" | "kafka_offset");
            (Field::new(name, data_type, !is_required), array)
        })
        .unzip();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, schema.clone(), Some(properties.build())).unwrap();
    writer
        .write(&RecordBatch::try_new(schema, arrays).unwrap())
        .unwrap();
    writer.close().unwrap();
    file.into()
}

fn column(name: &str, rows: &[TestRow]) -> Option<ArrayRef> {
    let is_tick = |row: &&TestRow| row.not_a_tick.is_none();
    let rows = rows.iter();
    Some(match name {
        "kafka_partition" => Arc::new(Int32Array::from_iter_values(rows.map(|row| row.partition))),
        "kafka_offset" => Arc::new(Int64Array::from_iter_values(rows.map(|row| row.offset))),
        "kafka_timestamp" => {
            let microseconds = |row: &TestRow| row.timestamp_ms.map(|ms| ms * 1000);
            let times: TimestampMicrosecondArray = rows.map(microseconds).collect();
            Arc::new(times.with_timezone("UTC"))
        }
        "ts_recv" => {
            let recv = |row: &TestRow| Some(row).filter(is_tick)?.timestamp_ms.map(|ms| ms * 1000);
            let times: TimestampMicrosecondArray = rows.map(recv).collect();
            Arc::new(times.with_timezone("UTC"))
        }
        "ts_recv_nanos" => {
            let nanos = |row: &TestRow| Some(row).filter(is_tick)?.timestamp_ms.map(|_| row.nanos);
            Arc::new(rows.map(nanos).collect::<Int32Array>())
        }
        "price" => {
            let prices: Decimal128Array = rows.map(|row| row.price).collect();
            Arc::new(prices.with_precision_and_scale(38, 18).unwrap())
        }
        "symbol" => Arc::new(rows.map(|row| row.symbol).collect::<StringArray>()),
        "channel" => Arc::new(rows.map(|row| row.channel).collect::<StringArray>()),
        "producer" => {
            let producer = |row: &TestRow| Some(row).filter(is_tick).map(|_| "p");
            Arc::new(rows.map(producer).collect::<StringArray>())
        }
        "session" => Arc::new(rows.map(|row| row.session).collect::<StringArray>()),
        "seq" => Arc::new(rows.map(|row| row.seq).collect::<Int64Array>()),
        "not_a_tick" => Arc::new(rows.map(|row| row.not_a_tick).collect::<StringArray>()),
        "key" => Arc::new(rows.map(|row| row.key).collect::<BinaryArray>()),
        "value" => Arc::new(rows.map(|row| row.value.as_deref()).collect::<BinaryArray>()),
        _ => return None,
    })
}

/// The object of partition 0 that holds these rows.
pub(crate) fn object(rows: &[TestRow]) -> Fetched {
    object_of(file(rows, &[]), rows)
}

/// The same with another body.
pub(crate) fn object_of(body: Bytes, rows: &[TestRow]) -> Fetched {
    let start = rows[0].offset;
    let key = format!("t/dt=2026-11-23/hour=14/t-00000-{start:020}.parquet");
    let ObjectName::Slot { name, .. } = ObjectName::parse(&key) else {
        panic!("{key} is no slot's name");
    };
    let not_ticks = rows.iter().filter(|row| row.not_a_tick.is_some()).count();
    let metadata = [
        ("slot-start", start.to_string()),
        ("slot-end", rows[rows.len() - 1].offset.to_string()),
        ("first-offset", start.to_string()),
        ("record-count", rows.len().to_string()),
        ("not-tick-count", not_ticks.to_string()),
        ("run-id", "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a11".to_owned()),
        ("first-record-crc32c", "00000000".to_owned()),
        ("body-crc32c", format!("{:08x}", crc32c::crc32c(&body))),
        ("schema", "tick/1".to_owned()),
        ("codec", "parquet".to_owned()),
        ("closed-by", "age".to_owned()),
    ];
    let metadata: HashMap<_, _> = metadata.map(|(name, value)| (name.to_owned(), value)).into();
    Fetched {
        name,
        key,
        body,
        metadata,
    }
}
