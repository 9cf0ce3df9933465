use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayAccessor, BinaryArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Schema, TimeUnit};
use bytes::Bytes;
use jiff::Timestamp;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::codec::BodyFault;
use super::line::{Envelope, Line};
use super::readable;
use super::tick::{self, Tick};

/// Rows that are decoded at a time, at most.
const BATCH_ROWS_MAX: usize = 1024;

/// What the rows that are decoded at a time take, about: each may hold a whole Kafka record.
const BATCH_BYTES: u64 = 16 * 1024 * 1024;

/// A Parquet file whose columns are the ones that the pipeline writes.
pub(crate) struct Table {
    batches: ParquetRecordBatchReader,
    uncompressed_bytes: u64,
}

/// One record.
pub(crate) struct Row<'t> {
    pub(crate) partition: Option<i32>,
    pub(crate) offset: Option<i64>,
    /// Kafka's, where the record had one.
    pub(crate) timestamp_ms: Option<i64>,
    /// What the record is, or why the row is nothing of ours.
    pub(crate) content: Result<Line<'t>, String>,
    /// The value of a tick that the columns cannot hold exactly.
    pub(crate) raw_tick: Option<&'t [u8]>,
    columns: &'t Columns<'t>,
    index: usize,
}

impl Row<'_> {
    /// The tick that the columns hold, in the schema's order. Zeros at the end of a decimal are not in them.
    pub(crate) fn tick_json(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(&self.columns.tick_json(self.index)?).map_err(|error| error.to_string())
    }
}

impl Table {
    /// Opens the file and checks its columns.
    pub(crate) fn open(file: Bytes) -> Result<Self, BodyFault> {
        let broken = |source| BodyFault::Parquet { source };
        // the types by Parquet's own schema, not as the writer's memory held them
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(broken)?;
        check_columns(builder.schema())?;
        let groups = builder.metadata().row_groups().iter();
        let uncompressed_bytes: u64 = groups
            .map(|group| group.total_byte_size().max(0).unsigned_abs())
            .sum();
        let rows = builder
            .metadata()
            .file_metadata()
            .num_rows()
            .max(1)
            .unsigned_abs();
        let bytes_a_row = (uncompressed_bytes / rows).max(1);
        let batch_rows = usize::try_from(BATCH_BYTES / bytes_a_row).unwrap_or(BATCH_ROWS_MAX);
        let builder = builder.with_batch_size(batch_rows.clamp(1, BATCH_ROWS_MAX));
        Ok(Self {
            batches: builder.build().map_err(broken)?,
            uncompressed_bytes,
        })
    }

    pub(crate) fn uncompressed_bytes(&self) -> u64 {
        self.uncompressed_bytes
    }

    /// Hands each row to `each`, in order.
    pub(crate) fn for_each<E: From<BodyFault>>(
        self,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for batch in self.batches {
            let batch = batch.map_err(|error| BodyFault::Parquet { source: error.into() })?;
            let columns = Columns::of(&batch)?;
            for index in 0..batch.num_rows() {
                each(&columns.row(index))?;
            }
        }
        Ok(())
    }
}

/// Names and types of all columns.
pub(super) fn column_types() -> [(&'static str, DataType); 25] {
    let utc = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let decimal = DataType::Decimal128(38, 18);
    [
        ("kafka_partition", DataType::Int32),
        ("kafka_offset", DataType::Int64),
        ("kafka_timestamp", utc()),
        ("symbol", DataType::Utf8),
        ("price", decimal.clone()),
        ("ts_recv", utc()),
        ("ts_recv_nanos", DataType::Int32),
        ("ts_event", utc()),
        ("ts_event_nanos", DataType::Int32),
        ("channel", DataType::Utf8),
        ("producer", DataType::Utf8),
        ("session", DataType::Utf8),
        ("seq", DataType::Int64),
        ("exchange", DataType::Utf8),
        ("mic_code", DataType::Utf8),
        ("type", DataType::Utf8),
        ("currency", DataType::Utf8),
        ("currency_base", DataType::Utf8),
        ("currency_quote", DataType::Utf8),
        ("bid", decimal.clone()),
        ("ask", decimal.clone()),
        ("day_volume", decimal),
        ("not_a_tick", DataType::Utf8),
        ("key", DataType::Binary),
        ("value", DataType::Binary),
    ]
}

fn check_columns(schema: &Schema) -> Result<(), BodyFault> {
    for (column, expected) in column_types() {
        let found = match schema.field_with_name(column) {
            Ok(field) if *field.data_type() == expected => continue,
            Ok(field) => format!("one of {}", field.data_type()),
            Err(_) => "none of that name".to_owned(),
        };
        return Err(BodyFault::Column {
            column,
            expected: expected.to_string(),
            found,
        });
    }
    Ok(())
}

/// The columns of some rows.
struct Columns<'t> {
    kafka_partition: &'t Int32Array,
    kafka_offset: &'t Int64Array,
    kafka_timestamp: &'t TimestampMicrosecondArray,
    symbol: &'t StringArray,
    price: &'t Decimal128Array,
    ts_recv: &'t TimestampMicrosecondArray,
    ts_recv_nanos: &'t Int32Array,
    ts_event: &'t TimestampMicrosecondArray,
    ts_event_nanos: &'t Int32Array,
    channel: &'t StringArray,
    producer: &'t StringArray,
    session: &'t StringArray,
    seq: &'t Int64Array,
    exchange: &'t StringArray,
    mic_code: &'t StringArray,
    instrument_type: &'t StringArray,
    currency: &'t StringArray,
    currency_base: &'t StringArray,
    currency_quote: &'t StringArray,
    bid: &'t Decimal128Array,
    ask: &'t Decimal128Array,
    day_volume: &'t Decimal128Array,
    not_a_tick: &'t StringArray,
    key: &'t BinaryArray,
    value: &'t BinaryArray,
}

impl<'t> Columns<'t> {
    fn of(batch: &'t RecordBatch) -> Result<Self, BodyFault> {
        // the types were checked when the file was opened
        let column = |column: &'static str| {
            batch.column_by_name(column).ok_or_else(|| BodyFault::Column {
                column,
                expected: "any".to_owned(),
                found: "none of that name".to_owned(),
            })
        };
        Ok(Self {
            kafka_partition: column("kafka_partition")?.as_primitive::<Int32Type>(),
            kafka_offset: column("kafka_offset")?.as_primitive::<Int64Type>(),
            kafka_timestamp: column("kafka_timestamp")?.as_primitive::<TimestampMicrosecondType>(),
            symbol: column("symbol")?.as_string(),
            price: column("price")?.as_primitive::<Decimal128Type>(),
            ts_recv: column("ts_recv")?.as_primitive::<TimestampMicrosecondType>(),
            ts_recv_nanos: column("ts_recv_nanos")?.as_primitive::<Int32Type>(),
            ts_event: column("ts_event")?.as_primitive::<TimestampMicrosecondType>(),
            ts_event_nanos: column("ts_event_nanos")?.as_primitive::<Int32Type>(),
            channel: column("channel")?.as_string(),
            producer: column("producer")?.as_string(),
            session: column("session")?.as_string(),
            seq: column("seq")?.as_primitive::<Int64Type>(),
            exchange: column("exchange")?.as_string(),
            mic_code: column("mic_code")?.as_string(),
            instrument_type: column("type")?.as_string(),
            currency: column("currency")?.as_string(),
            currency_base: column("currency_base")?.as_string(),
            currency_quote: column("currency_quote")?.as_string(),
            bid: column("bid")?.as_primitive::<Decimal128Type>(),
            ask: column("ask")?.as_primitive::<Decimal128Type>(),
            day_volume: column("day_volume")?.as_primitive::<Decimal128Type>(),
            not_a_tick: column("not_a_tick")?.as_string(),
            key: column("key")?.as_binary(),
            value: column("value")?.as_binary(),
        })
    }

    fn row(&'t self, index: usize) -> Row<'t> {
        let is_tick = self.not_a_tick.is_null(index);
        let raw_tick = at(self.value, index).filter(|_| is_tick);
        Row {
            partition: at(self.kafka_partition, index),
            offset: at(self.kafka_offset, index),
            timestamp_ms: self.timestamp_ms(index),
            content: match raw_tick {
                _ if !is_tick => self.envelope(index).map(Line::Envelope),
                Some(value) => self.raw_tick(index, value).map(Line::Tick),
                None => self.tick(index).map(Line::Tick),
            },
            raw_tick,
            columns: self,
            index,
        }
    }

    /// Kafka counts milliseconds.
    fn timestamp_ms(&self, index: usize) -> Option<i64> {
        at(self.kafka_timestamp, index).map(|microseconds| microseconds.div_euclid(1000))
    }

    fn seq(&self, index: usize) -> Result<u64, String> {
        let seq = given("seq", at(self.seq, index))?;
        u64::try_from(seq).map_err(|_| format!("its seq is {seq}"))
    }

    fn envelope(&self, index: usize) -> Result<Envelope, String> {
        if at(self.not_a_tick, index).is_none_or(str::is_empty) {
            return Err("it is no tick, and gives no reason".to_owned());
        }
        let partition = at(self.kafka_partition, index).and_then(|it| u32::try_from(it).ok());
        let offset = at(self.kafka_offset, index).and_then(|it| u64::try_from(it).ok());
        Ok(Envelope {
            partition: partition.ok_or("it has no partition")?,
            offset: offset.ok_or("it has no offset")?,
            timestamp_ms: self.timestamp_ms(index),
            key: at(self.key, index).map(<[u8]>::to_vec),
            value: at(self.value, index).map(<[u8]>::to_vec),
        })
    }

    /// The tick that the columns cannot hold exactly; who asks by session and `seq` must find it all the same.
    fn raw_tick(&self, index: usize, value: &'t [u8]) -> Result<Tick<'t>, String> {
        let tick = readable::check(value)
            .and_then(Tick::parse)
            .map_err(|error| format!("its value is not a tick: {error}"))?;
        let session = tick.session.to_string();
        for (column, says, is) in [
            ("symbol", at(self.symbol, index), &*tick.symbol),
            ("producer", at(self.producer, index), &*tick.producer),
            ("session", at(self.session, index), session.as_str()),
        ] {
            if says != Some(is) {
                let says = says.unwrap_or("nothing");
                return Err(format!("its column {column} says {says}, its value {is}"));
            }
        }
        match self.seq(index) {
            Ok(seq) if seq == tick.seq => Ok(tick),
            Ok(seq) => Err(format!("its column seq says {seq}, its value {}", tick.seq)),
            Err(reason) => Err(reason),
        }
    }

    fn tick(&self, index: usize) -> Result<Tick<'t>, String> {
        let symbol = given("symbol", at(self.symbol, index))?;
        tick::symbol(symbol)?;
        tick::channel(given("channel", at(self.channel, index))?)?;
        given("price", at(self.price, index))?;
        time("ts_event", self.ts_event, self.ts_event_nanos, index)?;
        Ok(Tick {
            symbol: symbol.into(),
            ts_recv: given(
                "ts_recv",
                time("ts_recv", self.ts_recv, self.ts_recv_nanos, index)?,
            )?,
            producer: given("producer", at(self.producer, index))?.into(),
            session: tick::session(given("session", at(self.session, index))?)?,
            seq: self.seq(index)?,
        })
    }

    fn tick_json(&self, index: usize) -> Result<TickJson<'t>, String> {
        Ok(TickJson {
            v: 1,
            symbol: given("symbol", at(self.symbol, index))?,
            price: given("price", number(self.price, index)?)?,
            ts_recv: given(
                "ts_recv",
                time("ts_recv", self.ts_recv, self.ts_recv_nanos, index)?,
            )?,
            ts_event: time("ts_event", self.ts_event, self.ts_event_nanos, index)?,
            channel: given("channel", at(self.channel, index))?,
            producer: given("producer", at(self.producer, index))?,
            session: given("session", at(self.session, index))?,
            seq: self.seq(index)?,
            exchange: at(self.exchange, index),
            mic_code: at(self.mic_code, index),
            r#type: at(self.instrument_type, index),
            currency: at(self.currency, index),
            currency_base: at(self.currency_base, index),
            currency_quote: at(self.currency_quote, index),
            bid: number(self.bid, index)?,
            ask: number(self.ask, index)?,
            day_volume: number(self.day_volume, index)?,
        })
    }
}

#[derive(Serialize)]
struct TickJson<'t> {
    v: u8,
    symbol: &'t str,
    price: Box<RawValue>,
    ts_recv: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts_event: Option<Timestamp>,
    channel: &'t str,
    producer: &'t str,
    session: &'t str,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mic_code: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_base: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_quote: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bid: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day_volume: Option<Box<RawValue>>,
}

fn at<A: ArrayAccessor + Copy>(column: A, index: usize) -> Option<A::Item> {
    column.is_valid(index).then(|| column.value(index))
}

fn given<T>(column: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("it is a tick without {column}"))
}

/// The digits without the zeros with which the column fills each number up.
fn number(column: &Decimal128Array, index: usize) -> Result<Option<Box<RawValue>>, String> {
    if column.is_null(index) {
        return Ok(None);
    }
    let digits = column.value_as_string(index);
    let digits = digits.trim_end_matches('0').trim_end_matches('.').to_owned();
    let number = RawValue::from_string(digits).map_err(|error| error.to_string())?;
    Ok(Some(number))
}

/// A time in its two columns, where it has one.
fn time(
    column: &str,
    microseconds: &TimestampMicrosecondArray,
    nanos: &Int32Array,
    index: usize,
) -> Result<Option<Timestamp>, String> {
    let (microseconds, nanos) = match (at(microseconds, index), at(nanos, index)) {
        (None, None) => return Ok(None),
        (Some(microseconds), Some(nanos)) if (0..1000).contains(&nanos) => (microseconds, nanos),
        (_, nanos) => {
            return Err(format!(
                "its {column}_nanos is {nanos:?}, expected 0 to 999 with each {column}"
            ));
        }
    };
    let nanoseconds = i128::from(microseconds) * 1000 + i128::from(nanos);
    let moment = Timestamp::from_nanosecond(nanoseconds).map_err(|error| error.to_string())?;
    if tick::in_range(moment) {
        Ok(Some(moment))
    } else {
        Err(format!(
            "its {column} is {moment}, expected one between 1970 and 2261"
        ))
    }
}
