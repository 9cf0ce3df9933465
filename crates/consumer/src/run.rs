//! The main job, in the order in which the data takes the steps.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use pipeline_runtime::exit::ExitStatus;
use pipeline_runtime::{metrics, shutdown};
use rdkafka::consumer::Consumer;
use tokio::runtime::Handle;
use tracing::info;
use uuid::Uuid;

use crate::Error;
use crate::args::Config;
use crate::encode::Encoders;
use crate::kafka::{RecordQueue, connect, topic_id};
use crate::locate::Locator;
use crate::reader::{Input, Reader, Tally};
use crate::requests::Requests;
use crate::slot::SlotKeys;
use crate::store::{Layout, Objects, check};

const TOPIC_ID_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes ticks until a signal asks to stop.
///
/// # Errors
///
/// What the start finds wrong, and what reading cannot go on with.
pub(crate) async fn consume(config: Config) -> Result<ExitStatus, Error> {
    let stop = shutdown::on_signals()?;
    metrics::serve(&config.metrics)?;
    let prepared = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        prepared = Box::pin(prepare(config)) => Some(prepared?),
    };
    let Some(reader) = prepared else {
        info!("stopped before the first record");
        return Ok(ExitStatus::Done);
    };
    let tally = tokio::task::spawn_blocking(move || reader.run(&stop))
        .await
        .map_err(|source| Error::Worker { source })??;
    print(&tally)?;
    Ok(ExitStatus::Done)
}

/// All that must be right before the first record: the bucket, the topic, the layout.
async fn prepare(config: Config) -> Result<Reader, Error> {
    let objects = Objects::connect(&config.s3, config.bucket.clone()).await?;
    let topic = config.kafka.topic.clone();
    let keys = SlotKeys::new(
        config.prefix.as_str(),
        topic.as_str(),
        config.encoding.extension(),
    );
    check(&objects, &keys, Uuid::now_v7(), config.allow_at_least_once).await?;

    let (rebalance_sender, rebalances) = channel();
    let (kafka, group, memory) = (config.kafka.clone(), config.group.clone(), config.memory);
    let (consumer, topic_id) = tokio::task::spawn_blocking(move || {
        let consumer = connect(&kafka, &group, memory, rebalance_sender)?;
        let client = consumer.client().native_ptr();
        let id = topic_id(client, kafka.topic.as_str(), TOPIC_ID_TIMEOUT);
        Ok::<_, Error>((consumer, id))
    })
    .await
    .map_err(|source| Error::Worker { source })??;

    let layout = Layout::new(
        Uuid::now_v7(),
        topic.as_str(),
        topic_id.as_deref(),
        config.encoding,
    );
    let layout = layout.settle(&objects, &keys).await?;
    info!(bucket = %config.bucket, folder = keys.folder(), topic_id, group = config.group, "ready to write");

    let records = RecordQueue::new(consumer.clone(), &topic)?;
    let encoders = Encoders::start(config.encoding).map_err(|source| Error::NoThread { source })?;
    let locator = Locator {
        consumer: consumer.clone(),
        topic,
        topic_id,
        objects,
        keys,
        layout: layout.id,
    };
    let (answer_sender, answers) = channel();
    let requests = Requests::new(Handle::current(), locator, config.encoding, answer_sender);
    Ok(Reader::new(
        config,
        Input {
            consumer,
            rebalances,
            records: Arc::new(records),
            answers,
        },
        requests,
        encoders,
    ))
}

/// The result, one line of JSON on stdout.
fn print(tally: &Tally) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, tally)
        .map_err(std::io::Error::from)
        .and_then(|()| std::io::Write::write_all(&mut stdout, b"\n"))
        .map_err(|source| Error::Stdout { source })
}
