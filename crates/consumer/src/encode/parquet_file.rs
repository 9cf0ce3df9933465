use std::io;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::rows::{KAFKA_OFFSET, RISING, schema};

/// Rows a group: what a reader skips by its statistics, or reads whole.
const ROWS_A_GROUP: usize = 131_072;
const ZSTD_LEVEL: i32 = 1;

/// A Parquet file that is being written into memory.
pub(super) struct ParquetFile {
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetFile {
    pub(super) fn start() -> io::Result<Self> {
        let schema = schema();
        let by_offset = schema.index_of(KAFKA_OFFSET).map_err(io::Error::other)?;
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("quote-pipeline ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(
                ZstdLevel::try_new(ZSTD_LEVEL).map_err(io_error)?,
            ))
            .set_max_row_group_row_count(Some(ROWS_A_GROUP))
            .set_sorting_columns(Some(vec![SortingColumn {
                column_idx: i32::try_from(by_offset).map_err(io::Error::other)?,
                descending: false,
                nulls_first: false,
            }]));
        for column in RISING {
            let path = ColumnPath::from(*column);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties.build())).map_err(io_error)?;
        Ok(Self { writer })
    }

    pub(super) fn append(&mut self, rows: &RecordBatch) -> io::Result<()> {
        self.writer.write(rows).map_err(io_error)
    }

    /// Bytes that are encoded so far, by estimate for the row group in the making.
    pub(super) fn encoded_len(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Bytes of memory taken.
    pub(super) fn held_bytes(&self) -> usize {
        self.writer.inner().capacity() + self.writer.memory_size()
    }

    /// The file, and its CRC32C.
    pub(super) fn finish(self) -> io::Result<(Vec<u8>, u32)> {
        let file = self.writer.into_inner().map_err(io_error)?;
        let crc32c = crc32c::crc32c(&file);
        Ok((file, crc32c))
    }
}

fn io_error(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{
        Decimal128Type, Int32Type, Int64Type, TimestampMillisecondType, TimestampNanosecondType, UInt64Type,
    };
    use bytes::Bytes;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::statistics::Statistics;

    use super::*;
    use crate::encode::rows::Rows;
    use crate::encode::{Encoding as RunEncoding, Record};

    const TICK: &str = concat!(
        r#"{"v":1,"symbol":"BTC/USD","price":26575.60000,"ts_recv":"2026-11-23T14:00:00.123456789Z","#,
        r#""ts_event":"2026-11-23T13:59:59Z","channel":"websocket","producer":"p","#,
        r#""session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":18446744073709551615,"currency":"GBp","bid":-1.5}"#
    );

    fn file_of(values: &[Option<&[u8]>]) -> Bytes {
        let mut rows = Rows::default();
        for (offset, value) in (40..).zip(values) {
            let record = Record {
                partition: 3,
                offset,
                timestamp_ms: Some(1_795_442_400_123),
                key: Some(b"key"),
                value: *value,
            };
            rows.push(&record, &record.content(RunEncoding::Parquet));
        }
        let mut file = ParquetFile::start().unwrap();
        file.append(&rows.take().unwrap()).unwrap();
        let (body, crc32c) = file.finish().unwrap();
        assert_eq!(crc32c, crc32c::crc32c(&body));
        Bytes::from(body)
    }

    fn read(file: Bytes) -> RecordBatch {
        let mut batches = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        let batch = batches.next().unwrap().unwrap();
        assert!(batches.next().is_none());
        batch
    }

    fn column<'a>(rows: &'a RecordBatch, name: &str) -> &'a dyn arrow_array::Array {
        rows.column_by_name(name).unwrap()
    }

    #[test]
    fn a_tick_is_a_row_with_its_own_types() {
        let rows = read(file_of(&[Some(TICK.as_bytes())]));
        assert_eq!(rows.schema(), schema());
        assert_eq!(
            column(&rows, "kafka_partition")
                .as_primitive::<Int32Type>()
                .value(0),
            3
        );
        assert_eq!(
            column(&rows, KAFKA_OFFSET).as_primitive::<Int64Type>().value(0),
            40
        );
        let ms = column(&rows, "kafka_timestamp").as_primitive::<TimestampMillisecondType>();
        assert_eq!(ms.value(0), 1_795_442_400_123);
        for (name, expected) in [
            ("symbol", "BTC/USD"),
            ("channel", "websocket"),
            ("session", "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10"),
            ("currency", "GBp"),
        ] {
            assert_eq!(column(&rows, name).as_string::<i32>().value(0), expected);
        }
        for (name, expected) in [
            ("price", 26_575_600_000_000_000_000_000),
            ("bid", -1_500_000_000_000_000_000),
        ] {
            assert_eq!(
                column(&rows, name).as_primitive::<Decimal128Type>().value(0),
                expected
            );
        }
        let ns = column(&rows, "ts_recv").as_primitive::<TimestampNanosecondType>();
        assert_eq!(ns.value(0), 1_795_442_400_123_456_789);
        assert_eq!(
            column(&rows, "seq").as_primitive::<UInt64Type>().value(0),
            u64::MAX
        );
        for name in ["ask", "exchange", "not_a_tick", "key", "value"] {
            assert!(column(&rows, name).is_null(0), "{name}");
        }
    }

    #[test]
    fn what_the_columns_cannot_hold_keeps_its_bytes() {
        let more = TICK.replace("\"v\":1", "\"v\":1,\"extra\":2");
        let long = TICK.replace("26575.60000", "0.0000000000000000001");
        let far = TICK.replace("2026-11-23T14", "2500-11-23T14");
        let values = [
            Some(more.as_bytes()),
            Some(long.as_bytes()),
            Some(far.as_bytes()),
            Some(&b"\xff\x00"[..]),
            Some(&b""[..]),
            None,
        ];
        let rows = read(file_of(&values));
        let kept = column(&rows, "value").as_binary::<i32>();
        for (row, value) in values.iter().enumerate() {
            assert_eq!(kept.iter().nth(row).unwrap(), *value, "row {row}");
            let is_tick = row < 3;
            assert_eq!(column(&rows, "not_a_tick").is_null(row), is_tick, "row {row}");
            assert_eq!(column(&rows, "key").is_null(row), is_tick, "row {row}");
            assert_eq!(column(&rows, "symbol").is_valid(row), is_tick, "row {row}");
        }
        assert!(column(&rows, "price").is_valid(0));
        assert!(column(&rows, "price").is_null(1));
        assert!(column(&rows, "ts_recv").is_null(2));
    }

    #[test]
    fn a_reader_can_skip_by_statistics() {
        let file = file_of(&[Some(TICK.as_bytes()), Some(TICK.as_bytes())]);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let group = reader.metadata().row_group(0);
        assert_eq!(group.sorting_columns().unwrap()[0].column_idx, 1);
        let Some(Statistics::Int64(offsets)) = group.column(1).statistics() else {
            panic!("no statistics of {KAFKA_OFFSET}");
        };
        assert_eq!((offsets.min_opt(), offsets.max_opt()), (Some(&40), Some(&41)));
        for column in group.columns() {
            assert!(column.statistics().is_some(), "{}", column.column_path());
        }
    }
}
