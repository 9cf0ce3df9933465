use std::collections::BTreeSet;
use std::time::Duration;

use pipeline_runtime::shutdown;
use test_bed::{Bed, Kafka, Process, S3, Screen, program};

use crate::args::Args;
use crate::bucket::Bucket;
use crate::error::Error;
use crate::feed::Feed;
use crate::results;
use crate::running::{Running, Watch, drain};

const BUCKET: &str = "quotes";
const TOPIC: &str = quote_model::topic::DEFAULT_TOPIC;
/// The topics as they are on a real broker.
const TOPICS: &str = include_str!("../../../../../deploy/kafka-server/topics.toml");
const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// Runs the demo and stops all that it started, whatever happens.
pub(crate) async fn run(args: Args, screen: &Screen) -> Result<(), Error> {
    let signals = shutdown::on_signals()?;
    let mut running = Running {
        feed: Some(Feed::open(&args).await?),
        ..Running::default()
    };
    let shown = tokio::select! {
        biased;
        () = signals.cancelled() => Err(test_bed::Error::Interrupted.into()),
        shown = Box::pin(show(&args, &mut running, screen)) => shown,
    };
    let done = match shown {
        Ok(()) if args.keep => keep(&running, screen, signals.cancelled()).await,
        other => other,
    };
    screen.step("stopping what was started");
    let stopped = running.stop().await;
    done.and(stopped)
}

/// The data's way, from the prices to what lies in the bucket.
async fn show(args: &Args, running: &mut Running, screen: &Screen) -> Result<(), Error> {
    let Some(feed) = &running.feed else {
        return Ok(());
    };
    let bed = {
        let screen = screen.clone();
        Bed::showing(move |launch| screen.command(launch))?
    };
    screen.step("starting Kafka and an S3 server");
    let (kafka, s3) = tokio::join!(Kafka::start(&bed, "kafka", 1), S3::start(&bed, "s3"));
    let kafka = &*running.kafka.insert(kafka?);
    let s3 = &*running.s3.insert(s3?);
    prepare_topic(&bed, kafka, screen).await?;

    screen.step(&feed.describe());
    screen.step("the producer makes the bucket and brings prices to Kafka");
    let brokers = kafka.bootstrap_servers();
    let launch = feed.producer(args, s3, &brokers, BUCKET)?;
    let producer = &*running.producer.insert(Process::start(&bed, &launch)?);
    producer.line("polling begins", STEP_TIMEOUT).await?;

    screen.step("the consumer brings them to S3");
    let launch = program::launch("consumer", "consumer")?
        .args([
            "--bucket",
            BUCKET,
            "--brokers",
            &brokers,
            "--flush-interval",
            "1s",
        ])
        .variables(s3.variables());
    let consumer = &*running.consumer.insert(Process::start(&bed, &launch)?);
    let mut watch = Watch::new(Some(producer), consumer);
    while kafka.record_count(TOPIC).await? == 0 {
        watch.look_again(0).await?;
    }
    let seconds = screen.elapsed().as_secs_f64();
    screen.step(&format!("first tick in Kafka after {seconds:.1} s"));

    let symbols: BTreeSet<_> = args.symbols().into_iter().collect();
    let bucket = until_stored(s3, &mut watch, screen, |bucket| match feed.ticks() {
        Some(due) => Ok(bucket.tick_count() >= due),
        None => Ok(bucket.last_ticks()?.len() >= symbols.len()),
    })
    .await?;
    let seconds = screen.elapsed().as_secs_f64();
    screen.step(&format!(
        "all of {} in the bucket after {seconds:.1} s",
        args.symbols().join(", ")
    ));
    if feed.ticks().is_some() {
        results::speed(&bucket, screen)?;
    }
    if args.keep {
        return results::show(&bucket, BUCKET, screen);
    }
    finish(&bed, running, screen).await
}

/// As on a real broker: wait until it answers where it says it is, then make the topics.
async fn prepare_topic(bed: &Bed, kafka: &Kafka, screen: &Screen) -> Result<(), Error> {
    screen.step("checking the broker and making the topic");
    let file = bed.write("topics.toml", TOPICS)?;
    let brokers = kafka.bootstrap_servers();
    let wait = program::launch("broker-setup", "broker-setup-wait")?.args([
        "wait",
        "--bootstrap-server",
        &brokers,
        "--advertised-host",
        "127.0.0.1",
    ]);
    Process::start(bed, &wait)?.success(STEP_TIMEOUT).await?;
    let apply = program::launch("broker-setup", "broker-setup-topics")?
        .args(["topics", "apply", "--bootstrap-server", &brokers, "--file"])
        .arg(file);
    Ok(Process::start(bed, &apply)?.success(STEP_TIMEOUT).await?)
}

/// Looks at the bucket until it holds what is due.
async fn until_stored(
    s3: &S3,
    watch: &mut Watch<'_>,
    screen: &Screen,
    is_complete: impl Fn(&Bucket) -> Result<bool, Error>,
) -> Result<Bucket, Error> {
    let mut bucket = Bucket::default();
    loop {
        bucket.look(s3, BUCKET).await?;
        if is_complete(&bucket)? {
            return Ok(bucket);
        }
        let count = bucket.tick_count();
        screen.progress(format!("{count} ticks in the bucket"));
        watch.look_again(count).await?;
    }
}

/// Stops producer and consumer and shows that nothing is missing.
async fn finish(bed: &Bed, running: &mut Running, screen: &Screen) -> Result<(), Error> {
    screen.step("stopping the producer, then the consumer when the bucket has all");
    drain(&mut running.producer).await?;
    let (Some(kafka), Some(s3), Some(consumer)) = (&running.kafka, &running.s3, &running.consumer) else {
        return Ok(());
    };
    let in_kafka = kafka.record_count(TOPIC).await?;
    let mut watch = Watch::new(None, consumer);
    let bucket = until_stored(s3, &mut watch, screen, |bucket| {
        Ok(bucket.tick_count() >= in_kafka)
    })
    .await?;
    drain(&mut running.consumer).await?;
    results::show(&bucket, BUCKET, screen)?;
    screen.step("the consumer's own proof, from the bucket alone");
    results::audit(bed, s3, BUCKET, screen).await
}

/// Says how to look, and waits for the signal to stop.
async fn keep(running: &Running, screen: &Screen, signal: impl Future<Output = ()>) -> Result<(), Error> {
    let (Some(kafka), Some(s3), Some(consumer)) = (&running.kafka, &running.s3, &running.consumer) else {
        return Ok(());
    };
    results::addresses(&kafka.bootstrap_servers(), s3, BUCKET, TOPIC, screen)?;
    screen.step("running until Ctrl-C");
    tokio::select! {
        () = signal => Ok(()),
        failure = consumer.failure_to_come() => Err(failure.into()),
    }
}
