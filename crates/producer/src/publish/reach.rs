use std::time::{Duration, Instant};

use pipeline_runtime::exit::with_causes;
use pipeline_runtime::kafka::{Contact, KafkaArgs, Reached, patiently, reach_partitions};
use pipeline_runtime::systemd;
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};
use tracing::warn;

use crate::Error;

/// How long one try waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// From one try to the next one.
const PAUSE: Duration = Duration::from_secs(2);

/// While Kafka cannot be reached it is told again after so long.
const TOLD_AGAIN: Duration = Duration::from_mins(1);

/// Waits until the topic is described and each leader answers, for up to `give_up_after`. Gives its number of
/// partitions. For what Kafka refuses it has a patience of seconds.
pub(super) async fn topic<C>(
    producer: &ThreadedProducer<C>,
    contact: &Contact,
    args: &KafkaArgs,
    give_up_after: Duration,
) -> Result<usize, Error>
where
    C: ProducerContext + 'static,
{
    let begin = Instant::now();
    let mut told: Option<(String, Instant)> = None;
    loop {
        let looked = ask(producer, contact, args, |look| {
            patiently(|| look().and_then(all_reached))
        });
        let failure = match looked.await {
            Ok(partitions) => return Ok(partitions),
            Err(Error::Shared(failure)) => *failure,
            Err(failure) => return Err(failure),
        };
        let may_pass = matches!(
            failure,
            pipeline_runtime::Error::BrokerUnreachable { .. }
                | pipeline_runtime::Error::LeaderUnreachable { .. }
        );
        if !may_pass || begin.elapsed() >= give_up_after {
            return Err(failure.into());
        }
        let reason = with_causes(&failure);
        let is_news = told
            .as_ref()
            .is_none_or(|(before, at)| *before != reason || at.elapsed() >= TOLD_AGAIN);
        if is_news {
            warn!("waiting for Kafka, no credit is spent meanwhile: {reason}");
            told = Some((reason.clone(), Instant::now()));
        }
        systemd::alive();
        systemd::status(&format!("waiting for Kafka: {reason}"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks once: what each leader of the topic's partitions answers.
pub(super) async fn look<C>(
    producer: &ThreadedProducer<C>,
    contact: &Contact,
    args: &KafkaArgs,
) -> Result<Vec<Reached>, Error>
where
    C: ProducerContext + 'static,
{
    ask(producer, contact, args, |look| look()).await
}

/// What a look brings.
type Looked<T> = Result<T, pipeline_runtime::Error>;

type Look = dyn Fn() -> Looked<Vec<Reached>>;

/// Looks as often as `how` has it, where waiting for an answer holds up nothing.
async fn ask<C, T>(
    producer: &ThreadedProducer<C>,
    contact: &Contact,
    args: &KafkaArgs,
    how: fn(&Look) -> Looked<T>,
) -> Result<T, Error>
where
    C: ProducerContext + 'static,
    T: Send + 'static,
{
    let (producer, contact) = (producer.clone(), contact.clone());
    let (brokers, topic) = (args.connection.brokers.clone(), args.topic.clone());
    let look = move || reach_partitions(producer.client(), &contact, &brokers, &topic, ANSWER_TIMEOUT);
    let looked = tokio::task::spawn_blocking(move || how(&look)).await;
    Ok(looked.map_err(|join| Error::Runtime { source: join.into() })??)
}

fn all_reached(leaders: Vec<Reached>) -> Looked<usize> {
    let mut partitions = 0;
    for leader in leaders {
        leader.outcome?;
        partitions += leader.partitions;
    }
    Ok(partitions)
}
