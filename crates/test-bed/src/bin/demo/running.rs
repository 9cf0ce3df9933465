use std::time::Duration;

use test_bed::{Kafka, Process, S3};
use tokio::time::Instant;

use crate::error::Error;
use crate::feed::Feed;

const DRAIN_TIMEOUT: Duration = Duration::from_mins(1);
/// Nothing new for this long is a failure.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// What the producer logs of a symbol that Twelve Data does not know.
const NO_QUOTE: &str = "no quote: ";

/// What runs at the moment.
#[derive(Default)]
pub(crate) struct Running {
    pub(crate) feed: Option<Feed>,
    pub(crate) producer: Option<Process>,
    pub(crate) consumer: Option<Process>,
    pub(crate) kafka: Option<Kafka>,
    pub(crate) s3: Option<S3>,
}

impl Running {
    /// Stops all, in the order of the data's way, and gives the first error.
    pub(crate) async fn stop(&mut self) -> Result<(), Error> {
        let producer = drain(&mut self.producer).await;
        let consumer = drain(&mut self.consumer).await;
        let feed = match self.feed.take() {
            Some(feed) => feed.stop().await,
            None => Ok(()),
        };
        let (kafka, s3) = (self.kafka.take(), self.s3.take());
        let stop_kafka = async {
            match kafka {
                Some(mut kafka) => kafka.stop_node(0).await,
                None => Ok(()),
            }
        };
        let stop_s3 = async {
            match &s3 {
                Some(s3) => s3.stop().await,
                None => Ok(()),
            }
        };
        let (kafka, s3) = tokio::join!(stop_kafka, stop_s3);
        producer.and(consumer).and(feed)?;
        Ok(kafka.and(s3)?)
    }
}

/// Stops a program as systemd does: it finishes what it took, and says by its status whether it could.
pub(crate) async fn drain(process: &mut Option<Process>) -> Result<(), Error> {
    let Some(process) = process.take() else {
        return Ok(());
    };
    process.terminate();
    Ok(process.success(DRAIN_TIMEOUT).await?)
}

/// Waits for progress of the two programs, and sees when there will be none.
pub(crate) struct Watch<'a> {
    producer: Option<&'a Process>,
    consumer: &'a Process,
    seen: usize,
    since: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(producer: Option<&'a Process>, consumer: &'a Process) -> Self {
        Self {
            producer,
            consumer,
            seen: 0,
            since: Instant::now(),
        }
    }

    /// Waits a little, as `count` is not enough yet.
    ///
    /// # Errors
    ///
    /// If a program failed, a symbol is not known, or `count` has not grown for long.
    pub(crate) async fn look_again(&mut self, count: usize) -> Result<(), Error> {
        if let Some(failure) = self.producer.and_then(Process::failure) {
            return Err(failure.into());
        }
        if let Some(status) = self.consumer.ended() {
            return Err(self.consumer.failed(status).into());
        }
        let log = self.producer.map(Process::log).unwrap_or_default();
        if let Some(line) = log.lines().find(|line| line.contains(NO_QUOTE)) {
            return Err(Error::NoQuote {
                line: line.to_owned(),
            });
        }
        if count > self.seen {
            self.seen = count;
            self.since = Instant::now();
        } else if self.since.elapsed() > STALL_TIMEOUT {
            return Err(Error::Stalled {
                within: STALL_TIMEOUT,
                logs: log + &self.consumer.log(),
            });
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
        Ok(())
    }
}
