//! The main job, in the order in which the data takes the steps.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pipeline_runtime::exit::{ExitStatus, print_summary};
use pipeline_runtime::{metrics, shutdown};
use rdkafka::consumer::Consumer;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::info;
use uuid::Uuid;

use crate::Error;
use crate::args::Config;
use crate::dry_run::DryRun;
use crate::encode::Encoders;
use crate::kafka::{Rebalance, RecordQueue, connect, join, topic_id};
use crate::locate::Locator;
use crate::reader::{Input, Reader};
use crate::requests::Requests;
use crate::store::{Layout, Objects, check};
use slot_protocol::SlotKeys;

const TOPIC_ID_TIMEOUT: Duration = Duration::from_secs(10);

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
    let Some(reader) = prepared else {
        info!("stopped before the first record");
        return Ok(());
    };
    let tally = blocking(move || reader.run(&stop)).await?;
    print_summary(&tally);
    Ok(())
}

/// All that must be right before the first record: the bucket, the topic, the layout.
async fn reader(config: Config) -> Result<Reader, Error> {
    let bucket = Bucket::connect(&config).await?;
    check(
        &bucket.objects,
        &bucket.keys,
        Uuid::now_v7(),
        config.allow_at_least_once,
    )
    .await?;
    let (log, rebalances) = Log::connect(&config).await?;
    let layout = log.layout(&config).settle(&bucket.objects, &bucket.keys).await?;
    info!(bucket = %config.bucket, folder = bucket.keys.folder(), topic_id = log.topic_id, group = config.group,
        "ready to write");
    join(&log.consumer, &config.kafka.topic)?;

    let consumer = Arc::clone(&log.consumer);
    let records = Arc::new(RecordQueue::new(Arc::clone(&consumer), &config.kafka.topic)?);
    let encoders = Encoders::start(config.encoding).map_err(|source| Error::NoThread { source })?;
    let (answer_sender, answers) = channel();
    let locator = log.locator(&config, bucket, layout.id);
    let requests = Requests::new(Handle::current(), locator, config.encoding, answer_sender);
    let input = Input {
        consumer,
        rebalances,
        records,
        answers,
    };
    Ok(Reader::new(config, input, requests, encoders))
}

/// Prints what would be written.
async fn plan(config: Config, stop: CancellationToken) -> Result<(), Error> {
    let bucket = Bucket::connect(&config).await?;
    let (log, _) = Log::connect(&config).await?;
    let layout = log.layout(&config);
    let stored = layout.stored(&bucket.objects, &bucket.keys).await?;
    let partitions = log.partitions.clone();
    let plan = DryRun {
        consumer: Arc::clone(&log.consumer),
        records: RecordQueue::new(Arc::clone(&log.consumer), &config.kafka.topic)?,
        encoders: Encoders::start(config.encoding).map_err(|source| Error::NoThread { source })?,
        keys: bucket.keys.clone(),
        config: config.clone(),
    };
    let locator = log.locator(&config, bucket, stored.unwrap_or(layout).id);
    let resumes = locator.locate(partitions).await?;
    blocking(move || plan.run(resumes, &stop, &mut io::stdout().lock())).await
}

/// The bucket and its keys.
struct Bucket {
    objects: Objects,
    keys: SlotKeys,
}

impl Bucket {
    async fn connect(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            objects: Objects::connect(&config.s3, config.bucket.clone(), config.write_settings.clone())
                .await?,
            keys: SlotKeys::new(
                config.prefix.as_str(),
                config.kafka.topic.as_str(),
                config.encoding.extension(),
            ),
        })
    }
}

/// The topic.
struct Log {
    consumer: Arc<crate::kafka::GroupConsumer>,
    partitions: Vec<i32>,
    topic_id: Option<String>,
}

impl Log {
    async fn connect(config: &Config) -> Result<(Self, Receiver<Rebalance>), Error> {
        let (rebalance_sender, rebalances) = channel();
        let (kafka, group, memory) = (config.kafka.clone(), config.group.clone(), config.memory);
        let log = blocking(move || {
            let (consumer, partitions) = connect(&kafka, &group, memory, rebalance_sender)?;
            let topic_id = topic_id(consumer.client(), kafka.topic.as_str(), TOPIC_ID_TIMEOUT);
            Ok(Self {
                consumer,
                partitions,
                topic_id,
            })
        })
        .await?;
        Ok((log, rebalances))
    }

    /// What these settings make of an empty prefix.
    fn layout(&self, config: &Config) -> Layout {
        Layout::new(
            Uuid::now_v7(),
            config.kafka.topic.as_str(),
            self.topic_id.as_deref(),
            config.encoding,
        )
    }

    fn locator(self, config: &Config, bucket: Bucket, layout: Uuid) -> Locator {
        Locator {
            consumer: self.consumer,
            topic: config.kafka.topic.clone(),
            topic_id: self.topic_id,
            objects: bucket.objects,
            keys: bucket.keys,
            layout,
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::Worker { source })?
}
