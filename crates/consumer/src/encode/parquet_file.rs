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
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
    use arrow_schema::DataType;
    use bytes::Bytes;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::statistics::Statistics;

    use super::*;
    use crate::encode::rows::Rows;
    use crate::encode::{Encoding as RunEncoding, Record};

    /// Rows of each kind, as readers of version 1 must read them. Never edited.
    const GOLDEN: &[u8] = include_bytes!("../../../quote-model/tests/golden/v1.parquet");

    const MORE: &str = concat!(
        r#"{"v":1,"x":2,"symbol":"SHIB","price":-12345678901234567890.123456789012345678,"#,
        r#""ts_recv":"2026-11-23T14:00:00.000001001Z","ts_event":"2261-12-31T23:59:59.999999999Z","#,
        r#""channel":"websocket","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":1}"#
    );
    const RECORDS: [Option<&[u8]>; 7] = [
        Some(include_bytes!(
            "../../../quote-model/tests/golden/v1-rest-price.json"
        )),
        Some(include_bytes!(
            "../../../quote-model/tests/golden/v1-rest-quote.json"
        )),
        Some(include_bytes!(
            "../../../quote-model/tests/golden/v1-websocket.json"
        )),
        Some(MORE.as_bytes()),
        Some(b"\xff\x00"),
        Some(b""),
        None,
    ];

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

    fn column<'a>(rows: &'a RecordBatch, name: &str) -> &'a dyn Array {
        rows.column_by_name(name).unwrap()
    }

    fn columns_of(file: Bytes) -> Vec<String> {
        let file = SerializedFileReader::new(file).unwrap();
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        schema
            .columns()
            .iter()
            .map(|column| format!("{:?}", column.self_type()))
            .collect()
    }

    fn shown(column: &dyn Array, row: usize) -> String {
        match column.data_type() {
            DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
            DataType::Timestamp(..) => {
                let microseconds = column.as_primitive::<TimestampMicrosecondType>().value(row);
                jiff::Timestamp::from_microsecond(microseconds)
                    .unwrap()
                    .to_string()
            }
            _ => column.as_string::<i32>().value(row).to_owned(),
        }
    }

    #[test]
    fn records_become_the_golden_files_rows() {
        let file = file_of(&RECORDS);
        assert_eq!(columns_of(file.clone()), columns_of(Bytes::from_static(GOLDEN)));
        assert_eq!(read(file), read(Bytes::from_static(GOLDEN)));
    }

    #[test]
    fn only_types_that_every_engine_has_are_used_and_each_column_has_an_id() {
        let file = SerializedFileReader::new(file_of(&RECORDS)).unwrap();
        let root = file.metadata().file_metadata().schema_descr().root_schema_ptr();
        for (id, column) in (1..).zip(root.get_fields()) {
            let info = column.get_basic_info();
            assert_eq!(info.has_id().then(|| info.id()), Some(id), "{column:?}");
            let logical = format!("{:?}", info.logical_type_ref());
            for absent in ["unit: Nanos", "NANOS", "is_signed: false"] {
                assert!(!logical.contains(absent), "{logical}");
            }
        }
    }

    #[test]
    fn a_tick_is_a_row_and_what_no_column_is_for_keeps_its_bytes() {
        let rows = read(file_of(&RECORDS));
        assert_eq!(rows.schema(), schema());
        let shown = |name, row| shown(column(&rows, name), row);
        for (name, row, expected) in [
            ("price", 0, "231.400000000000000000"),
            ("ts_recv", 0, "2026-11-23T14:00:00.123456Z"),
            ("ts_recv_nanos", 0, "789"),
            ("ts_event", 2, "2022-05-21T07:09:48Z"),
            ("ts_event_nanos", 2, "0"),
            ("seq", 2, "9223372036854775807"),
            ("price", 3, "-12345678901234567890.123456789012345678"),
            ("ts_recv_nanos", 3, "1"),
            ("ts_event", 3, "2261-12-31T23:59:59.999999Z"),
            ("ts_event_nanos", 3, "999"),
            ("kafka_timestamp", 0, "2026-11-23T14:00:00.123Z"),
            ("kafka_offset", 0, "40"),
            ("session", 0, "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10"),
            ("currency", 1, "USD"),
        ] {
            assert_eq!(shown(name, row), expected, "{name} of row {row}");
        }
        let kept = column(&rows, "value").as_binary::<i32>();
        for (row, value) in RECORDS.iter().enumerate() {
            let expected = value.filter(|_| row > 2);
            assert_eq!(kept.iter().nth(row).unwrap(), expected, "row {row}");
            let is_tick = row < 4;
            assert_eq!(column(&rows, "not_a_tick").is_null(row), is_tick, "row {row}");
            assert_eq!(column(&rows, "key").is_null(row), is_tick, "row {row}");
            for name in ["symbol", "price", "ts_recv", "ts_recv_nanos", "seq"] {
                assert_eq!(column(&rows, name).is_valid(row), is_tick, "{name} of row {row}");
            }
        }
    }

    #[test]
    fn a_reader_can_skip_by_statistics() {
        let file = file_of(&RECORDS[..2]);
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
