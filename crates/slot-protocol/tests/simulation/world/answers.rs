//! What the store and Kafka say to the writers that ask them, in time, late or never.

use rand::RngExt;
use rand::seq::IndexedRandom;
use slot_protocol::{Found, HeadReply, LogRange, PutReply, Resume, Slot, boundary_of_commit};

use super::{Commit, LAYOUT, World};
use crate::broken::Broken;
use crate::writer::Asked;

impl World {
    /// The store comes to a PUT that nobody waits for any more, or whose reply is lost.
    pub(super) fn a_late_put_arrives(&mut self) {
        if !self.bucket.late.is_empty() {
            let at = self.random.random_range(0..self.bucket.late.len());
            self.arrive(at);
        }
    }

    fn arrive(&mut self, at: usize) -> PutReply {
        let put = self.bucket.late.swap_remove(at);
        self.of_mut(put.partition).is_unchecked = true;
        self.bucket.arrive(put)
    }

    /// One writer gets the answer that it waits for: the store's or Kafka's, or none in time.
    pub(super) fn answer_somewhere(&mut self) -> Result<(), String> {
        let waiting: Vec<usize> = (0..self.writers.len())
            .filter(|at| self.writers[*at].asked.is_some())
            .collect();
        let Some(index) = waiting.choose(&mut self.random).copied() else {
            return Ok(());
        };
        let is_lost = self.random.random_bool(0.25);
        self.answer(index, is_lost)
    }

    pub(super) fn answer(&mut self, index: usize, is_lost: bool) -> Result<(), String> {
        let number = self.writers[index].partition;
        let effects = match self.writers[index].asked.take() {
            None => return Ok(()),
            Some(asked @ (Asked::Commit | Asked::List(_) | Asked::LogEnd { .. })) => {
                return self.locate(index, &asked, is_lost);
            }
            Some(Asked::Put(slot)) => {
                let reply = self.reply_to_put(&slot, is_lost);
                let chain = self.writers[index].chain.as_mut();
                chain.map(|chain| chain.put_replied(&reply))
            }
            Some(Asked::Head(slot)) => {
                let reply = self.reply_to_head(number, &slot, is_lost);
                let chain = self.writers[index].chain.as_mut();
                chain.map(|chain| chain.head_replied(reply, None))
            }
        };
        self.apply(index, effects.unwrap_or_default())
    }

    /// The next answer on the way to where a new partition goes on. What fails is begun again.
    fn locate(&mut self, index: usize, asked: &Asked, is_lost: bool) -> Result<(), String> {
        let number = self.writers[index].partition;
        let partition = self.of(number);
        let log = partition.log.range();
        let next = match *asked {
            _ if is_lost => Asked::Commit,
            Asked::Commit => match self.boundary(partition.commit.as_ref(), log) {
                Some(boundary) => return self.resume(index, boundary, log),
                None => Asked::List(log),
            },
            Asked::List(log_before) => {
                self.seen.lists += 1;
                let boundary = self.bucket.tip(number);
                if self.broken == Broken::LogEndAskedBeforeList {
                    return self.resume(index, boundary, log_before);
                }
                let low = if self.broken == Broken::LogStartAskedAfterList {
                    None
                } else {
                    Some(log_before.low)
                };
                Asked::LogEnd { boundary, low }
            }
            Asked::LogEnd { boundary, low } => {
                let low = low.unwrap_or(log.low);
                return self.resume(index, boundary, LogRange { low, ..log });
            }
            Asked::Put(_) | Asked::Head(_) => return Ok(()),
        };
        self.writers[index].asked = Some(next);
        Ok(())
    }

    fn boundary(&self, commit: Option<&Commit>, log: LogRange) -> Option<i64> {
        let commit = commit?;
        if self.broken == Broken::UnguardedReset {
            return Some(commit.offset.min(log.high));
        }
        boundary_of_commit(commit.offset, &commit.metadata, LAYOUT, log)
    }

    fn resume(&mut self, index: usize, boundary: i64, log: LogRange) -> Result<(), String> {
        let resume = Resume::at(boundary, log).map_err(|error| format!("{error:?}"))?;
        self.seen.lost += u64::from(resume.lost() > 0);
        self.writers[index].resume(resume);
        Ok(())
    }

    fn reply_to_put(&mut self, slot: &Slot, is_lost: bool) -> PutReply {
        let sent = self.bucket.late.iter().position(|late| late.slot == *slot);
        if is_lost {
            // a timeout, a 503, a 403 or a 409: the PUT may still be under way, or never have been
            if let Some(sent) = sent.filter(|_| self.random.random_bool(0.4)) {
                self.bucket.late.swap_remove(sent);
                if self.broken == Broken::ConflictIsExists {
                    return PutReply::Created;
                }
            }
            return PutReply::Unknown;
        }
        // if it is not under way, the store came to it before, and the reply is lost
        let reply = sent.map_or(PutReply::Unknown, |sent| self.arrive(sent));
        if reply == PutReply::Exists && self.broken == Broken::AssumeSame {
            return PutReply::Created;
        }
        reply
    }

    fn reply_to_head(&mut self, partition: i32, slot: &Slot, is_lost: bool) -> HeadReply {
        if is_lost {
            return HeadReply::Unknown;
        }
        let reply = match self.bucket.head(partition, slot) {
            // a store whose answers are late may not show yet what its 412 was for
            HeadReply::Found(_) if self.random.random_bool(0.1) => HeadReply::Gone,
            reply => reply,
        };
        match reply {
            HeadReply::Gone => {
                self.seen.gone_after_exists += 1;
                if self.broken == Broken::GoneIsOurs {
                    return ours(slot);
                }
                HeadReply::Gone
            }
            HeadReply::Found(mut found) => {
                let is_ours = found.run_id == slot.run_id;
                self.seen.own_found += u64::from(is_ours);
                if self.broken == Broken::NextIsStartPlusOne && !is_ours {
                    found.end = found.start;
                }
                HeadReply::Found(found)
            }
            reply => reply,
        }
    }
}

/// What the store would say if the slot were there and ours.
fn ours(slot: &Slot) -> HeadReply {
    HeadReply::Found(Found {
        start: slot.start,
        end: slot.end,
        first_offset: slot.first_offset,
        first_crc32c: slot.first_crc32c,
        run_id: slot.run_id,
        topic_id: None,
    })
}
