//! `consumer replay`: writes records from the bucket back into a topic.
//!
//! [`bucket_reader`] lists the objects → [`plan`] takes those that the [`selection`] needs and
//! puts them in order → each is fetched whole and checked, and only then its [`record`]s are sent, by [`work`] →
//! [`target`] keeps what Kafka has not acknowledged → [`result`].
//!
//! What comes back: of a tick its value, its symbol as the key, its time and the schema's header; of anything else its
//! key, value and time. Other headers are not in the bucket.

mod args;
mod error;
mod kafka_client;
mod ledger;
mod notes;
mod offsets;
mod plan;
mod progress_file;
mod refused_file;
mod result;
mod selection;
mod sending;
mod target;
mod work;

use std::io::Write;
use std::time::Instant;

use bucket_reader::{Bucket, Findings, Layout, Listing, SlotReader, Times, TopicListing, reading_progress};
use pipeline_runtime::exit::ExitStatus;
use pipeline_runtime::shutdown;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use args::ReplayArgs;
pub use error::Error;

use args::SelectionArgs;
use notes::Notes;
use plan::{Plan, Planned};
use progress_file::ProgressFile;
use target::{KafkaTarget, Target};
use work::{Arrival, Work};

/// Replays what the flags select, and writes the result to `out`.
///
/// # Errors
///
/// [`Error`] if something of it cannot be read, is damaged or does not reach Kafka.
pub async fn run(args: ReplayArgs, out: &mut (dyn Write + Send)) -> Result<ExitStatus, Error> {
    args.selection.check()?;
    let stop = shutdown::on_signals()?;
    let prepared = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        prepared = Box::pin(prepare(&args, &stop)) => Some(prepared?),
    };
    let Some((reader, work)) = prepared else {
        info!("stopped before the first record");
        return Ok(ExitStatus::Done);
    };
    // three objects are in memory at most: fetched, on the way, and at work
    let (sender, arrivals) = channel(1);
    let slots = work.slots();
    let worked = spawn_blocking(move || work.run(arrivals));
    tokio::select! {
        () = fetch(&reader, slots, sender) => {}
        () = stop.cancelled() => {}
    }
    let result = worked.await.map_err(|source| Error::Worker { source })??;
    result.write(out)?;
    Ok(ExitStatus::Done)
}

/// All that must be right before the first record.
async fn prepare(args: &ReplayArgs, stop: &CancellationToken) -> Result<(SlotReader, Work), Error> {
    let bucket = Bucket::connect(&args.source).await?;
    let listing = Listing::of(&bucket, &args.source.prefix, args.from_topic.as_ref()).await?;
    let (topic, listed) = the_topic(args, listing)?;
    let folder = format!("{}{topic}/", args.source.prefix);
    let source = format!("s3://{}/{folder}", args.source.bucket);
    let layout = known_layout(&bucket, &folder, &topic, &listed).await?;
    let (selection, progress_file) = progress_of(args, &source)?;
    let plan = Plan::new(&source, &folder, &topic, &listed.slots, &selection)?;
    let target = connect(args, &topic, layout.as_ref(), &plan, stop).await?;
    let progress = reading_progress(&topic, plan.stored_bytes());
    let notes = Notes::new(progress_file, Instant::now());
    let work = Work::new(source, plan, selection, target, stop.clone(), progress, notes);
    Ok((SlotReader::new(bucket, Times::default()), work))
}

/// What is left of the selection by the file of a run before this one, if there is one.
fn progress_of(args: &ReplayArgs, source: &str) -> Result<(SelectionArgs, Option<ProgressFile>), Error> {
    let mut selection = args.selection.clone();
    let (Some(path), Some(kafka)) = (&args.progress, args.kafka()) else {
        return Ok((selection, None));
    };
    let file = ProgressFile::open(path, source, kafka.topic.as_str())?;
    if !file.acknowledged_to().is_empty() {
        selection.from_offset = selection.from_offset.with(file.acknowledged_to());
        info!(
            "goes on with `--from-offset {}`, as {} says",
            selection.from_offset,
            path.display()
        );
    }
    for (partition, (first, last)) in file.in_doubt() {
        warn!(
            partition,
            "the run before this one ended without a word: offsets {first} to {last} may be in the topic already, and are \
             written again"
        );
    }
    Ok((selection, Some(file)))
}

/// The topic that was named, or the only one that is there.
fn the_topic(args: &ReplayArgs, listing: Listing) -> Result<(String, TopicListing), Error> {
    let place = format!("s3://{}/{}", args.source.bucket, args.source.prefix);
    let mut topics = listing
        .topics
        .into_iter()
        .filter(|(_, listed)| !listed.slots.is_empty());
    match (topics.next(), topics.next()) {
        (None, _) => Err(Error::NothingThere { place }),
        (Some(only), None) => Ok(only),
        (Some((first, _)), Some((second, _))) => {
            let names = [first, second].into_iter().chain(topics.map(|(topic, _)| topic));
            Err(Error::SeveralTopics {
                place,
                topics: names.collect::<Vec<_>>().join(", "),
            })
        }
    }
}

/// The layout is not needed to read, but tells the topic's id.
async fn known_layout(
    bucket: &Bucket,
    folder: &str,
    topic: &str,
    listed: &TopicListing,
) -> Result<Option<Layout>, Error> {
    let mut findings = Findings::default();
    let layout = Layout::read(bucket, folder, topic, listed.has_layout, &mut findings).await?;
    for finding in findings.into_kept() {
        warn!("{finding}");
    }
    Ok(layout)
}

async fn connect(
    args: &ReplayArgs,
    source_topic: &str,
    layout: Option<&Layout>,
    plan: &Plan,
    stop: &CancellationToken,
) -> Result<Target, Error> {
    // clap has it that one of both is given
    let Some(kafka) = args.kafka().filter(|_| !args.dry_run) else {
        return Ok(Target::Nowhere);
    };
    let is_same_name = kafka.topic.as_str() == source_topic;
    let source_id = layout.and_then(|layout| layout.topic_id.clone());
    let (partitioning, partitions) = (args.partitioning, plan.partitions_needed());
    let refused_to = args.refused_to.clone();
    let stop = stop.clone();
    let may_be_same = args.same_topic || !is_same_name;
    let connected = spawn_blocking(move || {
        let target = KafkaTarget::connect(&kafka, partitioning, partitions, refused_to.as_deref(), stop)?;
        let is_another = || source_id.is_some_and(|id| target.topic_id().is_some_and(|other| other != id));
        if !may_be_same && !is_another() {
            return Err(Error::SameTopic { topic: kafka.topic });
        }
        Ok(target)
    });
    let target = connected.await.map_err(|source| Error::Worker { source })??;
    Ok(Target::Kafka(Box::new(target)))
}

/// Fetches the slots one behind the other, each while the one before it is sent, until `Work` takes no more.
async fn fetch(reader: &SlotReader, slots: Vec<Planned>, arrivals: Sender<Arrival>) {
    for planned in slots {
        let fetched = reader.fetch(planned.key.clone(), planned.slot).await;
        let arrival = fetched.map(|fetched| (planned, fetched)).map_err(Error::from);
        let is_last = arrival.is_err();
        if arrivals.send(arrival).await.is_err() || is_last {
            return;
        }
    }
}
