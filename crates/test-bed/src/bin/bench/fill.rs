use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use quote_model::{SCHEMA_HEADER, SCHEMA_HEADER_VALUE};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use test_bed::Screen;
use uuid::Uuid;

use crate::args::Load;
use crate::error::Error;
use crate::market::{Market, Record, Session};

/// The ticks are of this much of one hour, so that no object ends early because an hour does.
const SPAN: Duration = Duration::from_mins(50);
const FLUSH_TIMEOUT: Duration = Duration::from_mins(1);
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(50);
const TICKS_A_LOOK: u64 = 10_000;

/// As the producer's, but with room for a stream that never waits for a vendor.
const SETTINGS: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("compression.type", "zstd"),
    ("linger.ms", "50"),
    ("queue.buffering.max.messages", "500000"),
    ("queue.buffering.max.kbytes", "524288"),
    ("delivery.report.only.error", "true"),
];

/// Where the ticks go.
pub(crate) struct Destination {
    pub(crate) brokers: String,
    pub(crate) topic: &'static str,
    pub(crate) partitions: u16,
}

/// Writes ticks of the last full hour before `now`, and gives their bytes. Blocks.
pub(crate) fn fill(to: &Destination, load: Load, now: Timestamp, screen: &Screen) -> Result<u64, Error> {
    let producer: BaseProducer = SETTINGS
        .iter()
        .fold(ClientConfig::new(), |mut config, (key, value)| {
            config.set(*key, *value);
            config
        })
        .set("bootstrap.servers", &to.brokers)
        .create()
        .map_err(failed("make a producer"))?;
    let interval_ns = SPAN.as_nanos() / u128::from(load.ticks);
    let mut market = Market::open(Session {
        id: Uuid::now_v7(),
        partitions: to.partitions,
        begin: last_full_hour(now),
        interval_ns: u32::try_from(interval_ns).unwrap_or(u32::MAX).max(1),
    });
    let schema = OwnedHeaders::new().insert(Header {
        key: SCHEMA_HEADER,
        value: Some(SCHEMA_HEADER_VALUE),
    });
    let mut bytes = 0;
    for count in 0..load.ticks {
        let record = market.next()?;
        bytes += record.value.len() as u64;
        send(&producer, to.topic, &record, &schema)?;
        if count.is_multiple_of(TICKS_A_LOOK) {
            producer.poll(Duration::ZERO);
            screen.progress(format!("{count} ticks written"));
        }
    }
    producer
        .flush(FLUSH_TIMEOUT)
        .map_err(failed("write the last ticks"))?;
    Ok(bytes)
}

fn send(producer: &BaseProducer, topic: &str, record: &Record, schema: &OwnedHeaders) -> Result<(), Error> {
    let mut unsent = BaseRecord::to(topic)
        .partition(record.partition.into())
        .key(record.key)
        .payload(&record.value)
        .timestamp(record.timestamp_ms)
        .headers(schema.clone());
    loop {
        match producer.send(unsent) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                producer.poll(QUEUE_FULL_WAIT);
                unsent = again;
            }
            Err((error, _)) => return Err(failed("write a tick")(error)),
        }
    }
}

fn last_full_hour(now: Timestamp) -> Timestamp {
    let into_hour = now.as_second().rem_euclid(3600);
    now - 1.hour() - into_hour.seconds() - now.subsec_nanosecond().nanoseconds()
}

fn failed(action: &'static str) -> impl Fn(KafkaError) -> Error {
    move |source| Error::Kafka { action, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ticks_are_of_one_hour_that_is_over() {
        for now in ["2026-11-23T14:00:00Z", "2026-11-23T14:59:59.999999999Z"] {
            let begin = last_full_hour(now.parse().unwrap());
            assert_eq!(begin, "2026-11-23T13:00:00Z".parse().unwrap());
        }
    }
}
