//! Ticks as rows with their own types.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    BinaryBuilder, Decimal128Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use jiff::Timestamp;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use quote_model::{Channel, Decimal, Tick};
use uuid::Uuid;

use super::{Content, Record};

/// Column of the record's offset, by which the rows are sorted.
pub(super) const KAFKA_OFFSET: &str = "kafka_offset";
/// Columns that rise from row to row, or nearly: stored as differences.
pub(super) const RISING: &[&str] = &[KAFKA_OFFSET, "kafka_timestamp", "ts_recv", "ts_event", "seq"];

/// Digits of a decimal, and those behind the point: what a tick's decimals fit.
const PRECISION: u8 = 38;
const SCALE: i8 = 18;
/// What a row takes before it is encoded, roughly.
const ROW_BYTES: usize = 512;

/// The columns, in their order: only types that every engine has, so times are in microseconds, with what is left of the
/// nanosecond beside them, and integers have a sign. Absent facts are null; `value` has the bytes of a record that is no
/// tick, and of a tick with fields that no column is for.
#[must_use]
pub(super) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let decimal = DataType::Decimal128(PRECISION, SCALE);
        let columns = [
            ("kafka_partition", DataType::Int32),
            (KAFKA_OFFSET, DataType::Int64),
            ("kafka_timestamp", time.clone()),
            ("symbol", DataType::Utf8),
            ("price", decimal.clone()),
            ("ts_recv", time.clone()),
            ("ts_recv_nanos", DataType::Int32),
            ("ts_event", time),
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
        ];
        // a table format knows a column by its id, which stays when columns are added
        let fields = (1..).zip(columns).map(|(id, (name, data_type)): (i32, _)| {
            let is_nullable = !matches!(name, "kafka_partition" | KAFKA_OFFSET);
            let id = (PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string());
            Field::new(name, data_type, is_nullable).with_metadata(HashMap::from([id]))
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

/// Rows that are being collected, column by column.
#[derive(Default)]
pub(super) struct Rows {
    count: usize,
    raw_bytes: usize,
    kafka_partition: Int32Builder,
    kafka_offset: Int64Builder,
    kafka_timestamp: TimestampMicrosecondBuilder,
    symbol: StringBuilder,
    price: Decimal128Builder,
    ts_recv: TimeBuilder,
    ts_event: TimeBuilder,
    channel: StringBuilder,
    producer: StringBuilder,
    session: StringBuilder,
    seq: Int64Builder,
    exchange: StringBuilder,
    mic_code: StringBuilder,
    instrument_type: StringBuilder,
    currency: StringBuilder,
    currency_base: StringBuilder,
    currency_quote: StringBuilder,
    bid: Decimal128Builder,
    ask: Decimal128Builder,
    day_volume: Decimal128Builder,
    not_a_tick: StringBuilder,
    key: BinaryBuilder,
    value: BinaryBuilder,
}

impl Rows {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Bytes of memory taken, roughly.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.count * ROW_BYTES + self.raw_bytes
    }

    pub(super) fn push(&mut self, record: &Record<'_>, content: &Content<'_>) {
        self.count += 1;
        self.kafka_partition.append_value(record.partition);
        self.kafka_offset.append_value(record.offset);
        self.kafka_timestamp
            .append_option(record.timestamp_ms.and_then(|ms| ms.checked_mul(1000)));
        let is_held = match content {
            Content::Tick { tick, is_whole } => {
                self.not_a_tick.append_null();
                self.key.append_null();
                self.push_tick(tick);
                *is_whole
            }
            Content::NotATick { reason } => {
                self.push_no_tick();
                self.not_a_tick.append_value(reason);
                self.key.append_option(record.key);
                false
            }
        };
        let raw = record.value.filter(|_| !is_held);
        self.raw_bytes += raw.map_or(0, <[u8]>::len);
        self.value.append_option(raw);
    }

    fn push_tick(&mut self, tick: &Tick<'_>) {
        self.symbol.append_value(tick.symbol.as_str());
        self.channel.append_value(match tick.channel {
            Channel::Websocket => "websocket",
            Channel::RestPrice => "rest_price",
            Channel::RestQuote => "rest_quote",
        });
        self.producer.append_value(tick.producer.as_str());
        self.session
            .append_value(tick.session.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        // a tick's is never more
        self.seq.append_option(i64::try_from(tick.seq).ok());
        for (column, text) in [
            (&mut self.exchange, &tick.exchange),
            (&mut self.mic_code, &tick.mic_code),
            (&mut self.instrument_type, &tick.instrument_type),
            (&mut self.currency, &tick.currency),
            (&mut self.currency_base, &tick.currency_base),
            (&mut self.currency_quote, &tick.currency_quote),
        ] {
            column.append_option(text.as_ref().map(quote_model::Text::as_str));
        }
        for (column, decimal) in [
            (&mut self.price, Some(&tick.price)),
            (&mut self.bid, tick.bid.as_ref()),
            (&mut self.ask, tick.ask.as_ref()),
            (&mut self.day_volume, tick.day_volume.as_ref()),
        ] {
            column.append_option(decimal.map(Decimal::unscaled));
        }
        self.ts_recv.append(Some(tick.ts_recv));
        self.ts_event.append(tick.ts_event);
    }

    fn push_no_tick(&mut self) {
        for column in [
            &mut self.symbol,
            &mut self.channel,
            &mut self.producer,
            &mut self.session,
            &mut self.exchange,
            &mut self.mic_code,
            &mut self.instrument_type,
            &mut self.currency,
            &mut self.currency_base,
            &mut self.currency_quote,
        ] {
            column.append_null();
        }
        for column in [
            &mut self.price,
            &mut self.bid,
            &mut self.ask,
            &mut self.day_volume,
        ] {
            column.append_null();
        }
        self.ts_recv.append(None);
        self.ts_event.append(None);
        self.seq.append_null();
    }

    /// The rows, and none are left.
    ///
    /// # Errors
    ///
    /// If the columns do not fit the schema; nothing in the rows can cause that.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut rows = std::mem::take(self);
        let decimals = |mut column: Decimal128Builder| -> Result<ArrayRef, ArrowError> {
            let array = column.finish().with_precision_and_scale(PRECISION, SCALE)?;
            Ok(Arc::new(array))
        };
        let times = |mut column: TimestampMicrosecondBuilder| -> ArrayRef {
            Arc::new(column.finish().with_timezone("UTC"))
        };
        let integers = |mut column: Int32Builder| -> ArrayRef { Arc::new(column.finish()) };
        let strings = |mut column: StringBuilder| -> ArrayRef { Arc::new(column.finish()) };
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(rows.kafka_partition.finish()),
                Arc::new(rows.kafka_offset.finish()),
                times(rows.kafka_timestamp),
                strings(rows.symbol),
                decimals(rows.price)?,
                times(rows.ts_recv.microseconds),
                integers(rows.ts_recv.nanos),
                times(rows.ts_event.microseconds),
                integers(rows.ts_event.nanos),
                strings(rows.channel),
                strings(rows.producer),
                strings(rows.session),
                Arc::new(rows.seq.finish()),
                strings(rows.exchange),
                strings(rows.mic_code),
                strings(rows.instrument_type),
                strings(rows.currency),
                strings(rows.currency_base),
                strings(rows.currency_quote),
                decimals(rows.bid)?,
                decimals(rows.ask)?,
                decimals(rows.day_volume)?,
                strings(rows.not_a_tick),
                Arc::new(rows.key.finish()),
                Arc::new(rows.value.finish()),
            ],
        )
    }
}

/// Times, in two columns.
#[derive(Default)]
struct TimeBuilder {
    microseconds: TimestampMicrosecondBuilder,
    /// What is left, 0 to 999.
    nanos: Int32Builder,
}

impl TimeBuilder {
    /// Adds a tick's time, which is not before 1970.
    fn append(&mut self, time: Option<Timestamp>) {
        self.microseconds
            .append_option(time.map(Timestamp::as_microsecond));
        self.nanos
            .append_option(time.map(|time| time.subsec_nanosecond() % 1000));
    }
}
