use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use jiff::Timestamp;
use test_bed::{Bed, Kafka, Launch, Process, S3, Screen, program};

use crate::args::{Load, Plan};
use crate::contenders::{Contender, Task};
use crate::drain;
use crate::error::Error;
use crate::figures::Figures;
use crate::fill::{Destination, fill};
use crate::outcome::{Measurement, Outcome};
use crate::reference::Part;
use crate::stage::{BUCKET, Stage, TOPIC};
use crate::table;

const REFERENCE_TIMEOUT: Duration = Duration::from_mins(10);
const HELP_TIMEOUT: Duration = Duration::from_secs(30);

/// Fills a topic, lets each contender go through it, and shows the figures.
///
/// # Errors
///
/// The first that a contender ended with, after the figures of the others.
pub(crate) async fn run(plan: &Plan, screen: &Screen) -> Result<(), Error> {
    let load = plan.load()?;
    let bed = Bed::new()?;
    screen.step("starting Kafka and an S3 server");
    let (kafka, s3) = tokio::join!(Kafka::start(&bed, "kafka", 1), S3::start(&bed, "s3"));
    let (kafka, s3) = (kafka?, s3?);
    s3.create_bucket(BUCKET).await?;
    kafka.create_topic(TOPIC, plan.partitions.into()).await?;
    screen.step(&format!("filling the topic with {} ticks", load.ticks));
    let bytes = filled(&kafka, plan.partitions, load, screen).await?;
    let stage = Stage {
        bed: &bed,
        kafka: &kafka,
        s3: &s3,
        screen,
        partitions: plan.partitions,
        load,
        bytes,
    };
    let (runs, failure) = measure(plan, &stage).await?;
    let outcome = Outcome {
        ticks: load.ticks,
        bytes,
        partitions: plan.partitions,
        cores: available_parallelism().map_or(1, Into::into),
        runs,
    };
    if let Some(path) = &plan.json {
        write(path, &outcome)?;
    }
    screen.results(&table::lines(&outcome))?;
    failure.map_or(Ok(()), Err)
}

async fn filled(kafka: &Kafka, partitions: u16, load: Load, screen: &Screen) -> Result<u64, Error> {
    let to = Destination {
        brokers: kafka.bootstrap_servers(),
        topic: TOPIC,
        partitions,
    };
    let filling = {
        let screen = screen.clone();
        tokio::task::spawn_blocking(move || fill(&to, load, Timestamp::now(), &screen))
    };
    let bytes = filling.await??;
    let found = kafka.record_count(TOPIC).await? as u64;
    if found == load.ticks {
        Ok(bytes)
    } else {
        Err(Error::NotFilled {
            found,
            expected: load.ticks,
        })
    }
}

/// One contender after the other, and all again, so that a busy moment of the machine does not hit the same one.
/// Gives the figures, and the first error.
async fn measure(plan: &Plan, stage: &Stage<'_>) -> Result<(Vec<Measurement>, Option<Error>), Error> {
    let help = consumer_help(stage.bed).await?;
    let (mut runs, mut failure) = (Vec::new(), None);
    for run in 1..=plan.runs {
        for contender in plan.contenders() {
            let name = contender.name;
            if matches!(&contender.task, Task::Drain(drain) if !drain.is_offered_by(&help)) {
                stage
                    .screen
                    .step(&format!("{name}: left out, this consumer cannot do it"));
                continue;
            }
            stage.screen.step(&format!("{name}, run {run}"));
            let figures = match &contender.task {
                Task::Drain(drain) => drain::run(stage, contender, drain, run).await,
                Task::Reference(part) => reference(plan, stage, contender, *part).await,
            };
            match figures {
                Ok(figures) => runs.push(Measurement { name, run, figures }),
                Err(error) => {
                    stage.screen.step(&format!("{name}, run {run}: failed"));
                    failure.get_or_insert(error);
                }
            }
        }
    }
    Ok((runs, failure))
}

async fn consumer_help(bed: &Bed) -> Result<String, Error> {
    let help = Process::start(bed, &program::launch("consumer", "consumer-help")?.arg("--help"))?;
    help.success(HELP_TIMEOUT).await?;
    Ok(help.stdout())
}

/// A process of its own, so that nothing else is measured with it.
async fn reference(
    plan: &Plan,
    stage: &Stage<'_>,
    contender: &Contender,
    part: Part,
) -> Result<Figures, Error> {
    let figure = |number: u64| number.to_string();
    let launch: Launch = program::launch("bench", contender.name)?
        .args(["reference", &part.name(), "--topic", TOPIC])
        .args(["--brokers", &stage.kafka.bootstrap_servers()])
        .args(["--ticks", &figure(stage.load.ticks)])
        .args(["--sample", &figure(stage.load.ticks_a_partition)])
        .args(["--zstd-level", &plan.zstd_level.to_string()])
        .args(["--zstd-window-log", &plan.zstd_window_log.to_string()]);
    let child = Process::start(stage.bed, &launch)?;
    child.success(REFERENCE_TIMEOUT).await?;
    let text = child.stdout();
    // the newest of the runs' lines
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|source| Error::NotFigures {
        name: contender.name.to_owned(),
        text: line.to_owned(),
        source,
    })
}

fn write(path: &Path, outcome: &Outcome) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(outcome).map_err(|source| Error::Json { source })?;
    std::fs::write(path, json).map_err(|source| Error::JsonFile {
        path: path.to_owned(),
        source,
    })
}
