//! Ticks without a gap, at a steady rate, from several sessions by one idempotent producer.

use std::collections::VecDeque;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use quote_model::{SCHEMA_HEADER, SCHEMA_HEADER_VALUE};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use test_bed::Kafka;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::Error;

const SESSIONS: usize = 4;
const SYMBOLS_A_SESSION: u64 = 32;
const ROUND: Duration = Duration::from_millis(50);
const ROUNDS_A_SECOND: u32 = 20;

/// A run of a producer, as the ticks tell it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    /// How many ticks Kafka has acknowledged: `seq` from 0 on.
    pub(crate) ticks: u64,
}

/// Ticks that are being fed.
pub(crate) struct Feed {
    stop: CancellationToken,
    work: JoinHandle<Result<Vec<Session>, Error>>,
}

impl Feed {
    /// Begins to feed, with `rate` ticks a second.
    pub(crate) fn start(kafka: &Kafka, topic: &str, rate: u32) -> Result<Self, Error> {
        let mut config = kafka.producer_config();
        config
            .set("topic.metadata.refresh.interval.ms", "2000")
            .set("compression.type", "lz4")
            .set("linger.ms", "20");
        let producer = config.create().map_err(|source| Error::FeedClient { source })?;
        let stop = CancellationToken::new();
        let line = Line {
            producer,
            topic: topic.to_owned(),
            sessions: (0..SESSIONS)
                .map(|_| Session {
                    id: Uuid::new_v4(),
                    ticks: 0,
                })
                .collect(),
            sent: VecDeque::new(),
        };
        let work = tokio::spawn(line.feed((rate / ROUNDS_A_SECOND).max(1), stop.clone()));
        Ok(Self { stop, work })
    }

    /// Waits until the feed fails, which it should not.
    pub(crate) async fn failure(&mut self) -> Error {
        match (&mut self.work).await {
            Ok(Ok(_)) => std::future::pending().await,
            Ok(Err(error)) => error,
            Err(error) => error.into(),
        }
    }

    /// Ends the feed, once Kafka has acknowledged all.
    pub(crate) async fn finish(self) -> Result<Vec<Session>, Error> {
        self.stop.cancel();
        self.work.await?
    }
}

struct Line {
    producer: FutureProducer,
    topic: String,
    sessions: Vec<Session>,
    /// Session and `seq` of what is not acknowledged yet.
    sent: VecDeque<(Uuid, u64, DeliveryFuture)>,
}

impl Line {
    async fn feed(mut self, ticks_a_round: u32, stop: CancellationToken) -> Result<Vec<Session>, Error> {
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            rounds.tick().await;
            for number in 0..ticks_a_round as usize {
                self.send(number % SESSIONS).await?;
            }
            while let Some((_, _, delivery)) = self.sent.front_mut()
                && let Some(delivered) = delivery.now_or_never()
            {
                self.acknowledged(delivered)?;
            }
        }
        while let Some((_, _, delivery)) = self.sent.front_mut() {
            let delivered = delivery.await;
            self.acknowledged(delivered)?;
        }
        Ok(self.sessions)
    }

    async fn send(&mut self, number: usize) -> Result<(), Error> {
        let session = &mut self.sessions[number];
        let (id, seq) = (session.id, session.ticks);
        let symbol = format!("S{number}/{}", seq % SYMBOLS_A_SESSION);
        let now = Timestamp::now();
        let tick = format!(
            r#"{{"v":1,"symbol":"{symbol}","price":{}.{:05},"ts_recv":"{now}","channel":"rest_price","producer":"chaos","session":"{id}","seq":{seq}}}"#,
            100 + seq % 900,
            seq % 100_000
        );
        let mut record = FutureRecord::to(&self.topic)
            .key(&symbol)
            .payload(&tick)
            .timestamp(now.as_millisecond())
            .headers(OwnedHeaders::new().insert(Header {
                key: SCHEMA_HEADER,
                value: Some(SCHEMA_HEADER_VALUE),
            }));
        let delivery = loop {
            match self.producer.send_result(record) {
                Ok(delivery) => break delivery,
                // Kafka is away: the oldest must go first
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    tokio::time::sleep(ROUND).await;
                }
                Err((source, _)) => {
                    return Err(Error::Feed {
                        seq,
                        session: id,
                        source,
                    });
                }
            }
        };
        self.sent.push_back((id, seq, delivery));
        self.sessions[number].ticks += 1;
        Ok(())
    }

    /// Kafka has the oldest of what was sent.
    fn acknowledged(&mut self, delivered: <DeliveryFuture as Future>::Output) -> Result<(), Error> {
        let Some((session, seq, _)) = self.sent.pop_front() else {
            return Ok(());
        };
        let source = match delivered {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err((source, _))) => source,
            Err(_) => KafkaError::Canceled,
        };
        Err(Error::Feed { seq, session, source })
    }
}
