//! Asks the store and the broker in the background, and hands the answers to the reading thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use rdkafka::error::KafkaResult;
use slot_protocol::{CommitNote, HeadReply, LogRange, PutReply, Resume, Slot};
use tokio::sync::Semaphore;
use tracing::debug;

use crate::clock::Clock;
use crate::destination::Destination;
use crate::encode::{ClosedRun, EncodingFailed};
use crate::location::{self, Location};
use crate::source::Source;

/// Bodies on their way at once, over all partitions.
const PUTS_MAX: usize = 16;
/// Before a PUT: what was read must come to the bucket though the broker is away.
const TOPIC_ID_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs a future to its end, beside whoever hands it over.
pub(crate) type Spawn = Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

/// Whose request an answer is of. An answer to an assignment that is over is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) partition: i32,
    pub(crate) assignment: u64,
}

#[derive(Debug)]
pub(crate) enum Answer {
    /// What became of the run under way.
    Written(Ticket, Written),
    /// Where some of the new partitions go on.
    Located {
        assignment: u64,
        resumes: Vec<(i32, Resume)>,
    },
    /// It cannot be known where new partitions go on.
    NotLocated(location::Error),
    /// What the partitions' logs hold.
    LogRanges(Vec<LogRangeAnswer>),
    /// What became of the commit.
    Committed(KafkaResult<()>),
}

/// What became of a run under way.
#[derive(Debug)]
pub(crate) enum Written {
    /// The PUT was answered.
    Put(PutReply),
    /// The HEAD was answered.
    Head(HeadReply),
    /// The topic was made anew since the start: nothing may be written.
    AnotherTopic(location::Error),
    /// The body to PUT could not be made.
    NotEncoded(EncodingFailed),
}

/// What a partition's log holds.
#[derive(Debug)]
pub(crate) struct LogRangeAnswer {
    pub(crate) partition: i32,
    /// The offset that was wanted next when it was asked.
    pub(crate) expected: i64,
    pub(crate) range: KafkaResult<LogRange>,
}

/// The background's side of the reading thread.
pub(crate) struct Requests {
    source: Source,
    destination: Destination,
    clock: Arc<dyn Clock>,
    spawn: Spawn,
    answers: Sender<Answer>,
    puts: Arc<Semaphore>,
}

impl Requests {
    pub(crate) fn new(
        source: Source,
        destination: Destination,
        clock: Arc<dyn Clock>,
        spawn: Spawn,
        answers: Sender<Answer>,
    ) -> Self {
        Self {
            source,
            destination,
            clock,
            spawn,
            answers,
            puts: Arc::new(Semaphore::new(PUTS_MAX)),
        }
    }

    /// Where the records come from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Where they go.
    pub(crate) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// PUTs a slot after `pause`, as soon as its body is encoded, once.
    pub(crate) fn put(&self, ticket: Ticket, slot: Slot, run: ClosedRun, pause: Duration) {
        let (source, destination) = (self.source.clone(), self.destination.clone());
        let puts = Arc::clone(&self.puts);
        let pause = self.clock.sleep(pause);
        self.answer_later(async move {
            pause.await;
            let encoded = match run.encoded().await {
                Ok(encoded) => encoded,
                Err(failed) => return Answer::Written(ticket, Written::NotEncoded(failed)),
            };
            let _permit = puts.acquire().await;
            if let Err(anew) = source.check_topic(TOPIC_ID_TIMEOUT).await {
                let error = location::Error::made_anew(&source, &destination, anew);
                return Answer::Written(ticket, Written::AnotherTopic(error));
            }
            let topic_id = source.topic_id.as_deref();
            let reply = destination.put(ticket.partition, &slot, run.size(), encoded, topic_id);
            Answer::Written(ticket, Written::Put(reply.await))
        });
    }

    /// HEADs a slot's key after `pause`, once.
    pub(crate) fn head(&self, ticket: Ticket, slot: Slot, pause: Duration) {
        let destination = self.destination.clone();
        let pause = self.clock.sleep(pause);
        self.answer_later(async move {
            pause.await;
            let reply = destination.head(ticket.partition, &slot).await;
            Answer::Written(ticket, Written::Head(reply))
        });
    }

    /// Finds where new partitions go on.
    pub(crate) fn locate(&self, assignment: u64, partitions: Vec<i32>, jitter_seed: u64) {
        let location = Location {
            source: self.source.clone(),
            destination: self.destination.clone(),
            clock: Arc::clone(&self.clock),
            jitter_seed,
        };
        let answers = self.answers.clone();
        let work = async move {
            let mut found = |resumes| send(&answers, Answer::Located { assignment, resumes });
            if let Err(error) = location.find(partitions, &mut found).await {
                send(&answers, Answer::NotLocated(error));
            }
        };
        (self.spawn)(work.boxed());
    }

    /// Asks after `pause` what the logs of partitions hold, of which the next offset wanted may be gone.
    pub(crate) fn log_ranges(&self, wanted: Vec<(i32, i64)>, pause: Duration) {
        let broker = Arc::clone(&self.source.broker);
        let pause = self.clock.sleep(pause);
        self.answer_later(async move {
            pause.await;
            let asked = wanted.into_iter().map(|(partition, expected)| {
                let range = broker.log_range(partition);
                range.map(move |range| LogRangeAnswer {
                    partition,
                    expected,
                    range,
                })
            });
            Answer::LogRanges(join_all(asked).await)
        });
    }

    /// Commits the ends of slots for the group, once.
    pub(crate) fn commit(&self, notes: BTreeMap<i32, CommitNote>) {
        let broker = Arc::clone(&self.source.broker);
        self.answer_later(async move { Answer::Committed(broker.commit(notes).await) });
    }

    fn answer_later(&self, work: impl Future<Output = Answer> + Send + 'static) {
        let answers = self.answers.clone();
        let answered = work.map(move |answer| send(&answers, answer));
        (self.spawn)(answered.boxed());
    }
}

fn send(answers: &Sender<Answer>, answer: Answer) {
    if answers.send(answer).is_err() {
        debug!("an answer after the end of reading");
    }
}
