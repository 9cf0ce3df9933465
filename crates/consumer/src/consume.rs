//! The main job, in the order in which the data takes the steps.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use pipeline_runtime::exit::{ExitStatus, print_summary};
use pipeline_runtime::kafka::topic_id;
use pipeline_runtime::{metrics, shutdown};
use rdkafka::consumer::Consumer;
use slot_protocol::SlotKeys;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::Error;
use crate::args::Config;
use crate::clock::{Clock, SystemClock};
use crate::destination::Destination;
use crate::dry_run::{LogUpToNow, PlannedObjects, ReadOnlyBroker};
use crate::encode::Encoders;
use crate::kafka::{self, Broker, GroupBroker, GroupConsumer, GroupLog, Log, Rebalance, connect, join};
use crate::location;
use crate::reader::{Consuming, Drained, Reader, Surroundings};
use crate::requests::Requests;
use crate::source::Source;
use crate::store::{Bucket, Layout, Objects, Unusable, check};

const TOPIC_ID_TIMEOUT: Duration = Duration::from_secs(10);
/// For leaving the group after an error.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Has librdkafka tell where each partition ends.
const TELL_ENDS: (&str, &str) = ("enable.partition.eof", "true");

/// Writes ticks until a signal asks to stop.
///
/// # Errors
///
/// What the start finds wrong, and what reading cannot go on with.
pub(crate) async fn consume(config: Config) -> Result<ExitStatus, Error> {
    let stop = shutdown::on_signals()?;
    metrics::serve(&config.metrics)?;
    let work = async {
        if config.dry_run {
            plan(config, stop.clone()).await
        } else {
            write(config, stop.clone()).await
        }
    };
    Box::pin(work).await?;
    Ok(ExitStatus::Done)
}

async fn write(config: Config, stop: CancellationToken) -> Result<(), Error> {
    let prepared = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        prepared = Box::pin(reader(config)) => Some(prepared?),
    };
    let Some((reader, client)) = prepared else {
        info!("stopped before the first record");
        return Ok(());
    };
    let drained = read_to_the_end(reader, client, stop).await?;
    print_summary(&drained.tally);
    Ok(())
}

/// Reads on a thread of its own. The group is left at the end, so that another member can go on at once; a broker that
/// hangs is not waited for beyond the drain's deadline.
async fn read_to_the_end(
    reader: Reader<GroupLog, Consuming>,
    client: Arc<GroupConsumer>,
    stop: CancellationToken,
) -> Result<Drained, Error> {
    let (sender, result) = oneshot::channel();
    let (closing, closed) = oneshot::channel::<()>();
    let read = move || {
        // whoever waited gave up
        let _over = sender.send(reader.run(&stop));
        drop(client);
        drop(closing);
    };
    thread::Builder::new()
        .name("reader".to_owned())
        .spawn(read)
        .map_err(|source| Error::NoThread { source })?;
    let result = result.await.map_err(|source| Error::Worker {
        source: source.into(),
    })?;
    let close_until = match &result {
        Ok(drained) => drained.deadline,
        Err(_) => SystemClock.now() + CLOSE_TIMEOUT,
    };
    if timeout_at(close_until.into(), closed).await.is_err() {
        warn!("the broker hangs, the group is left without its word; it notices after the session timeout");
    }
    Ok(result?)
}

/// All that must be right before the first record: the bucket, the topic, the layout.
async fn reader(config: Config) -> Result<(Reader<GroupLog, Consuming>, Arc<GroupConsumer>), Error> {
    let (objects, keys) = bucket(&config).await?;
    let checked = check(&objects, &keys, Uuid::now_v7(), config.allow_at_least_once);
    let is_create_only = Box::pin(checked).await.map_err(Unusable::from)?;
    let topic = Topic::connect(&config, &[]).await?;
    let layout = topic.layout(&config, is_create_only);
    let layout = layout.settle(&objects, &keys).await?;
    info!(bucket = %config.bucket, folder = keys.folder(), topic_id = topic.id, group = config.reading.group,
        "ready to write");
    join(&topic.consumer, &config.kafka.topic)?;
    let source = topic.source(Arc::new(topic.broker(&config)), &config);
    let destination = destination(Arc::new(objects), keys, layout, &config);
    let client = Arc::clone(&topic.consumer);
    Ok((
        reader_of(topic.log(&config)?, source, destination, config)?,
        client,
    ))
}

/// Prints what would be written.
async fn plan(mut config: Config, stop: CancellationToken) -> Result<(), Error> {
    // the clock of a run that is only thought of would say nothing
    config.reading.flush.interval = Duration::MAX;
    let (objects, keys) = bucket(&config).await?;
    let topic = Topic::connect(&config, &[TELL_ENDS]).await?;
    let layout = topic.layout(&config, false);
    let stored = layout.stored(&objects, &keys).await?;
    let ends = topic.ends(&config).await?;
    let source = topic.source(Arc::new(ReadOnlyBroker(topic.broker(&config))), &config);
    let planned = Arc::new(PlannedObjects::new(objects, io::stdout(), stop.clone()));
    let bucket: Arc<dyn Bucket> = Arc::<PlannedObjects<_>>::clone(&planned);
    let destination = destination(bucket, keys, stored.unwrap_or(layout), &config);
    let topic_name = config.kafka.topic.clone();
    let log = LogUpToNow::new(topic.log(&config)?, ends, stop.clone());
    let log = log.map_err(|source| kafka::Error::Subscribe {
        topic: topic_name,
        source,
    })?;
    let reader = reader_of(log, source, destination, config)?;
    blocking(move || Ok(reader.run(&stop)?)).await?;
    planned.printed().map_err(|source| Error::Stdout { source })
}

async fn bucket(config: &Config) -> Result<(Objects, SlotKeys), Error> {
    let objects = Objects::connect(&config.s3, config.bucket.clone(), config.write_settings.clone()).await?;
    let keys = SlotKeys::new(
        config.prefix.as_str(),
        config.kafka.topic.as_str(),
        config.encoding.extension(),
    );
    Ok((objects, keys))
}

fn destination(bucket: Arc<dyn Bucket>, keys: SlotKeys, layout: Layout, config: &Config) -> Destination {
    Destination {
        bucket,
        keys,
        layout: layout.id,
        topic_id: layout.topic_id,
        encoding: config.encoding,
    }
}

fn reader_of<L: Log>(
    log: L,
    source: Source,
    destination: Destination,
    config: Config,
) -> Result<Reader<L, Consuming>, Error> {
    let (answer_sender, answers) = channel();
    let clock = Arc::new(SystemClock);
    let runtime = Handle::current();
    let spawn = Arc::new(move |work| drop(runtime.spawn(work)));
    let surroundings = Surroundings {
        log,
        requests: Requests::new(source, destination, Arc::clone(&clock) as _, spawn, answer_sender),
        answers,
        encoders: Encoders::start(config.encoding).map_err(|source| Error::NoThread { source })?,
        clock,
        random: rand::make_rng(),
    };
    Ok(Reader::new(config.reading, surroundings))
}

/// The topic, with a client that is no member of the group yet.
struct Topic {
    consumer: Arc<GroupConsumer>,
    rebalances: Receiver<Rebalance>,
    partitions: Vec<i32>,
    id: Option<String>,
}

impl Topic {
    async fn connect(
        config: &Config,
        properties: &'static [(&'static str, &'static str)],
    ) -> Result<Self, Error> {
        let (kafka, group, memory) = (
            config.kafka.clone(),
            config.reading.group.clone(),
            config.reading.memory,
        );
        blocking(move || {
            let (sender, rebalances) = channel();
            let (consumer, partitions) = connect(&kafka, &group, memory, properties, sender)?;
            let id = topic_id(consumer.client(), kafka.topic.as_str(), TOPIC_ID_TIMEOUT);
            Ok(Self {
                consumer,
                rebalances,
                partitions,
                id,
            })
        })
        .await
    }

    /// What these settings make of an empty prefix.
    fn layout(&self, config: &Config, is_create_only: bool) -> Layout {
        Layout::new(
            Uuid::now_v7(),
            config.kafka.topic.as_str(),
            self.id.as_deref(),
            config.encoding,
            is_create_only,
        )
    }

    fn broker(&self, config: &Config) -> GroupBroker {
        GroupBroker::new(Arc::clone(&self.consumer), config.kafka.topic.clone())
    }

    fn source(&self, broker: Arc<dyn Broker>, config: &Config) -> Source {
        Source {
            broker,
            topic: config.kafka.topic.clone(),
            topic_id: self.id.clone(),
        }
    }

    /// Where each partition's log ends.
    async fn ends(&self, config: &Config) -> Result<BTreeMap<i32, i64>, Error> {
        let broker = self.broker(config);
        let mut ends = BTreeMap::new();
        for partition in &self.partitions {
            let range = broker.log_range(*partition).await;
            let range = range.map_err(|source| location::Error::LogRange {
                topic: config.kafka.topic.clone(),
                partition: *partition,
                source,
            })?;
            ends.insert(*partition, range.high);
        }
        Ok(ends)
    }

    fn log(self, config: &Config) -> Result<GroupLog, kafka::Error> {
        GroupLog::new(self.consumer, config.kafka.topic.clone(), self.rebalances)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::Worker {
            source: source.into(),
        })?
}
