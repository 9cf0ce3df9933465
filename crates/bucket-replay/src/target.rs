use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bucket_reader::Record;
use pipeline_runtime::exit::with_causes;
use pipeline_runtime::kafka::{KafkaArgs, TopicName, partitions_of, topic_id};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::args::Partitioning;
use super::error::{Error, is_of_the_record};
use super::kafka_client::{KafkaClient, KafkaClients, Returned};
use super::ledger::{Balance, Ledger, Origin};
use super::refused_file::RefusedFile;
use super::sending::{Sending, Tag};

const STARTUP_TIMEOUT: Duration = Duration::from_secs(15);

/// How long to wait for acknowledgements once a signal asked to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// Records between two looks at what Kafka acknowledged.
const SENT_BETWEEN_POLLS: u64 = 256;

/// One wait for room in the queue.
const ROOM_POLL: Duration = Duration::from_millis(10);

/// Where records go.
pub(super) enum Target {
    /// Into a topic.
    Kafka(Box<KafkaTarget>),
    /// Nowhere, to see what would go.
    Nowhere,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is on its way, or kept where refused ones are.
    Taken,
    /// It is not, as Kafka refused it or one before it.
    Refused,
    /// It is not, as a signal came while there was no room for it.
    Stopped,
}

/// A record that Kafka does not take.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) origin: Origin,
    pub(super) reason: KafkaError,
}

/// A topic that is written to, from one thread.
pub(super) struct KafkaTarget {
    clients: KafkaClients,
    client: KafkaClient,
    topic: TopicName,
    topic_id: Option<String>,
    partitioning: Partitioning,
    ledger: Arc<Ledger>,
    sent: u64,
    refused_file: Option<RefusedFile>,
    refused: u64,
    refusal: Option<Refusal>,
    stop: CancellationToken,
}

impl Target {
    /// Takes a record; waits while Kafka has no room for it.
    pub(super) fn send(&mut self, record: &Record<'_>, origin: Origin) -> Result<Sent, Error> {
        match self {
            Self::Kafka(kafka) => kafka.send(record, origin),
            Self::Nowhere => Ok(Sent::Taken),
        }
    }

    /// Waits until Kafka has all, or refused one; once a signal came, for a while only.
    pub(super) fn drain(&mut self) -> Result<Balance, Error> {
        match self {
            Self::Kafka(kafka) => kafka.drain(),
            Self::Nowhere => Ok(Balance::default()),
        }
    }

    /// What is sent and acknowledged at this time.
    pub(super) fn balance(&self) -> Balance {
        match self {
            Self::Kafka(kafka) => kafka.ledger.balance(),
            Self::Nowhere => Balance::default(),
        }
    }

    pub(super) fn topic(&self) -> Option<&TopicName> {
        match self {
            Self::Kafka(kafka) => Some(&kafka.topic),
            Self::Nowhere => None,
        }
    }

    /// The record that ended it.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Kafka(kafka) => kafka.refusal.as_ref(),
            Self::Nowhere => None,
        }
    }

    /// How many records are kept where refused ones are.
    pub(super) fn refused(&self) -> u64 {
        match self {
            Self::Kafka(kafka) => kafka.refused,
            Self::Nowhere => 0,
        }
    }
}

impl KafkaTarget {
    /// Finds the topic. Blocks for as long as the broker needs, up to half a minute.
    pub(super) fn connect(
        args: &KafkaArgs,
        partitioning: Partitioning,
        partitions_needed: usize,
        refused_file: Option<&Path>,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let ledger = Arc::new(Ledger::default());
        let clients = KafkaClients::new(args, Arc::clone(&ledger))?;
        let client = clients.client()?;
        let producer = client.producer();
        let serve = || {
            producer.poll(Duration::ZERO);
        };
        let brokers = &args.connection.brokers;
        let there = partitions_of(
            producer.client(),
            clients.contact(),
            brokers,
            &args.topic,
            STARTUP_TIMEOUT,
            serve,
        )?;
        if partitioning == Partitioning::Same && there < partitions_needed {
            return Err(Error::TooFewPartitions {
                topic: args.topic.clone(),
                there,
                needed: partitions_needed,
            });
        }
        let topic_id = topic_id(producer.client(), args.topic.as_str(), STARTUP_TIMEOUT);
        info!(topic = %args.topic, partitions = there, brokers, "topic found");
        Ok(Self {
            refused_file: refused_file.map(RefusedFile::open).transpose()?,
            clients,
            client,
            topic: args.topic.clone(),
            topic_id,
            partitioning,
            ledger,
            sent: 0,
            refused: 0,
            refusal: None,
            stop,
        })
    }

    pub(super) fn topic_id(&self) -> Option<&str> {
        self.topic_id.as_deref()
    }

    fn send(&mut self, record: &Record<'_>, origin: Origin) -> Result<Sent, Error> {
        let is_partition_kept = self.partitioning == Partitioning::Same;
        let tag = Tag::of(record, origin, is_partition_kept, self.sent);
        self.ledger.sent(origin);
        self.sent += 1;
        if self.sent.is_multiple_of(SENT_BETWEEN_POLLS) {
            self.client.producer().poll(Duration::ZERO);
        }
        if self.client.is_refused() {
            let sent = self.recover()?;
            if sent != Sent::Taken {
                self.ledger.withdrawn(origin);
                return Ok(sent);
            }
        }
        match self.queue(tag, record.key, record.value)? {
            Queued::Taken => Ok(Sent::Taken),
            Queued::Stopped => {
                self.ledger.withdrawn(origin);
                Ok(Sent::Stopped)
            }
            Queued::Refused(reason) => self.refuse(&tag.with(record.key, record.value), reason),
            // it came back at once with all that was before it
            Queued::Behind => {
                let behind = Returned {
                    nth: tag.nth,
                    record: tag.with(record.key, record.value),
                    refusal: None,
                };
                self.recover_with(vec![behind])
            }
        }
    }

    /// Hands a record to librdkafka, as soon as there is room.
    fn queue(&self, tag: Tag, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Queued, Error> {
        loop {
            let record = tag.record(self.topic.as_str(), key, value);
            match self.client.producer().send(record) {
                Ok(()) => return Ok(Queued::Taken),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    if self.stop.is_cancelled() {
                        return Ok(Queued::Stopped);
                    }
                    self.client.producer().poll(ROOM_POLL);
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::Fatal), _)) => {
                    return Ok(Queued::Behind);
                }
                Err((reason, _)) => return Ok(Queued::Refused(reason)),
            }
        }
    }

    /// Goes on after a refusal, if it may.
    fn recover(&mut self) -> Result<Sent, Error> {
        self.recover_with(Vec::new())
    }

    /// A refused batch tells not which of its records is at fault: each is sent alone, and only then what was queued behind.
    fn recover_with(&mut self, mut behind: Vec<Returned>) -> Result<Sent, Error> {
        loop {
            let stop = self.stop.clone();
            let mut returned = self.client.give_back(|| stop.is_cancelled());
            returned.append(&mut behind);
            if returned.is_empty() {
                return Ok(Sent::Taken);
            }
            let in_doubt = returned.iter().find_map(|it| {
                let reason = it.refusal.as_ref().filter(|reason| !is_of_the_record(reason))?;
                Some(Refusal {
                    origin: it.record.origin,
                    reason: reason.clone(),
                })
            });
            // what may have been written is not sent again unasked, and what is refused for another reason is so again
            if let Some(refusal) = in_doubt {
                self.refusal = Some(refusal);
                return Ok(Sent::Refused);
            }
            let (refused, queued): (Vec<_>, Vec<_>) =
                returned.into_iter().partition(|it| it.refusal.is_some());
            behind = queued;
            self.client = self.clients.client()?;
            for Returned { nth, record, .. } in refused {
                let sent = self.send_alone(&record, nth)?;
                if sent != Sent::Taken {
                    return Ok(sent);
                }
            }
            let mut queued = std::mem::take(&mut behind).into_iter();
            for Returned { nth, record, refusal } in queued.by_ref() {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                match self.queue(record.tag(nth), key, value)? {
                    Queued::Taken => {}
                    Queued::Stopped => return Ok(Sent::Stopped),
                    Queued::Refused(reason) => match self.refuse(&record, reason)? {
                        Sent::Taken => {}
                        other => return Ok(other),
                    },
                    Queued::Behind => {
                        behind.push(Returned { nth, record, refusal });
                        break;
                    }
                }
                if self.client.is_refused() {
                    break;
                }
            }
            behind.extend(queued);
            if behind.is_empty() && !self.client.is_refused() {
                return Ok(Sent::Taken);
            }
        }
    }

    /// Sends one record and waits for what Kafka says.
    fn send_alone(&mut self, record: &Sending, nth: u64) -> Result<Sent, Error> {
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        match self.queue(record.tag(nth), key, value)? {
            Queued::Taken => {}
            Queued::Stopped | Queued::Behind => return Ok(Sent::Stopped),
            Queued::Refused(reason) => return self.refuse(record, reason),
        }
        while self.client.under_way() > 0 && !self.client.is_refused() {
            if self.stop.is_cancelled() {
                return Ok(Sent::Stopped);
            }
            self.client.producer().poll(ROOM_POLL);
        }
        // the acknowledgement may still wait to be told
        self.client.producer().poll(Duration::ZERO);
        let returned = self.client.give_back(|| false);
        match returned.into_iter().find_map(|returned| returned.refusal) {
            None => Ok(Sent::Taken),
            Some(reason) => {
                let sent = self.refuse(record, reason)?;
                self.client = self.clients.client()?;
                Ok(sent)
            }
        }
    }

    /// Keeps a record that Kafka does not take, if there is a file for it and the record itself is the reason.
    fn refuse(&mut self, record: &Sending, reason: KafkaError) -> Result<Sent, Error> {
        let Origin { partition, offset } = record.origin;
        match &mut self.refused_file {
            Some(file) if is_of_the_record(&reason) => {
                file.keep(record, &with_causes(&reason))?;
                self.refused += 1;
                self.ledger.settled(record.origin);
                warn!(
                    partition,
                    offset, "Kafka does not take the record, it is kept in the file: {reason}"
                );
                Ok(Sent::Taken)
            }
            _ => {
                let origin = record.origin;
                self.refusal.get_or_insert(Refusal { origin, reason });
                Ok(Sent::Refused)
            }
        }
    }

    fn drain(&mut self) -> Result<Balance, Error> {
        let mut stopped_at = None;
        while self.refusal.is_none() {
            while self.client.under_way() > 0 && !self.client.is_refused() {
                if self.stop.is_cancelled()
                    && stopped_at.get_or_insert_with(Instant::now).elapsed() > DRAIN_TIMEOUT
                {
                    return Ok(self.ledger.balance());
                }
                self.client.producer().poll(ROOM_POLL);
            }
            // the last acknowledgements may still wait to be told
            self.client.producer().poll(ROOM_POLL);
            if !self.client.is_refused() || self.recover()? != Sent::Taken {
                break;
            }
        }
        // what was queued before the refusal still arrives
        while self.client.under_way() > 0 && !self.client.is_refused() && !self.stop.is_cancelled() {
            self.client.producer().poll(ROOM_POLL);
        }
        self.client.producer().poll(ROOM_POLL);
        Ok(self.ledger.balance())
    }
}

/// What librdkafka did with a record.
enum Queued {
    Taken,
    /// It has no room, and a signal came.
    Stopped,
    Refused(KafkaError),
    /// A record before it was refused.
    Behind,
}
