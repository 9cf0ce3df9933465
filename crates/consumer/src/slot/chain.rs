use super::outcome::same_log;
use super::{ClosedBy, Conflict, HeadReply, Hour, PutReply, Slot};
use uuid::Uuid;

/// One partition's chain, as one assignment of it sees it. What it does not hold are the records' bytes:
/// the owner keeps them for the open run, for the run that waits and for the one under way.
#[derive(Debug)]
pub(crate) struct Chain {
    reading: Reading,
    /// Where the open run begins, or would.
    next: i64,
    open: Option<OpenRun>,
    /// Closed while another run was under way.
    waiting: Option<Slot>,
    flight: Option<Flight>,
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

#[derive(Debug)]
struct OpenRun {
    first_offset: i64,
    first_crc32c: u32,
    hour: Hour,
    end: i64,
}

/// The one run that is being written.
#[derive(Debug)]
struct Flight {
    slot: Slot,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Put,
    Head,
}

/// What to do with a record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is covered already, or the reader is being moved: leave it.
    Skip,
    /// It goes into the open run: encode it and say so with [`Chain::took`].
    Take,
    /// It lies behind the record wanted: the log has a hole there, or the reader was misplaced, at its last move or
    /// since. Say so with [`Chain::doubt`], which has it read again; the same record twice is a hole.
    /// Later gaps are believed until the next move: transactions leave one at each commit, and each doubt costs a fetch.
    Doubt,
    /// It is of a later hour than the open run: close that first, then offer it again.
    CloseFirst,
}

/// What the owner does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// PUT this slot, create-only: the closed run's bytes.
    Put(Slot),
    /// The same PUT again, after a pause.
    PutAgain(Slot),
    /// HEAD this slot's key.
    Head(Slot),
    /// The same HEAD again, after a pause.
    HeadAgain(Slot),
    /// The slot is in the bucket: drop its bytes, and commit `end + 1`, as a hint for the next start.
    Resolved {
        /// The slot as we have it.
        slot: Slot,
        /// Last offset that the object in the bucket covers.
        end: i64,
        /// Another writer's object was adopted.
        is_adopted: bool,
    },
    /// Drop the bytes of the open and the waiting run, move the log's reader to this offset, then call
    /// [`Chain::sought`].
    Reread {
        /// Offset of the next record wanted.
        from: i64,
    },
    /// Stop for good: the object in this slot's place is of another log.
    Halt {
        /// The slot that could not be written.
        slot: Slot,
        /// Why.
        conflict: Conflict,
    },
}

impl Chain {
    /// A chain whose next slot begins at `boundary`; the log's reader must be moved to `read_from`, which is
    /// further only if retention deleted what lies between.
    #[must_use]
    pub(crate) fn resume(boundary: i64, read_from: i64) -> Self {
        Self {
            reading: Reading::Seeking { to: read_from },
            next: boundary,
            open: None,
            waiting: None,
            flight: None,
            doubts_gaps: false,
            doubted: None,
        }
    }

    /// Where the log's reader must be moved to, if it must.
    #[must_use]
    pub(crate) fn seek_target(&self) -> Option<i64> {
        match self.reading {
            Reading::Seeking { to } => Some(to),
            Reading::From { .. } | Reading::Halted => None,
        }
    }

    /// The log's reader stands where [`Chain::seek_target`] asked.
    pub(crate) fn sought(&mut self) {
        if let Reading::Seeking { to } = self.reading {
            self.reading = Reading::From { expected: to };
            self.doubts_gaps = true;
        }
    }

    /// A record that [`Chain::offer`] doubted: the one wanted is to be read again.
    pub(crate) fn doubt(&mut self, offset: i64) {
        self.doubted = Some(offset);
        self.read_again();
    }

    /// The record that is wanted next is to be read once more: the reader was stopped, or it came too early.
    pub(crate) fn read_again(&mut self) {
        if let Reading::From { expected } = self.reading {
            self.reading = Reading::Seeking { to: expected };
        }
    }

    /// The offset of the next record wanted, while records are taken.
    #[must_use]
    pub(crate) fn expected(&self) -> Option<i64> {
        match self.reading {
            Reading::From { expected } => Some(expected),
            Reading::Seeking { .. } | Reading::Halted => None,
        }
    }

    /// What to do with a record.
    #[must_use]
    pub(crate) fn offer(&self, offset: i64, hour: Hour) -> Offer {
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

    /// The record that [`Chain::offer`] wanted is encoded. `crc32c` is of its line; that of a run's first is kept.
    pub(crate) fn took(&mut self, offset: i64, hour: Hour, crc32c: u32) {
        if self.expected().is_some_and(|expected| offset > expected) {
            self.doubts_gaps = false;
        }
        self.reading = Reading::From { expected: offset + 1 };
        self.doubted = None;
        match &mut self.open {
            Some(open) => open.end = offset,
            None => {
                self.open = Some(OpenRun {
                    first_offset: offset,
                    first_crc32c: crc32c,
                    hour,
                    end: offset,
                });
            }
        }
    }

    /// Whether [`Chain::close`] can be called: there is an open run, and no other waits already.
    #[must_use]
    pub(crate) fn can_close(&self) -> bool {
        self.open.is_some() && self.waiting.is_none()
    }

    /// Whether nothing is open, waits or is under way.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_none() && self.waiting.is_none() && self.flight.is_none()
    }

    /// Whether a closed run waits behind the one under way.
    #[must_use]
    pub(crate) fn is_run_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Closes the open run. It is put at once if none is under way, and waits otherwise. Call only if
    /// [`Chain::can_close`]; it does nothing else.
    pub(crate) fn close(&mut self, run_id: Uuid, closed_by: ClosedBy) -> Option<Effect> {
        if self.waiting.is_some() {
            return None;
        }
        let open = self.open.take()?;
        let slot = Slot {
            start: self.next,
            end: open.end,
            hour: open.hour,
            first_offset: open.first_offset,
            first_crc32c: open.first_crc32c,
            run_id,
            closed_by,
        };
        self.next = slot.end + 1;
        if self.flight.is_some() {
            self.waiting = Some(slot);
            None
        } else {
            Some(self.put(slot))
        }
    }

    fn put(&mut self, slot: Slot) -> Effect {
        self.flight = Some(Flight {
            slot: slot.clone(),
            step: Step::Put,
        });
        Effect::Put(slot)
    }

    /// The store answered the PUT of the slot under way.
    pub(crate) fn put_replied(&mut self, reply: &PutReply) -> Vec<Effect> {
        let Some(flight) = self.flight.as_mut().filter(|flight| flight.step == Step::Put) else {
            return Vec::new();
        };
        match reply {
            PutReply::Created => {
                let end = flight.slot.end;
                self.resolve(end, false)
            }
            PutReply::Exists => {
                flight.step = Step::Head;
                vec![Effect::Head(flight.slot.clone())]
            }
            PutReply::Unknown => vec![Effect::PutAgain(flight.slot.clone())],
        }
    }

    /// The store answered the HEAD of the slot under way. `topic_id` is Kafka's id of our topic, where known.
    pub(crate) fn head_replied(&mut self, reply: HeadReply, topic_id: Option<&str>) -> Vec<Effect> {
        let Some(flight) = self.flight.as_mut().filter(|flight| flight.step == Step::Head) else {
            return Vec::new();
        };
        match reply {
            HeadReply::Found(found) if found.run_id == flight.slot.run_id => {
                let end = flight.slot.end;
                self.resolve(end, false)
            }
            HeadReply::Found(found) => match same_log(&flight.slot, topic_id, &found) {
                Ok(()) => self.resolve(found.end, true),
                Err(conflict) => self.halt(conflict),
            },
            HeadReply::Foreign { what } => self.halt(Conflict::Foreign { what }),
            HeadReply::Gone => {
                flight.step = Step::Put;
                vec![Effect::PutAgain(flight.slot.clone())]
            }
            HeadReply::Unknown => vec![Effect::HeadAgain(flight.slot.clone())],
        }
    }

    /// The bucket holds a slot that begins where ours does and ends at `end`.
    fn resolve(&mut self, end: i64, is_adopted: bool) -> Vec<Effect> {
        let Some(Flight { slot, .. }) = self.flight.take() else {
            return Vec::new();
        };
        let is_all_of_ours = end == slot.end;
        let mut effects = vec![Effect::Resolved {
            slot,
            end,
            is_adopted,
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
            effects.push(Effect::Reread { from: end + 1 });
        }
        effects
    }

    fn halt(&mut self, conflict: Conflict) -> Vec<Effect> {
        self.reading = Reading::Halted;
        self.waiting = None;
        self.open = None;
        match self.flight.take() {
            Some(Flight { slot, .. }) => vec![Effect::Halt { slot, conflict }],
            None => Vec::new(),
        }
    }
}
