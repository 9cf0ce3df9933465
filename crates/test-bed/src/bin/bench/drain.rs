use std::time::{Duration, Instant};

use test_bed::{Process, program};

use crate::contenders::{Contender, Drain};
use crate::error::Error;
use crate::figures::Figures;
use crate::progress::Progress;
use crate::stage::{BUCKET, Stage, TOPIC};
use crate::stored;

const ASSIGNED: &str = "assigned";
const ASSIGNED_TIMEOUT: Duration = Duration::from_mins(1);
const END_TIMEOUT: Duration = Duration::from_mins(1);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Longer than the consumer's own interval of flushing.
const STALL_TIMEOUT: Duration = Duration::from_mins(3);

/// Has the consumer bring the whole topic to a prefix of its own.
///
/// Wall time is from the assignment of partitions to the commit of the last offset; CPU time is all that the
/// process took from its start to its end.
pub(crate) async fn run(
    stage: &Stage<'_>,
    contender: &Contender,
    drain: &Drain,
    run: u32,
) -> Result<Figures, Error> {
    let name = format!("{}-{run}", contender.name);
    let prefix = format!("{name}/");
    let brokers = stage.kafka.bootstrap_servers();
    let records = stage.load.ticks_an_object.to_string();
    let launch = program::launch("consumer", &name)?
        .args(["--brokers", &brokers, "--topic", TOPIC, "--group", &name])
        .args([
            "--bucket",
            BUCKET,
            "--prefix",
            &prefix,
            "--flush-records",
            &records,
        ])
        .args(drain.args)
        .variables(stage.s3.variables());
    let requests_before = stage.s3.request_count().await?;
    let progress = Progress::of(&brokers, &name, TOPIC, stage.partitions)?;
    let consumer = Process::start(stage.bed, &launch)?;
    consumer.line(ASSIGNED, ASSIGNED_TIMEOUT).await?;
    let started = Instant::now();
    until_committed(stage, &consumer, &progress, &name).await?;
    let wall_seconds = started.elapsed().as_secs_f64();

    let usage = consumer.usage();
    consumer.terminate();
    consumer.success(END_TIMEOUT).await?;
    let (Some(usage), Some(cpu_time)) = (usage, consumer.total_cpu_time()) else {
        return Err(Error::NoUsage { name });
    };
    let requests = stage.s3.request_count().await? - requests_before;
    let stored = stored::audit(stage.bed, stage.s3, BUCKET, &prefix).await?;
    if stored.ticks != stage.load.ticks {
        return Err(Error::NotAllStored {
            name,
            found: stored.ticks,
            expected: stage.load.ticks,
        });
    }
    Ok(Figures {
        ticks: stage.load.ticks,
        bytes: stage.bytes,
        wall_seconds,
        cpu_seconds: cpu_time.as_secs_f64(),
        memory_peak_bytes: usage.memory_peak_bytes,
        encoded_bytes: Some(stored.encoded_bytes),
        objects: Some(stored.objects),
        requests: Some(requests),
    })
}

async fn until_committed(
    stage: &Stage<'_>,
    consumer: &Process,
    progress: &Progress,
    name: &str,
) -> Result<(), Error> {
    let expected = stage.load.ticks;
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let committed = progress.committed().await?;
        if committed >= expected {
            return Ok(());
        }
        if let Some(status) = consumer.ended() {
            return Err(consumer.failed(status).into());
        }
        if committed > last {
            (last, since) = (committed, Instant::now());
        } else if since.elapsed() > STALL_TIMEOUT {
            return Err(Error::DrainStalled {
                name: name.to_owned(),
                committed,
                expected,
                within: STALL_TIMEOUT,
                log: consumer.log(),
            });
        }
        stage
            .screen
            .progress(format!("{name}: {committed} ticks committed"));
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
