//! One consumer: the real loop with its real requests, between the topic and the bucket in memory.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use slot_protocol::SlotKeys;
use uuid::Uuid;

use super::background::{Background, StandingClock};
use super::bucket::FlakyBucket;
use super::topic::{MemberBroker, MemberLog, TOPIC_ID, Topic};
use crate::destination::Destination;
use crate::encode::{Compression, Encoders, Encoding};
use crate::memory::MemoryBudget;
use crate::partition::Flush;
use crate::reader::{Consuming, Error, Reader, Settings, Surroundings};
use crate::requests::Requests;
use crate::source::Source;

pub(crate) const LAYOUT: Uuid = Uuid::from_u128(7);
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);
const ENCODING: Encoding = Encoding::Lines(Compression::None);

/// The topic's objects.
pub(crate) fn keys() -> SlotKeys {
    SlotKeys::new("", "t", ENCODING.extension())
}

pub(crate) fn settings() -> Settings {
    Settings {
        group: "g".to_owned(),
        flush: Flush {
            interval: Duration::from_secs(1),
            bytes: u64::MAX,
            records: 4,
        },
        memory: MemoryBudget::new(MemoryBudget::MIN_BYTES).unwrap(),
        drain_timeout: DRAIN_TIMEOUT.into(),
    }
}

/// Where the records come from, as a member of the group sees it.
pub(crate) fn source(topic: &Topic, member: u64) -> Source {
    Source {
        broker: Arc::new(MemberBroker {
            topic: topic.clone(),
            member,
        }),
        topic: "t".parse().unwrap(),
        topic_id: Some(TOPIC_ID.to_owned()),
    }
}

pub(crate) fn destination(bucket: &FlakyBucket) -> Destination {
    Destination {
        bucket: Arc::new(bucket.clone()),
        keys: keys(),
        layout: LAYOUT,
        topic_id: Some(TOPIC_ID.to_owned()),
        encoding: ENCODING,
    }
}

/// One consumer, which owns partitions, or did once and does not know that it does no more.
pub(crate) struct Process {
    pub(crate) member: u64,
    pub(crate) log: MemberLog,
    pub(crate) background: Background,
    pub(crate) reader: Reader<MemberLog, Consuming>,
}

impl Process {
    pub(crate) fn start(
        member: u64,
        topic: &Topic,
        bucket: &FlakyBucket,
        clock: &StandingClock,
        settings: Settings,
        is_cooperative: bool,
    ) -> Self {
        let log = MemberLog::new(topic.clone(), is_cooperative, member);
        let background = Background::new();
        let clock = Arc::new(clock.clone());
        let (sender, answers) = channel();
        let requests = Requests::new(
            source(topic, member),
            destination(bucket),
            Arc::clone(&clock) as _,
            background.spawn(),
            sender,
        );
        let surroundings = Surroundings {
            log: log.clone(),
            requests,
            answers,
            encoders: Encoders::on_this_thread(ENCODING),
            clock,
            random: StdRng::seed_from_u64(member),
        };
        Self {
            member,
            log,
            background,
            reader: Reader::new(settings, surroundings),
        }
    }

    /// One round of the loop, and what it asked for in the background.
    pub(crate) fn round(&mut self) -> Result<(), Error> {
        self.reader.round()?;
        self.background.run();
        Ok(())
    }
}
