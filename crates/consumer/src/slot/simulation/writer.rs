//! A consumer's hold on one partition: the real chain, and around it what the reading thread does.

use rand::Rng;
use uuid::Uuid;

use super::super::{Chain, ClosedBy, Effect, Hour, Offer, Slot};
use super::broken::Broken;
use super::log::{Log, crc_of};
use super::reader::Reader;
use super::store::LatePut;
use crate::assignment::{LogRange, Resume};

/// A consumer that owned the partition at some time, and may not know that it does no more.
pub(super) struct Writer {
    pub(super) partition: i32,
    /// Writers of one process die together.
    pub(super) process: u64,
    pub(super) generation: u64,
    /// Where to go on is known.
    pub(super) chain: Option<Chain>,
    /// Where the slot after those in the bucket begins.
    boundary: i64,
    reader: Reader,
    open: Vec<i64>,
    waiting: Vec<i64>,
    pub(super) in_flight: Vec<i64>,
    /// The answer that is waited for.
    pub(super) asked: Option<Asked>,
}

#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// Kafka, for the commit and the log.
    Commit,
    /// The bucket, for the chain's end, after the log was this.
    List(LogRange),
    /// Kafka, for the log's end, after the bucket told the chain's; its start was this before.
    LogEnd {
        boundary: i64,
        low: Option<i64>,
    },
    Put(Slot),
    Head(Slot),
}

/// What a look at the next record came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Done,
    /// It was left, to be read again.
    Doubted,
    /// The open run is to be closed first.
    Close,
    /// The next offset is gone: look for where to go on.
    Gone,
}

impl Writer {
    pub(super) fn new(partition: i32, process: u64, generation: u64) -> Self {
        Self {
            partition,
            process,
            generation,
            chain: None,
            boundary: 0,
            reader: Reader::new(),
            open: Vec::new(),
            waiting: Vec::new(),
            in_flight: Vec::new(),
            asked: Some(Asked::Commit),
        }
    }

    pub(super) fn locate(&mut self) {
        self.chain = None;
        self.asked = Some(Asked::Commit);
    }

    /// Goes on behind what is gone, at the same boundary.
    pub(super) fn skip_to(&mut self, low: i64) {
        self.chain = Some(Chain::resume(self.boundary, low));
    }

    pub(super) fn resume(&mut self, resume: Resume) {
        self.boundary = resume.boundary;
        self.chain = Some(Chain::resume(resume.boundary, resume.read_from));
    }

    /// What the reading thread does with the next record.
    pub(super) fn read(&mut self, log: &Log, random: &mut impl Rng, broken: Broken) -> Read {
        let Some(chain) = &mut self.chain else {
            return Read::Done;
        };
        if let Some(to) = chain.seek_target() {
            self.reader.seek(to, log, random);
            chain.sought();
        }
        if chain.expected().is_some_and(|expected| expected < log.low) {
            return if chain.is_idle() { Read::Gone } else { Read::Done };
        }
        let Some((offset, hour)) = self.reader.peek(log, random) else {
            return Read::Done;
        };
        match chain.offer(offset, hour) {
            Offer::Skip => self.reader.pass(offset),
            Offer::Doubt => {
                chain.doubt(offset);
                let is_believed = match broken {
                    Broken::FirstGapIsHole => self.reader.is_first,
                    Broken::LaterGapIsHole => !self.reader.is_first,
                    _ => false,
                };
                if is_believed {
                    chain.sought();
                }
                return Read::Doubted;
            }
            Offer::Take => {
                self.reader.pass(offset);
                self.open.push(offset);
                chain.took(offset, hour, crc_of(self.partition, offset));
            }
            Offer::CloseFirst if chain.can_close() => return Read::Close,
            Offer::CloseFirst => chain.read_again(),
        }
        Read::Done
    }

    pub(super) fn can_close(&self) -> bool {
        self.chain.as_ref().is_some_and(Chain::can_close)
    }

    /// Closes the open run.
    pub(super) fn close(&mut self, run_id: Uuid, closed_by: ClosedBy) -> Option<Effect> {
        let effect = self.chain.as_mut()?.close(run_id, closed_by);
        let lines = std::mem::take(&mut self.open);
        if effect.is_some() {
            self.in_flight = lines;
        } else {
            self.waiting = lines;
        }
        effect
    }

    /// The slot under way is in the bucket, and ends there.
    pub(super) fn landed(&mut self, end: i64) {
        self.asked = None;
        self.boundary = end + 1;
        self.in_flight = std::mem::take(&mut self.waiting);
    }

    pub(super) fn forget_unsent(&mut self) {
        self.open.clear();
        self.waiting.clear();
        self.in_flight.clear();
    }

    /// The waiting run as a PUT that is sent too early.
    pub(super) fn pipelined(&self, run_id: Uuid, log: &Log) -> Option<LatePut> {
        let (Asked::Put(before) | Asked::Head(before)) = self.asked.as_ref()? else {
            return None;
        };
        let (first_offset, end) = (*self.waiting.first()?, *self.waiting.last()?);
        let slot = Slot {
            start: before.end + 1,
            end,
            hour: log.hour_of(first_offset)?,
            first_offset,
            first_crc32c: crc_of(self.partition, first_offset),
            run_id,
            closed_by: ClosedBy::Age,
        };
        Some(LatePut {
            partition: self.partition,
            slot,
            lines: self.waiting.clone(),
        })
    }

    /// First offset and hour of each run that is not known to be in the bucket.
    pub(super) fn unresolved<'a>(&'a self, log: &'a Log) -> impl Iterator<Item = (i64, Hour)> + 'a {
        [&self.open, &self.waiting, &self.in_flight]
            .into_iter()
            .filter_map(|lines| Some((*lines.first()?, log.hour_of(*lines.first()?)?)))
    }
}
