use pipeline_runtime::exit::{ExitStatus, print_summary, with_causes};
use pipeline_runtime::{metrics, shutdown, systemd};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use uuid::Uuid;

use crate::accept::Session;
use crate::args::Config;
use crate::clock::Clock;
use crate::publish::{Balance, Publisher};
use crate::source::{Counts, Feed};
use crate::{Error, bucket};

/// Polls until the samples are done, a signal comes or an error ends it; then waits until Kafka has all ticks
/// and prints what was done.
///
/// # Errors
///
/// Each variant of [`Error`] says what was wrong and what to do. Of the ticks accepted, [`Error::NotInKafka`]
/// counts those that Kafka did not acknowledge.
pub async fn run(config: Config) -> Result<ExitStatus, Error> {
    let shutdown = shutdown::on_signals()?;
    metrics::serve(&config.metrics)?;
    let mut session = Session::begin(config.instance.clone(), Uuid::now_v7());
    let drain_timeout = config.drain_timeout;
    let prepared = tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        prepared = Box::pin(prepare(config)) => Some(prepared?),
    };
    let Some((mut feed, mut publisher)) = prepared else {
        info!("stopped before the first poll");
        return Ok(ExitStatus::Done);
    };
    if feed.is_done() {
        info!(
            "an earlier run brought all samples, as the state directory says; name others, or leave `--state-dir` out, \
             to have more"
        );
        systemd::ready();
        return Ok(ExitStatus::Done);
    }
    info!(session = %session.id(), topic = %publisher.topic(), "polling begins");

    let polled = Box::pin(poll(&mut feed, &mut session, &mut publisher, &shutdown)).await;

    systemd::stopping();
    let topic = publisher.topic().to_string();
    let balance = publisher.drain(drain_timeout).await;
    if balance.open == 0 {
        feed.close();
    }
    Summary::new(&session, feed.counts(), &balance).print();
    let delivered = all_in_kafka(balance, &session, topic);
    match (polled, delivered) {
        (Ok(()), Ok(())) => Ok(ExitStatus::Done),
        (Err(failure), Ok(())) | (Ok(()), Err(failure)) => Err(failure),
        (Err(failure), Err(undelivered)) => {
            error!("{}", with_causes(&undelivered));
            Err(failure)
        }
    }
}

/// All that must be right before the first poll.
async fn prepare(config: Config) -> Result<(Feed, Publisher), Error> {
    if let Some(name) = &config.bucket {
        bucket::ensure(name, &config.s3).await?;
    }
    let publisher = Publisher::connect(
        &config.kafka,
        config.instance.as_str(),
        config.queue_max_bytes,
        config.feed.orders.give_up_after,
    )
    .await?;
    let feed = Feed::open(config.feed, Clock::start())?;
    Ok((feed, publisher))
}

/// From Twelve Data to Kafka, reply by reply.
async fn poll(
    feed: &mut Feed,
    session: &mut Session,
    publisher: &mut Publisher,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let refused = publisher.refused();
    loop {
        if publisher.balance().open == 0 {
            feed.all_in_kafka();
        }
        let next = async {
            publisher.hand_over().await;
            feed.next().await
        };
        let quotes = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            // the balance says what Kafka refused
            () = refused.cancelled() => return Ok(()),
            next = next => match next? {
                Some(quotes) => quotes,
                None => return Ok(()),
            },
        };
        for (symbol, quote) in quotes.by_symbol {
            let tick = session.accept(symbol, quote, quotes.channel, quotes.ts_recv);
            publisher.take(&tick)?;
        }
        let balance = publisher.balance();
        systemd::alive();
        systemd::status(&status(feed, &balance));
    }
}

fn status(feed: &Feed, balance: &Balance) -> String {
    format!(
        "{}; {} ticks, {} in Kafka",
        feed.status(),
        balance.accepted,
        balance.in_kafka()
    )
}

fn all_in_kafka(balance: Balance, session: &Session, topic: String) -> Result<(), Error> {
    match balance.open_seqs {
        None => Ok(()),
        Some((first, last)) => Err(Error::NotInKafka {
            count: balance.open,
            accepted: balance.accepted,
            first,
            last,
            session: session.id(),
            topic,
            source: balance.refusal.and_then(|error| error.rdkafka_error_code()),
        }),
    }
}

/// The result of a run, one line of JSON on stdout.
#[derive(Debug, Serialize)]
struct Summary {
    session: Uuid,
    #[serde(flatten)]
    counts: Counts,
    ticks: u64,
    in_kafka: u64,
}

impl Summary {
    fn new(session: &Session, counts: Counts, balance: &Balance) -> Self {
        Self {
            session: session.id(),
            counts,
            ticks: balance.accepted,
            in_kafka: balance.in_kafka(),
        }
    }

    fn print(&self) {
        info!("accepted {}, in Kafka {}", self.ticks, self.in_kafka);
        print_summary(self);
    }
}
