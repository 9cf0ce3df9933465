//! Finds where partitions that became ours go on: asks Kafka, and the bucket where a commit does not tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use pipeline_runtime::exit::chain;
use pipeline_runtime::kafka::TopicName;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;
use tracing::{info, warn};
use uuid::Uuid;

use crate::Error;
use crate::kafka::{GroupConsumer, topic_id};
use crate::store::{Objects, found_in};
use slot_protocol::{HeadReply, SlotKeys};
use slot_protocol::{LogRange, Resume, boundary_of_commit};

const KAFKA_TIMEOUT: Duration = Duration::from_secs(10);
/// Before a PUT: what was read must come to the bucket though the broker is away.
const TOPIC_CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// All that is asked for where to go on.
#[derive(Clone)]
pub(crate) struct Locator {
    /// The group's consumer, for what Kafka says.
    pub(crate) consumer: Arc<GroupConsumer>,
    /// The topic.
    pub(crate) topic: TopicName,
    /// Kafka's id of the topic at the start, where known.
    pub(crate) topic_id: Option<String>,
    /// The bucket.
    pub(crate) objects: Objects,
    /// Its keys.
    pub(crate) keys: SlotKeys,
    /// Its layout's id.
    pub(crate) layout: Uuid,
}

/// What Kafka says of one partition.
struct Logged {
    partition: i32,
    log: LogRange,
    committed: Option<i64>,
}

impl Locator {
    /// Where each of the partitions goes on. Asks for as long as it takes.
    ///
    /// # Errors
    ///
    /// Only what asking again cannot mend: the bucket holds another log's chain.
    pub(crate) async fn locate(self, partitions: Vec<i32>) -> Result<Vec<(i32, Resume)>, Error> {
        let backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(30))
            .with_jitter()
            .without_max_times();
        (|| self.try_locate(&partitions))
            .retry(backoff)
            .when(Error::is_passing)
            .notify(|error, pause| {
                warn!(error = %chain(error), ?pause, "cannot find where to go on, asking again");
            })
            .await
    }

    /// Whether the topic is still the one of the start. Made anew under a running consumer, its records follow the old
    /// ones' offsets without a sign. Asked for behind a run's last record, the answer holds for the whole run; a broker
    /// that is away gives none, and what was read before is written.
    ///
    /// # Errors
    ///
    /// [`Error::AnotherTopic`].
    pub(crate) async fn check_topic(&self) -> Result<(), Error> {
        let locator = self.clone();
        tokio::task::spawn_blocking(move || locator.check_topic_id(TOPIC_CHECK_TIMEOUT))
            .await
            .map_err(|source| Error::Worker { source })?
    }

    async fn try_locate(&self, partitions: &[i32]) -> Result<Vec<(i32, Resume)>, Error> {
        let mut logged = self.ask_kafka(partitions.to_vec()).await?;
        let is_listing_needed = logged.iter().any(|logged| logged.committed.is_none());
        let mut tips = BTreeMap::new();
        if is_listing_needed {
            tips = self.tips(&logged).await?;
            // another writer may have stored meanwhile what the log did not have yet; what retention deletes meanwhile,
            // it may have stored as well, which only another LIST would tell
            let now = self.ask_kafka(partitions.to_vec()).await?;
            for (logged, now) in logged.iter_mut().zip(now) {
                logged.log.high = now.log.high;
            }
        }
        logged
            .into_iter()
            .map(
                |Logged {
                     partition,
                     log,
                     committed,
                 }| {
                    let boundary = committed.or_else(|| tips.get(&partition).copied()).unwrap_or(0);
                    let resume = Resume::at(boundary, log).map_err(|beyond| Error::ChainBeyondLog {
                        topic: self.topic.clone(),
                        partition,
                        bucket: self.objects.bucket().clone(),
                        boundary: beyond.boundary,
                        high: beyond.high,
                    })?;
                    info!(partition, offset = resume.read_from, "goes on");
                    Ok((partition, resume))
                },
            )
            .collect()
    }

    async fn ask_kafka(&self, partitions: Vec<i32>) -> Result<Vec<Logged>, Error> {
        let locator = self.clone();
        tokio::task::spawn_blocking(move || locator.ask_kafka_blocking(&partitions))
            .await
            .map_err(|source| Error::Worker { source })?
    }

    fn ask_kafka_blocking(&self, partitions: &[i32]) -> Result<Vec<Logged>, Error> {
        self.check_topic_id(KAFKA_TIMEOUT)?;
        let mut wanted = TopicPartitionList::new();
        for partition in partitions {
            wanted.add_partition(self.topic.as_str(), *partition);
        }
        let commits = self
            .consumer
            .committed_offsets(wanted, KAFKA_TIMEOUT)
            .map_err(|source| Error::Committed {
                topic: self.topic.clone(),
                source,
            })?;
        let mut logged = Vec::new();
        for commit in commits.elements() {
            let partition = commit.partition();
            let (low, high) = self
                .consumer
                .fetch_watermarks(self.topic.as_str(), partition, KAFKA_TIMEOUT)
                .map_err(|source| Error::Watermarks {
                    topic: self.topic.clone(),
                    partition,
                    source,
                })?;
            let log = LogRange { low, high };
            let committed = commit
                .offset()
                .to_raw()
                .and_then(|offset| boundary_of_commit(offset, commit.metadata(), self.layout, log));
            logged.push(Logged {
                partition,
                log,
                committed,
            });
        }
        Ok(logged)
    }

    fn check_topic_id(&self, timeout: Duration) -> Result<(), Error> {
        let Some(at_start) = &self.topic_id else {
            return Ok(());
        };
        match topic_id(self.consumer.client(), self.topic.as_str(), timeout) {
            Some(now) if now != *at_start => {
                Err(self.another_topic(&self.keys.layout(), &now, at_start.clone()))
            }
            _ => Ok(()),
        }
    }

    fn another_topic(&self, key: &str, ours: &str, theirs: String) -> Error {
        Error::AnotherTopic {
            bucket: self.objects.bucket().clone(),
            key: key.to_owned(),
            topic: self.topic.to_string(),
            ours: ours.to_owned(),
            theirs,
        }
    }

    /// The end + 1 of each partition's chain in the bucket. One LIST of the topic serves all partitions.
    async fn tips(&self, wanted: &[Logged]) -> Result<BTreeMap<i32, i64>, Error> {
        let mut newest: BTreeMap<i32, (i64, String)> = BTreeMap::new();
        self.objects
            .list(self.keys.folder(), |key| {
                if let Some((partition, start)) = self.keys.parse(key) {
                    let known = newest.entry(partition).or_insert_with(|| (start, key.to_owned()));
                    if start > known.0 {
                        *known = (start, key.to_owned());
                    }
                }
            })
            .await?;
        let mut tips = BTreeMap::new();
        for Logged {
            partition, committed, ..
        } in wanted
        {
            let Some((_, key)) = newest.get(partition).filter(|_| committed.is_none()) else {
                continue;
            };
            let end = self.end_of(key).await?;
            tips.insert(*partition, end + 1);
        }
        Ok(tips)
    }

    async fn end_of(&self, key: &str) -> Result<i64, Error> {
        let bucket = self.objects.bucket();
        match self.objects.head(key).await?.as_ref().map(found_in) {
            Some(HeadReply::Found(found)) => match (&self.topic_id, found.topic_id) {
                (Some(ours), Some(theirs)) if *ours != theirs => Err(self.another_topic(key, ours, theirs)),
                _ => Ok(found.end),
            },
            Some(HeadReply::Foreign { what }) => Err(Error::ForeignObject {
                bucket: bucket.clone(),
                key: key.to_owned(),
                what,
            }),
            _ => Err(Error::Vanished {
                bucket: bucket.clone(),
                key: key.to_owned(),
            }),
        }
    }
}
