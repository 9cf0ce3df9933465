//! Asks the store and the broker in the background, and hands the answers to the reading thread.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tracing::debug;

use pipeline_runtime::exit::chain;

use crate::Error;
use crate::encode::{ClosedRun, Encoding, EncodingFailed};
use crate::events;
use crate::locate::Locator;
use crate::store::{Creation, found_in, metadata_of};
use slot_protocol::Resume;
use slot_protocol::{HeadReply, PutReply, Slot};

/// Bodies on their way at once, over all partitions.
const PUTS_MAX: usize = 16;

/// Whose request an answer is of. An answer to an assignment that is over is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) partition: i32,
    pub(crate) assignment: u64,
}

/// An answer.
#[derive(Debug)]
pub(crate) enum Answer {
    Put(Ticket, PutReply),
    Head(Ticket, HeadReply),
    /// The topic was made anew since the start: nothing may be written.
    AnotherTopic(Error),
    /// The body to PUT could not be made.
    NotEncoded(Ticket, EncodingFailed),
    Located {
        assignment: u64,
        resumes: Result<Vec<(i32, Resume)>, Error>,
    },
    Committed(KafkaResult<()>),
}

/// The background's side of the reading thread.
pub(crate) struct Requests {
    pub(crate) runtime: Handle,
    pub(crate) locator: Locator,
    pub(crate) encoding: Encoding,
    pub(crate) answers: Sender<Answer>,
    puts: Arc<Semaphore>,
}

impl Requests {
    pub(crate) fn new(
        runtime: Handle,
        locator: Locator,
        encoding: Encoding,
        answers: Sender<Answer>,
    ) -> Self {
        Self {
            runtime,
            locator,
            encoding,
            answers,
            puts: Arc::new(Semaphore::new(PUTS_MAX)),
        }
    }

    /// The key of a slot.
    pub(crate) fn key_of(&self, partition: i32, slot: &Slot) -> String {
        self.locator.keys.slot(partition, slot.start, slot.hour)
    }

    /// PUTs a slot after `pause`, as soon as its body is encoded, once.
    pub(crate) fn put(&self, ticket: Ticket, slot: Slot, run: ClosedRun, pause: Duration) {
        let objects = self.locator.objects.clone();
        let key = self.key_of(ticket.partition, &slot);
        let encoding = self.encoding;
        let locator = self.locator.clone();
        let puts = Arc::clone(&self.puts);
        self.answer_later(async move {
            tokio::time::sleep(pause).await;
            let encoded = match run.encoded().await {
                Ok(encoded) => encoded,
                Err(failed) => return Answer::NotEncoded(ticket, failed),
            };
            let topic_id = locator.topic_id.as_deref();
            let metadata = metadata_of(&slot, run.size(), &encoded, encoding, topic_id);
            let _permit = puts.acquire().await;
            if let Err(error) = locator.check_topic().await {
                return Answer::AnotherTopic(error);
            }
            let reply = match objects
                .create(&key, encoded.body, "application/octet-stream", metadata)
                .await
            {
                Ok(Creation::Created) => PutReply::Created,
                Ok(Creation::Exists) => PutReply::Exists,
                Err(error) => {
                    events::put_unknown(&key, &chain(&error));
                    PutReply::Unknown
                }
            };
            Answer::Put(ticket, reply)
        });
    }

    /// HEADs a slot's key after `pause`, once.
    pub(crate) fn head(&self, ticket: Ticket, slot: &Slot, pause: Duration) {
        let objects = self.locator.objects.clone();
        let key = self.key_of(ticket.partition, slot);
        self.answer_later(async move {
            tokio::time::sleep(pause).await;
            let reply = match objects.head(&key).await {
                Ok(Some(metadata)) => found_in(&metadata),
                Ok(None) => HeadReply::Gone,
                Err(error) => {
                    events::head_unknown(&key, &chain(&error));
                    HeadReply::Unknown
                }
            };
            Answer::Head(ticket, reply)
        });
    }

    /// Finds where new partitions go on.
    pub(crate) fn locate(&self, assignment: u64, partitions: Vec<i32>) {
        let locator = self.locator.clone();
        self.answer_later(async move {
            Answer::Located {
                assignment,
                resumes: locator.locate(partitions).await,
            }
        });
    }

    /// Commits offsets for the group, once.
    pub(crate) fn commit(&self, offsets: TopicPartitionList) {
        let consumer = Arc::clone(&self.locator.consumer);
        // librdkafka tells nobody what became of a commit that nobody waits for
        let commit = move || consumer.commit(&offsets, CommitMode::Sync);
        self.answer_later(async move {
            let committed = tokio::task::spawn_blocking(commit).await;
            Answer::Committed(committed.unwrap_or(Err(KafkaError::Canceled)))
        });
    }

    fn answer_later(&self, work: impl Future<Output = Answer> + Send + 'static) {
        let answers = self.answers.clone();
        self.runtime.spawn(async move {
            if answers.send(work.await).is_err() {
                debug!("an answer after the end of reading");
            }
        });
    }
}
