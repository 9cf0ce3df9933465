//! What the chains want done, and the answers that come back to them.

use std::time::Duration;

use pipeline_runtime::systemd;
use slot_protocol::{Chain, ClosedBy, Effect, Slot};
use tracing::debug;

use super::Reader;
use crate::Error;
use crate::encode::{ClosedRun, OpenRun};
use crate::events;
use crate::partition::Timed;
use crate::requests::{Answer, Ticket};

impl Reader {
    pub(super) fn take_answers(&mut self) -> Result<(), Error> {
        while let Ok(answer) = self.input.answers.try_recv() {
            match answer {
                Answer::Located { assignment, resumes } => {
                    self.located(assignment, resumes)?;
                    systemd::ready();
                }
                Answer::Put(ticket, reply) => {
                    let effects = self.chain_of(ticket, |chain| chain.put_replied(&reply));
                    self.apply(ticket, effects)?;
                }
                Answer::Committed(committed) => self.commits.answered(committed, self.round_began_at),
                Answer::AnotherTopic(error) => return Err(error),
                Answer::NotEncoded(ticket, failed) => {
                    return Err(Error::NotEncoded {
                        topic: self.config.kafka.topic.clone(),
                        partition: ticket.partition,
                        source: failed.into(),
                    });
                }
                Answer::Head(ticket, reply) => {
                    let topic_id = self.requests.locator.topic_id.clone();
                    let effects =
                        self.chain_of(ticket, |chain| chain.head_replied(reply, topic_id.as_deref()));
                    self.apply(ticket, effects)?;
                }
            }
        }
        Ok(())
    }

    fn chain_of(
        &mut self,
        ticket: Ticket,
        ask: impl FnOnce(&mut Chain<Timed<OpenRun>>) -> Vec<Effect<Timed<ClosedRun>>>,
    ) -> Vec<Effect<Timed<ClosedRun>>> {
        match self.partitions.get_mut(&ticket.partition) {
            Some(partition) if partition.assignment == ticket.assignment => ask(&mut partition.chain),
            _ => {
                debug!(?ticket, "an answer to a partition that is not ours any more");
                Vec::new()
            }
        }
    }

    pub(super) fn close(&mut self, number: i32, closed_by: ClosedBy) -> Result<(), Error> {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return Ok(());
        };
        let ticket = Ticket {
            partition: number,
            assignment: partition.assignment,
        };
        let closed = partition.close(closed_by);
        let offset = partition.chain.expected().unwrap_or_default();
        let effect = closed.map_err(|source| self.encode_error(number, offset, source))?;
        self.apply(ticket, effect.into_iter().collect())
    }

    fn apply(&mut self, ticket: Ticket, effects: Vec<Effect<Timed<ClosedRun>>>) -> Result<(), Error> {
        for effect in effects {
            match effect {
                Effect::Put { slot, run } => self.requests.put(ticket, slot, run.run, Duration::ZERO),
                Effect::PutAgain { slot, run } => {
                    let pause = self.pause_of(ticket);
                    self.requests.put(ticket, slot, run.run, pause);
                }
                Effect::Head(slot) => self.requests.head(ticket, &slot, Duration::ZERO),
                Effect::HeadAgain(slot) => {
                    let pause = self.pause_of(ticket);
                    self.requests.head(ticket, &slot, pause);
                }
                Effect::Resolved {
                    slot,
                    run,
                    end,
                    is_adopted,
                } => self.resolved(ticket, &slot, &run.run, end, is_adopted),
                Effect::Halt { slot, conflict } => {
                    return Err(Error::AnotherLog {
                        bucket: self.config.bucket.clone(),
                        key: self.requests.key_of(ticket.partition, &slot),
                        partition: ticket.partition,
                        start: slot.start,
                        conflict,
                    });
                }
            }
        }
        Ok(())
    }

    fn pause_of(&mut self, ticket: Ticket) -> Duration {
        self.partitions
            .get_mut(&ticket.partition)
            .map_or(Duration::ZERO, crate::partition::Partition::next_pause)
    }

    fn resolved(&mut self, ticket: Ticket, slot: &Slot, run: &ClosedRun, end: i64, is_adopted: bool) {
        if let Some(partition) = self.partitions.get_mut(&ticket.partition) {
            partition.forget_pauses();
        }
        let key = self.requests.key_of(ticket.partition, slot);
        if is_adopted {
            self.tally.objects_adopted += 1;
            events::slot_adopted(&key, end);
        } else {
            let size = run.size();
            self.tally.objects_created += 1;
            self.tally.records_stored += size.records;
            self.tally.bytes_stored += run.encoded_len();
            events::slot_written(&key, end, run, slot.closed_by);
        }
        self.commits.owe(ticket.partition, slot.start, end);
    }
}
