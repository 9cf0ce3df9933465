//! Ticks as rows with their own types.

use std::mem::size_of;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    BinaryBuilder, Decimal128Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder,
    TimestampNanosecondBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use jiff::Timestamp;
use quote_model::{Channel, Decimal, Tick};
use uuid::Uuid;

use super::{Content, Record};

/// Column of the record's offset, by which the rows are sorted.
pub(super) const KAFKA_OFFSET: &str = "kafka_offset";
/// Columns that rise from row to row, or nearly: stored as differences.
pub(super) const RISING: &[&str] = &[KAFKA_OFFSET, "kafka_timestamp", "ts_recv", "ts_event", "seq"];

/// Digits of a decimal, and those behind the point: any price or volume that the vendor sends.
const PRECISION: u8 = 38;
const SCALE: i8 = 18;
/// 10 to the power of [`PRECISION`]; a decimal's digits are fewer.
const UNSCALED_LIMIT: u128 = 10_u128.pow(PRECISION as u32);
/// What a row takes before it is encoded, roughly.
const ROW_BYTES: usize = 512;

/// The columns, in their order. Absent facts are null; of a record that is no tick, or that the columns cannot hold
/// exactly, `value` has the bytes.
#[must_use]
pub(super) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let time = |unit| DataType::Timestamp(unit, Some("UTC".into()));
        let decimal = DataType::Decimal128(PRECISION, SCALE);
        Arc::new(Schema::new(vec![
            Field::new("kafka_partition", DataType::Int32, false),
            Field::new(KAFKA_OFFSET, DataType::Int64, false),
            Field::new("kafka_timestamp", time(TimeUnit::Millisecond), true),
            Field::new("symbol", DataType::Utf8, true),
            Field::new("price", decimal.clone(), true),
            Field::new("ts_recv", time(TimeUnit::Nanosecond), true),
            Field::new("ts_event", time(TimeUnit::Nanosecond), true),
            Field::new("channel", DataType::Utf8, true),
            Field::new("producer", DataType::Utf8, true),
            Field::new("session", DataType::Utf8, true),
            Field::new("seq", DataType::UInt64, true),
            Field::new("exchange", DataType::Utf8, true),
            Field::new("mic_code", DataType::Utf8, true),
            Field::new("type", DataType::Utf8, true),
            Field::new("currency", DataType::Utf8, true),
            Field::new("currency_base", DataType::Utf8, true),
            Field::new("currency_quote", DataType::Utf8, true),
            Field::new("bid", decimal.clone(), true),
            Field::new("ask", decimal.clone(), true),
            Field::new("day_volume", decimal, true),
            Field::new("not_a_tick", DataType::Utf8, true),
            Field::new("key", DataType::Binary, true),
            Field::new("value", DataType::Binary, true),
        ]))
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
    kafka_timestamp: TimestampMillisecondBuilder,
    symbol: StringBuilder,
    price: Decimal128Builder,
    ts_recv: TimestampNanosecondBuilder,
    ts_event: TimestampNanosecondBuilder,
    channel: StringBuilder,
    producer: StringBuilder,
    session: StringBuilder,
    seq: UInt64Builder,
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
        self.kafka_timestamp.append_option(record.timestamp_ms);
        let is_held = match content {
            Content::Tick { tick, is_whole } => {
                self.not_a_tick.append_null();
                self.key.append_null();
                self.push_tick(tick) && *is_whole
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

    /// Whether the columns hold the tick exactly.
    fn push_tick(&mut self, tick: &Tick<'_>) -> bool {
        self.symbol.append_value(tick.symbol.as_str());
        self.channel.append_value(match tick.channel {
            Channel::Websocket => "websocket",
            Channel::RestPrice => "rest_price",
            Channel::RestQuote => "rest_quote",
        });
        self.producer.append_value(tick.producer.as_str());
        self.session
            .append_value(tick.session.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        self.seq.append_value(tick.seq);
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
        let mut is_held = true;
        for (column, decimal) in [
            (&mut self.price, Some(&tick.price)),
            (&mut self.bid, tick.bid.as_ref()),
            (&mut self.ask, tick.ask.as_ref()),
            (&mut self.day_volume, tick.day_volume.as_ref()),
        ] {
            let unscaled = decimal.and_then(unscaled);
            is_held &= unscaled.is_some() == decimal.is_some();
            column.append_option(unscaled);
        }
        for (column, time) in [
            (&mut self.ts_recv, Some(tick.ts_recv)),
            (&mut self.ts_event, tick.ts_event),
        ] {
            let nanoseconds = time.and_then(nanoseconds);
            is_held &= nanoseconds.is_some() == time.is_some();
            column.append_option(nanoseconds);
        }
        is_held
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
        self.ts_recv.append_null();
        self.ts_event.append_null();
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
        let nanoseconds = |mut column: TimestampNanosecondBuilder| -> ArrayRef {
            Arc::new(column.finish().with_timezone("UTC"))
        };
        let strings = |mut column: StringBuilder| -> ArrayRef { Arc::new(column.finish()) };
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(rows.kafka_partition.finish()),
                Arc::new(rows.kafka_offset.finish()),
                Arc::new(rows.kafka_timestamp.finish().with_timezone("UTC")),
                strings(rows.symbol),
                decimals(rows.price)?,
                nanoseconds(rows.ts_recv),
                nanoseconds(rows.ts_event),
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

/// The decimal times 10 to the power of [`SCALE`], if that is a whole number of at most [`PRECISION`] digits.
fn unscaled(decimal: &Decimal<'_>) -> Option<i128> {
    let text = decimal.as_str();
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let digits = rust_decimal::Decimal::from_str_exact(digits).ok()?;
    let shift = i32::from(SCALE)
        .checked_sub(i32::try_from(digits.scale()).ok()?)?
        .checked_add(exponent)?;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    let unscaled = if shift >= 0 {
        digits.mantissa().checked_mul(power)?
    } else {
        (digits.mantissa() % power == 0).then(|| digits.mantissa() / power)?
    };
    (unscaled.unsigned_abs() < UNSCALED_LIMIT).then_some(unscaled)
}

fn nanoseconds(time: Timestamp) -> Option<i64> {
    i64::try_from(time.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_that_fits_keeps_its_value() {
        let unscaled = |text| unscaled(&Decimal::parse(text).unwrap());
        let one = 10_i128.pow(18);
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("1", one),
            ("231.40000", 231_400_000_000_000_000_000),
            ("-37.63", -37_630_000_000_000_000_000),
            ("0.000000000000000001", 1),
            ("0.0000000000000000010", 1),
            ("1e-5", 10_i128.pow(13)),
            ("1.5E3", 1500 * one),
            ("120e-2", one * 12 / 10),
            ("12345678901234567890", 12_345_678_901_234_567_890 * one),
        ] {
            assert_eq!(unscaled(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_decimal_that_does_not_fit_is_not_rounded() {
        for text in [
            "0.0000000000000000001",
            "123456789012345678901",
            "1e30",
            "1e-30",
            "1e99999999999",
            "1e-99999999999",
            "1.00000000000000000000000000000000001",
        ] {
            assert_eq!(unscaled(&Decimal::parse(text).unwrap()), None, "{text}");
        }
    }
}
