//! Finds where partitions that became ours go on: at the end of their chains, which a commit tells fast and the bucket
//! tells for sure.

mod error;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::future::join_all;
use pipeline_runtime::exit::with_causes;
use slot_protocol::{HeadReply, LogRange, Resume, boundary_of_commit};
use tracing::{info, warn};

pub(crate) use error::Error;

use crate::clock::Clock;
use crate::destination::Destination;
use crate::kafka::Committed;
use crate::source::Source;
use crate::store::{AnotherTopic, found_in};

const TOPIC_ID_TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Where partitions go on, and who is asked for it.
#[derive(Clone)]
pub(crate) struct Location {
    /// The topic.
    pub(crate) source: Source,
    /// The bucket.
    pub(crate) destination: Destination,
    /// What pauses are told by.
    pub(crate) clock: Arc<dyn Clock>,
    /// What they are stretched by.
    pub(crate) jitter_seed: u64,
}

/// What Kafka says of one partition.
struct Logged {
    partition: i32,
    log: LogRange,
    /// The chain's end, if a commit tells it.
    boundary: Option<i64>,
}

/// Called with partitions as soon as it is known where they go on.
pub(crate) type Found<'a> = &'a mut (dyn FnMut(Vec<(i32, Resume)>) + Send);

impl Location {
    /// Where each of the partitions goes on, told as they are found: one that the bucket must be asked for, or whose
    /// leader is away, holds up no other. Asks for as long as it takes.
    ///
    /// # Errors
    ///
    /// Only what asking again cannot mend: the bucket holds another log's chain.
    pub(crate) async fn find(&self, partitions: Vec<i32>, found: Found<'_>) -> Result<(), Error> {
        let mut missing = partitions;
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(PAUSE_MAX)
            .with_jitter()
            .with_jitter_seed(self.jitter_seed)
            .without_max_times()
            .build();
        loop {
            match self.try_find(&mut missing, found).await {
                Err(error) if error.is_passing() => {
                    let pause = pauses.next().unwrap_or(PAUSE_MAX);
                    warn!(error = %with_causes(&error), partitions = ?missing, ?pause, "cannot find where to go on, asking again");
                    self.clock.sleep(pause).await;
                }
                done => return done,
            }
        }
    }

    async fn try_find(&self, missing: &mut Vec<i32>, found: Found<'_>) -> Result<(), Error> {
        let (logged, unanswered) = self.ask_kafka(missing).await?;
        let (told, untold): (Vec<Logged>, Vec<Logged>) =
            logged.into_iter().partition(|logged| logged.boundary.is_some());
        self.tell(&told, missing, found)?;
        if !untold.is_empty() {
            let asked_for = self.ask_bucket(untold).await?;
            self.tell(&asked_for, missing, found)?;
        }
        unanswered.map_or(Ok(()), Err)
    }

    fn tell(&self, logged: &[Logged], missing: &mut Vec<i32>, found: Found<'_>) -> Result<(), Error> {
        let resumes: Vec<(i32, Resume)> = logged
            .iter()
            .map(|logged| self.resume(logged))
            .collect::<Result<_, _>>()?;
        missing.retain(|partition| resumes.iter().all(|(it, _)| it != partition));
        if !resumes.is_empty() {
            found(resumes);
        }
        Ok(())
    }

    async fn ask_bucket(&self, mut untold: Vec<Logged>) -> Result<Vec<Logged>, Error> {
        let partitions: Vec<i32> = untold.iter().map(|logged| logged.partition).collect();
        let tips = self.tips(&partitions).await?;
        for logged in &mut untold {
            logged.boundary = Some(tips.get(&logged.partition).copied().unwrap_or(0));
            // another writer may have stored meanwhile what the log did not have yet; what retention deletes
            // meanwhile, it may have stored as well, which only another LIST would tell
            logged.log.high = self.log_range(logged.partition).await?.high;
        }
        Ok(untold)
    }

    fn resume(&self, logged: &Logged) -> Result<(i32, Resume), Error> {
        let Logged {
            partition,
            log,
            boundary,
        } = *logged;
        let resume = Resume::at(boundary.unwrap_or(0), log).map_err(|beyond| Error::ChainBeyondLog {
            topic: self.source.topic.clone(),
            partition,
            bucket: self.destination.bucket.name().clone(),
            boundary: beyond.boundary,
            high: beyond.high,
        })?;
        info!(partition, offset = resume.read_from, "goes on");
        Ok((partition, resume))
    }

    /// What Kafka says of each partition, as far as it does, and why not of the others.
    async fn ask_kafka(&self, partitions: &[i32]) -> Result<(Vec<Logged>, Option<Error>), Error> {
        let checked = self.source.check_topic(TOPIC_ID_TIMEOUT).await;
        checked.map_err(|anew| Error::made_anew(&self.source, &self.destination, anew))?;
        let commits = self.source.broker.committed(partitions.to_vec()).await;
        let commits = commits.map_err(|source| Error::Committed {
            topic: self.source.topic.clone(),
            source,
        })?;
        let ranges = join_all(commits.iter().map(|commit| self.log_range(commit.partition))).await;
        let mut logged = Vec::new();
        let mut unanswered = None;
        for (commit, range) in commits.into_iter().zip(ranges) {
            match range {
                Ok(log) => logged.push(Logged {
                    partition: commit.partition,
                    boundary: self.boundary_without_bucket(&commit, log),
                    log,
                }),
                Err(error) => unanswered = Some(error),
            }
        }
        Ok((logged, unanswered))
    }

    /// The chain's end, if a commit of ours tells it, or if there never was a record of this very topic.
    fn boundary_without_bucket(&self, commit: &Committed, log: LogRange) -> Option<i64> {
        let layout = self.destination.layout;
        let of_commit = commit
            .offset
            .and_then(|offset| boundary_of_commit(offset, &commit.metadata, layout, log));
        let is_of_this_topic =
            self.source.topic_id.is_some() && self.source.topic_id == self.destination.topic_id;
        of_commit.or_else(|| (is_of_this_topic && log.high == 0).then_some(0))
    }

    async fn log_range(&self, partition: i32) -> Result<LogRange, Error> {
        let range = self.source.broker.log_range(partition).await;
        range.map_err(|source| Error::LogRange {
            topic: self.source.topic.clone(),
            partition,
            source,
        })
    }

    /// The end + 1 of each partition's chain in the bucket. One LIST of the topic serves all partitions.
    async fn tips(&self, wanted: &[i32]) -> Result<BTreeMap<i32, i64>, Error> {
        let keys = &self.destination.keys;
        let mut newest: BTreeMap<i32, (i64, String)> = BTreeMap::new();
        let mut look_at = |key: &str| {
            let Some((partition, start)) = keys.parse(key).filter(|(it, _)| wanted.contains(it)) else {
                return;
            };
            let known = newest.entry(partition).or_insert_with(|| (start, key.to_owned()));
            if start > known.0 {
                *known = (start, key.to_owned());
            }
        };
        self.destination.bucket.list(keys.folder(), &mut look_at).await?;
        let mut tips = BTreeMap::new();
        for (partition, (_, key)) in newest {
            tips.insert(partition, self.end_of(&key).await? + 1);
        }
        Ok(tips)
    }

    async fn end_of(&self, key: &str) -> Result<i64, Error> {
        let bucket = &self.destination.bucket;
        match bucket.head(key).await?.as_ref().map(found_in) {
            Some(HeadReply::Found(found)) => match (&self.source.topic_id, found.topic_id) {
                (Some(ours), Some(theirs)) if *ours != theirs => Err(Error::AnotherTopic(AnotherTopic {
                    bucket: bucket.name().clone(),
                    key: key.to_owned(),
                    topic: self.source.topic.to_string(),
                    ours: ours.clone(),
                    theirs,
                })),
                _ => Ok(found.end),
            },
            Some(HeadReply::Foreign { what }) => Err(Error::ForeignObject {
                bucket: bucket.name().clone(),
                key: key.to_owned(),
                what,
            }),
            _ => Err(Error::Vanished {
                bucket: bucket.name().clone(),
                key: key.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;
    use slot_protocol::{CommitNote, Hour};
    use uuid::Uuid;

    use super::*;
    use crate::reader::simulation::alone::{Alone, records};
    use crate::reader::simulation::bucket::FlakyBucket;
    use crate::reader::simulation::process::{LAYOUT, destination, keys, source};
    use crate::reader::simulation::topic::Topic;

    /// A bucket that has the offsets 0 to 7 of a partition of 10, nothing of one of 5, and all of one of 4.
    fn written() -> Alone {
        let mut alone = Alone::new([records(8), records(0), records(4)]);
        alone.rounds_until(|alone| alone.slots() == [(0, 3), (0, 3), (4, 7)]);
        alone.rounds_until(|alone| alone.held() == 0);
        {
            let mut state = alone.topic.state();
            for (number, high) in [(0, 10), (1, 5)] {
                let partition = state.partitions.get_mut(&number).unwrap();
                partition.timestamps_ms = (0..high).map(Some).collect();
                partition.high = high;
            }
        }
        alone.bucket.state().lists = 0;
        alone
    }

    fn location(alone: &Alone) -> Location {
        location_of(&alone.topic, &alone.bucket, alone)
    }

    fn location_of(topic: &Topic, bucket: &FlakyBucket, alone: &Alone) -> Location {
        Location {
            source: source(topic, 2),
            destination: destination(bucket),
            clock: Arc::new(alone.clock.clone()),
            jitter_seed: 0,
        }
    }

    /// What one look finds.
    fn find(location: &Location, partitions: &[i32]) -> Result<Vec<(i32, Resume)>, Error> {
        let mut found = Vec::new();
        let mut missing = partitions.to_vec();
        block_on(location.try_find(&mut missing, &mut |resumes| found.extend(resumes)))?;
        found.sort_by_key(|(partition, _)| *partition);
        Ok(found)
    }

    fn at(boundary: i64) -> Resume {
        Resume {
            boundary,
            read_from: boundary,
        }
    }

    #[test]
    fn a_commit_of_ours_tells_without_a_look_at_the_bucket() {
        let alone = written();
        let found = find(&location(&alone), &[0, 2]).unwrap();
        assert_eq!(found, [(0, at(8)), (2, at(4))]);
        assert_eq!(alone.bucket.state().lists, 0);
    }

    #[test]
    fn without_a_commit_of_ours_the_bucket_tells() {
        for commit in [None, Some((3, String::new())), Some((0, "x".to_owned()))] {
            let alone = written();
            for partition in alone.topic.state().partitions.values_mut() {
                partition.commit = commit.clone();
            }
            let found = find(&location(&alone), &[0, 1, 2]).unwrap();
            assert_eq!(found, [(0, at(8)), (1, at(0)), (2, at(4))]);
        }
    }

    #[test]
    fn what_retention_deleted_is_left_out_and_the_boundary_stays() {
        let alone = written();
        alone.topic.state().partitions.get_mut(&0).unwrap().low = 9;
        let found = find(&location(&alone), &[0]).unwrap();
        let resume = Resume {
            boundary: 8,
            read_from: 9,
        };
        assert_eq!(found, [(0, resume)]);
    }

    #[test]
    fn another_topic_or_another_log_is_refused() {
        let alone = written();
        alone.topic.state().id = "second".to_owned();
        let error = find(&location(&alone), &[0]).unwrap_err();
        assert!(
            matches!(error, Error::AnotherTopic(_)) && !error.is_passing(),
            "{error}"
        );

        let alone = written();
        {
            let mut state = alone.topic.state();
            let partition = state.partitions.get_mut(&0).unwrap();
            (partition.high, partition.commit) = (7, None);
        }
        let error = find(&location(&alone), &[0]).unwrap_err();
        let Error::ChainBeyondLog { boundary, high, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((boundary, high), (8, 7));
    }

    #[test]
    fn an_object_that_is_no_slot_and_a_slot_of_another_topic_are_refused_by_their_key() {
        for (name, value, words) in [
            ("run-id", "x", "has no valid `run-id`"),
            ("topic-id", "second", "was begun for second"),
        ] {
            let alone = written();
            alone.topic.state().partitions.get_mut(&0).unwrap().commit = None;
            let key = keys().slot(0, 4, Hour::of_timestamp_ms(0));
            let mut object = alone.bucket.state().objects.head(&key).unwrap().clone();
            object.metadata.insert(name.to_owned(), value.to_owned());
            alone.bucket.state().objects.remove(&key);
            alone.bucket.state().objects.create(key.clone(), object);
            let error = find(&location(&alone), &[0]).unwrap_err();
            assert!(!error.is_passing());
            let error = error.to_string();
            assert!(error.contains(&key) && error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_commit_for_another_layout_tells_nothing() {
        let alone = written();
        let note = |layout| CommitNote {
            layout,
            start: 0,
            end: 3,
        };
        let commit = |layout| {
            let commit = Some((4, note(layout).to_string()));
            alone.topic.state().partitions.get_mut(&0).unwrap().commit = commit;
        };
        commit(Uuid::nil());
        assert_eq!(find(&location(&alone), &[0]).unwrap(), [(0, at(8))]);
        commit(LAYOUT);
        assert_eq!(find(&location(&alone), &[0]).unwrap(), [(0, at(4))]);
    }

    #[test]
    fn a_partition_that_never_had_a_record_needs_no_list_if_the_layout_is_of_this_topic() {
        let alone = Alone::new([records(0)]);
        let mut location = location(&alone);
        assert_eq!(find(&location, &[0]).unwrap(), [(0, at(0))]);
        assert_eq!(alone.bucket.state().lists, 0);
        location.destination.topic_id = None;
        assert_eq!(find(&location, &[0]).unwrap(), [(0, at(0))]);
        assert_eq!(alone.bucket.state().lists, 1);
    }

    #[test]
    fn partitions_whose_commits_tell_do_not_wait_for_the_bucket() {
        let alone = written();
        alone.topic.state().partitions.get_mut(&2).unwrap().commit = None;
        alone.bucket.state().manners = crate::reader::simulation::bucket::Manners::Away;
        let mut found = Vec::new();
        let mut missing = vec![0, 2];
        let location = location(&alone);
        let mut tell = |resumes| found.extend::<Vec<_>>(resumes);
        let mut search = Box::pin(location.try_find(&mut missing, &mut tell));
        assert!(search.as_mut().now_or_never().is_none());
        drop(search);
        assert_eq!((found, missing), (vec![(0, at(8))], vec![2]));
    }
}
