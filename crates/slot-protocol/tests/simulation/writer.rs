//! A consumer's hold on one partition: the real chain, and around it what the reading thread does.

use std::convert::Infallible;

use rand::Rng;
use slot_protocol::{Chain, ClosedBy, Effect, Hour, LogRange, Offer, Resume, Run, Slot};
use uuid::Uuid;

use super::broken::Broken;
use super::log::{Log, crc_of};
use super::reader::Reader;
use super::store::LatePut;

/// A run: the offsets that its lines are of.
pub(super) struct Lines(Vec<i64>);

impl Run for Lines {
    type Closed = Vec<i64>;
    type Error = Infallible;

    fn close(self) -> Result<Vec<i64>, Infallible> {
        Ok(self.0)
    }
}

/// A consumer that owned the partition at some time, and may not know that it does no more.
pub(super) struct Writer {
    pub(super) partition: i32,
    /// Writers of one process die together.
    pub(super) process: u64,
    pub(super) generation: u64,
    /// Where to go on is known.
    pub(super) chain: Option<Chain<Lines>>,
    /// Where the slot after those in the bucket begins.
    boundary: i64,
    reader: Reader,
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
            asked: Some(Asked::Commit),
        }
    }

    pub(super) fn locate(&mut self) {
        self.chain = None;
        self.asked = Some(Asked::Commit);
    }

    /// Goes on behind what is gone, at the same boundary.
    pub(super) fn skip_to(&mut self, low: i64) {
        self.resume(Resume {
            boundary: self.boundary,
            read_from: low,
        });
    }

    pub(super) fn resume(&mut self, resume: Resume) {
        self.boundary = resume.boundary;
        self.chain = Some(Chain::resume(resume));
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
                let begin = || Ok::<_, Infallible>((Lines(vec![offset]), crc_of(self.partition, offset)));
                let push = |lines: &mut Lines| {
                    lines.0.push(offset);
                    Ok(())
                };
                let Ok(()) = chain.take(offset, hour, begin, push);
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
    pub(super) fn close(&mut self, run_id: Uuid, closed_by: ClosedBy) -> Option<Effect<Vec<i64>>> {
        let Ok(effect) = self.chain.as_mut()?.close(run_id, closed_by);
        effect
    }

    /// The slot under way is in the bucket, and ends there.
    pub(super) fn landed(&mut self, end: i64) {
        self.asked = None;
        self.boundary = end + 1;
    }

    /// The run that waits behind the one under way, as a PUT.
    pub(super) fn waiting(&self) -> Option<LatePut> {
        let (slot, lines) = self.chain.as_ref()?.closed().nth(1)?;
        Some(LatePut {
            partition: self.partition,
            slot: slot.clone(),
            lines: lines.clone(),
        })
    }

    /// First offset and hour of each run that is not known to be in the bucket.
    pub(super) fn unresolved<'a>(&'a self, log: &'a Log) -> impl Iterator<Item = (i64, Hour)> + 'a {
        let open = self.chain.iter().filter_map(Chain::open);
        let closed = self.chain.iter().flat_map(Chain::closed);
        let firsts = open
            .map(|lines| lines.0[0])
            .chain(closed.map(|(_, lines)| lines[0]));
        firsts.filter_map(|first_offset| Some((first_offset, log.hour_of(first_offset)?)))
    }
}
