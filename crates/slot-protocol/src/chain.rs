use alloc::vec;
use alloc::vec::Vec;

use uuid::Uuid;

use crate::outcome::same_log;
use crate::{ClosedBy, Conflict, HeadReply, Hour, PutReply, Resume, Slot};

/// The records of one run, in whatever form its writer keeps them.
pub trait Run {
    /// The bytes of one object. Each PUT takes a clone, so it must be cheap.
    type Closed: Clone;
    /// Why a run cannot be closed.
    type Error;

    /// Ends it: no record comes any more.
    ///
    /// # Errors
    ///
    /// If its bytes cannot be made.
    fn close(self) -> Result<Self::Closed, Self::Error>;
}

/// One partition's chain, as one assignment of it sees it, and the runs that are not known to be in the bucket yet: the
/// open one, one that waits, and the one under way.
pub struct Chain<R: Run> {
    reading: Reading,
    /// Where the open run begins, or would.
    next: i64,
    open: Option<OpenRun<R>>,
    /// Closed while another run was under way.
    waiting: Option<ClosedRun<R::Closed>>,
    flight: Option<Flight<R::Closed>>,
    /// The reader was moved, and no gap was believed since.
    doubts_gaps: bool,
    /// The record that came last, though an earlier one was wanted.
    doubted: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Records are not taken before the log's reader stands at this offset.
    Seeking { to: i64 },
    /// Records from this offset on are new.
    From { expected: i64 },
    /// Nothing is taken any more.
    Halted,
}

struct OpenRun<R> {
    run: R,
    first_offset: i64,
    first_crc32c: u32,
    hour: Hour,
    end: i64,
}

struct ClosedRun<C> {
    slot: Slot,
    run: C,
}

/// The one run that is being written.
struct Flight<C> {
    closed: ClosedRun<C>,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Put,
    Head,
}

/// What to do with a record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is covered already, or the reader is being moved: leave it.
    Skip,
    /// It goes into the open run: [`Chain::take`] it.
    Take,
    /// It lies behind the record wanted: the log has a hole there, or the reader was misplaced, at its last move or
    /// since. Say so with [`Chain::doubt`], which has it read again; the same record twice is a hole.
    /// Later gaps are believed until the next move: transactions leave one at each commit, and each doubt costs a fetch.
    Doubt,
    /// It is of a later hour than the open run: close that first, then offer it again.
    CloseFirst,
}

/// What the chain's owner does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<C> {
    /// PUT these bytes under this slot's key, create-only.
    Put {
        /// What makes the key.
        slot: Slot,
        /// The bytes.
        run: C,
    },
    /// The same PUT again, after a pause.
    PutAgain {
        /// What makes the key.
        slot: Slot,
        /// The bytes.
        run: C,
    },
    /// HEAD this slot's key.
    Head(Slot),
    /// The same HEAD again, after a pause.
    HeadAgain(Slot),
    /// The slot is in the bucket: commit `end + 1`, as a hint for the next start. If another's object was adopted that
    /// ends elsewhere, what was read behind is dropped, and the log's reader is to be moved ([`Chain::seek_target`]).
    Resolved {
        /// The slot as we have it.
        slot: Slot,
        /// Its bytes, wanted no more.
        run: C,
        /// Last offset that the object in the bucket covers.
        end: i64,
        /// Another writer's object was adopted.
        is_adopted: bool,
    },
    /// Stop for good: the object in this slot's place is of another log.
    Halt {
        /// The slot that could not be written.
        slot: Slot,
        /// Why.
        conflict: Conflict,
    },
}

impl<R: Run> Chain<R> {
    /// A chain whose next slot begins at the boundary. The log's reader must be moved to where it is to read from,
    /// which is further only if retention deleted what lies between.
    #[must_use]
    pub fn resume(resume: Resume) -> Self {
        Self {
            reading: Reading::Seeking { to: resume.read_from },
            next: resume.boundary,
            open: None,
            waiting: None,
            flight: None,
            doubts_gaps: false,
            doubted: None,
        }
    }

    /// Where the log's reader must be moved to, if it must.
    #[must_use]
    pub fn seek_target(&self) -> Option<i64> {
        match self.reading {
            Reading::Seeking { to } => Some(to),
            Reading::From { .. } | Reading::Halted => None,
        }
    }

    /// The log's reader stands where [`Chain::seek_target`] asked.
    pub fn sought(&mut self) {
        if let Reading::Seeking { to } = self.reading {
            self.reading = Reading::From { expected: to };
            self.doubts_gaps = true;
        }
    }

    /// A record that [`Chain::offer`] doubted: the one wanted is to be read again.
    pub fn doubt(&mut self, offset: i64) {
        self.doubted = Some(offset);
        self.read_again();
    }

    /// The record that is wanted next is to be read once more: the reader was stopped, or it came too early.
    pub fn read_again(&mut self) {
        if let Reading::From { expected } = self.reading {
            self.reading = Reading::Seeking { to: expected };
        }
    }

    /// The offset of the next record wanted, while records are taken.
    #[must_use]
    pub fn expected(&self) -> Option<i64> {
        match self.reading {
            Reading::From { expected } => Some(expected),
            Reading::Seeking { .. } | Reading::Halted => None,
        }
    }

    /// What to do with a record.
    #[must_use]
    pub fn offer(&self, offset: i64, hour: Hour) -> Offer {
        match (self.reading, &self.open) {
            (Reading::From { expected }, _) if offset < expected => Offer::Skip,
            (Reading::From { expected }, _)
                if offset > expected && self.doubts_gaps && self.doubted != Some(offset) =>
            {
                Offer::Doubt
            }
            (Reading::From { .. }, Some(open)) if hour > open.hour => Offer::CloseFirst,
            (Reading::From { .. }, _) => Offer::Take,
            (Reading::Seeking { .. } | Reading::Halted, _) => Offer::Skip,
        }
    }

    /// Takes the record that [`Chain::offer`] wanted: `push` adds it to the open run; if there is none, `begin` makes one
    /// of it and tells its CRC32C, by which two writers of the slot know whether they read the same log.
    ///
    /// # Errors
    ///
    /// What `push` or `begin` cannot do. The record is not taken then.
    pub fn take<E>(
        &mut self,
        offset: i64,
        hour: Hour,
        begin: impl FnOnce() -> Result<(R, u32), E>,
        push: impl FnOnce(&mut R) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(open) = &mut self.open {
            push(&mut open.run)?;
            open.end = offset;
        } else {
            let (run, first_crc32c) = begin()?;
            self.open = Some(OpenRun {
                run,
                first_offset: offset,
                first_crc32c,
                hour,
                end: offset,
            });
        }
        if self.expected().is_some_and(|expected| offset > expected) {
            self.doubts_gaps = false;
        }
        self.reading = Reading::From { expected: offset + 1 };
        self.doubted = None;
        Ok(())
    }

    /// The open run, if there is one.
    #[must_use]
    pub fn open(&self) -> Option<&R> {
        self.open.as_ref().map(|open| &open.run)
    }

    /// The closed runs that are not known to be in the bucket: the one under way, then the one that waits.
    pub fn closed(&self) -> impl Iterator<Item = (&Slot, &R::Closed)> {
        let under_way = self.flight.as_ref().map(|flight| &flight.closed);
        let closed = under_way.into_iter().chain(&self.waiting);
        closed.map(|closed| (&closed.slot, &closed.run))
    }

    /// Whether [`Chain::close`] closes a run: there is an open one, and no other waits already.
    #[must_use]
    pub fn can_close(&self) -> bool {
        self.open.is_some() && self.waiting.is_none()
    }

    /// Whether nothing is open, waits or is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.is_none() && self.waiting.is_none() && self.flight.is_none()
    }

    /// Whether a closed run waits behind the one under way.
    #[must_use]
    pub fn is_run_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Closes the open run, if [`Chain::can_close`]. It is put at once if none is under way, and waits otherwise.
    ///
    /// # Errors
    ///
    /// What closing the run cannot do. The chain cannot go on then.
    pub fn close(
        &mut self,
        run_id: Uuid,
        closed_by: ClosedBy,
    ) -> Result<Option<Effect<R::Closed>>, R::Error> {
        if self.waiting.is_some() {
            return Ok(None);
        }
        let Some(open) = self.open.take() else {
            return Ok(None);
        };
        let slot = Slot {
            start: self.next,
            end: open.end,
            hour: open.hour,
            first_offset: open.first_offset,
            first_crc32c: open.first_crc32c,
            run_id,
            closed_by,
        };
        let run = open.run.close()?;
        self.next = slot.end + 1;
        let closed = ClosedRun { slot, run };
        if self.flight.is_some() {
            self.waiting = Some(closed);
            Ok(None)
        } else {
            Ok(Some(self.put(closed)))
        }
    }

    fn put(&mut self, closed: ClosedRun<R::Closed>) -> Effect<R::Closed> {
        let (slot, run) = (closed.slot.clone(), closed.run.clone());
        self.flight = Some(Flight {
            closed,
            step: Step::Put,
        });
        Effect::Put { slot, run }
    }

    /// The store answered the PUT of the slot under way.
    pub fn put_replied(&mut self, reply: &PutReply) -> Vec<Effect<R::Closed>> {
        let Some(flight) = self.flight.as_mut().filter(|flight| flight.step == Step::Put) else {
            return Vec::new();
        };
        match reply {
            PutReply::Created => self.resolve(None),
            PutReply::Exists => {
                flight.step = Step::Head;
                vec![Effect::Head(flight.closed.slot.clone())]
            }
            PutReply::Unknown => vec![flight.put_again()],
        }
    }

    /// The store answered the HEAD of the slot under way. `topic_id` is Kafka's id of our topic, where known.
    pub fn head_replied(&mut self, reply: HeadReply, topic_id: Option<&str>) -> Vec<Effect<R::Closed>> {
        let Some(flight) = self.flight.as_mut().filter(|flight| flight.step == Step::Head) else {
            return Vec::new();
        };
        let slot = &flight.closed.slot;
        match reply {
            HeadReply::Found(found) if found.run_id == slot.run_id => self.resolve(None),
            HeadReply::Found(found) => match same_log(slot, topic_id, &found) {
                Ok(()) => self.resolve(Some(found.end)),
                Err(conflict) => self.halt(conflict),
            },
            HeadReply::Foreign { what } => self.halt(Conflict::Foreign { what }),
            HeadReply::Gone => {
                flight.step = Step::Put;
                vec![flight.put_again()]
            }
            HeadReply::Unknown => vec![Effect::HeadAgain(slot.clone())],
        }
    }

    /// The slot under way is in the bucket: as ours, or as another's that begins where ours does and ends elsewhere.
    fn resolve(&mut self, adopted_end: Option<i64>) -> Vec<Effect<R::Closed>> {
        let Some(Flight { closed, .. }) = self.flight.take() else {
            return Vec::new();
        };
        let ClosedRun { slot, run } = closed;
        let end = adopted_end.unwrap_or(slot.end);
        let is_all_of_ours = end == slot.end;
        let mut effects = vec![Effect::Resolved {
            slot,
            run,
            end,
            is_adopted: adopted_end.is_some(),
        }];
        if is_all_of_ours {
            effects.extend(self.waiting.take().map(|waiting| self.put(waiting)));
        } else {
            // what was read since lies across the boundary that the other writer drew
            self.waiting = None;
            self.open = None;
            self.next = end + 1;
            // what came in place of another record says nothing of this one
            self.doubted = None;
            self.reading = Reading::Seeking { to: end + 1 };
        }
        effects
    }

    fn halt(&mut self, conflict: Conflict) -> Vec<Effect<R::Closed>> {
        self.reading = Reading::Halted;
        self.waiting = None;
        self.open = None;
        let halted = self.flight.take().map(|flight| Effect::Halt {
            slot: flight.closed.slot,
            conflict,
        });
        halted.into_iter().collect()
    }
}

impl<C: Clone> Flight<C> {
    fn put_again(&self) -> Effect<C> {
        Effect::PutAgain {
            slot: self.closed.slot.clone(),
            run: self.closed.run.clone(),
        }
    }
}
