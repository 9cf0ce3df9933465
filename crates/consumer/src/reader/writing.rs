use std::io;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use slot_protocol::{ClosedBy, Effect, Slot};
use tracing::debug;
use uuid::Builder;

use super::commits::Commits;
use super::{Error, Reader, Tally};
use crate::encode::ClosedRun;
use crate::events;
use crate::kafka::Log;
use crate::partition::{Partition, Timed};
use crate::requests::{Requests, Ticket, Written};

/// What becomes of closed runs: each is put until the bucket has it, then its end is committed.
pub(super) struct Writing {
    pub(super) requests: Requests,
    pub(super) commits: Commits,
    random: StdRng,
}

impl<L: Log, S> Reader<L, S> {
    /// The store or the encoder answered for a run under way.
    pub(super) fn written(&mut self, ticket: Ticket, written: Written) -> Result<(), Error> {
        let ours = self.partitions.get_mut(&ticket.partition);
        if let Some(partition) = ours.filter(|partition| partition.ticket == ticket) {
            return self.writing.go_on(partition, written, &mut self.tally);
        }
        debug!(?ticket, "an answer to a partition that is not ours any more");
        Ok(())
    }
}

impl Writing {
    pub(super) fn new(requests: Requests, commits: Commits, random: StdRng) -> Self {
        Self {
            requests,
            commits,
            random,
        }
    }

    /// What the pauses of a partition's requests are stretched by.
    pub(super) fn jitter_seed(&mut self) -> u64 {
        self.random.random()
    }

    /// Closes a partition's open run, if there is one and no other waits already.
    pub(super) fn close(&mut self, partition: &mut Partition, closed_by: ClosedBy) -> Result<(), Error> {
        let run_id = Builder::from_random_bytes(self.random.random()).into_uuid();
        let ticket = partition.ticket;
        let closed = partition.chain.close(run_id, closed_by);
        let effect = closed.map_err(|source| {
            let offset = partition.chain.expected().unwrap_or_default();
            self.encode_error(ticket.partition, offset, source)
        })?;
        if let Some(Effect::Put { slot, run }) = effect {
            self.requests.put(ticket, slot, run.run, Duration::ZERO);
        }
        Ok(())
    }

    fn go_on(&mut self, partition: &mut Partition, written: Written, tally: &mut Tally) -> Result<(), Error> {
        let effects = match written {
            Written::Put(reply) => partition.chain.put_replied(&reply),
            Written::Head(reply) => {
                let topic_id = self.requests.source().topic_id.as_deref();
                partition.chain.head_replied(reply, topic_id)
            }
            Written::AnotherTopic(error) => return Err(error.into()),
            Written::NotEncoded(source) => {
                return Err(Error::NotEncoded {
                    topic: self.requests.source().topic.clone(),
                    partition: partition.ticket.partition,
                    source,
                });
            }
        };
        for effect in effects {
            self.carry_out(partition, effect, tally)?;
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        partition: &mut Partition,
        effect: Effect<Timed<ClosedRun>>,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let ticket = partition.ticket;
        match effect {
            Effect::Put { slot, run } => self.requests.put(ticket, slot, run.run, Duration::ZERO),
            Effect::PutAgain { slot, run } => {
                self.requests.put(ticket, slot, run.run, partition.next_pause());
            }
            Effect::Head(slot) => self.requests.head(ticket, slot, Duration::ZERO),
            Effect::HeadAgain(slot) => self.requests.head(ticket, slot, partition.next_pause()),
            Effect::Resolved {
                slot,
                run,
                end,
                is_adopted,
            } => {
                partition.forget_pauses();
                self.commits.owe(ticket.partition, slot.start, end);
                let key = self.key_of(ticket, &slot);
                if is_adopted {
                    tally.objects_adopted += 1;
                    events::slot_adopted(&key, end);
                } else {
                    tally.count_stored(&run.run);
                    events::slot_written(&key, end, &run.run, slot.closed_by);
                }
            }
            Effect::Halt { slot, conflict } => {
                return Err(Error::AnotherLog {
                    bucket: self.requests.destination().bucket.name().clone(),
                    key: self.key_of(ticket, &slot),
                    partition: ticket.partition,
                    start: slot.start,
                    conflict,
                });
            }
        }
        Ok(())
    }

    fn key_of(&self, ticket: Ticket, slot: &Slot) -> String {
        self.requests.destination().key_of(ticket.partition, slot)
    }

    pub(super) fn encode_error(&self, partition: i32, offset: i64, source: io::Error) -> Error {
        Error::Encode {
            topic: self.requests.source().topic.clone(),
            partition,
            offset,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::location;
    use crate::reader::simulation::alone::{Alone, records};
    use crate::reader::simulation::bucket::Manners;
    use crate::reader::simulation::process::keys;
    use slot_protocol::{Conflict, Hour};

    /// Rounds until the loop ends by an error.
    fn error_of(alone: &mut Alone) -> Error {
        (0..200).find_map(|_| alone.rounds(1).err()).unwrap()
    }

    #[test]
    fn an_object_of_another_log_ends_the_loop_by_its_key() {
        let mut first = Alone::new([records(4)]);
        first.rounds_until(|alone| alone.slots() == [(0, 3)]);
        let mut second = Alone::new([records(5)]);
        let key = keys().slot(0, 0, Hour::of_timestamp_ms(0));
        second.rounds_until(|alone| alone.process.reader.partitions.contains_key(&0));
        let mut object = first.bucket.state().objects.head(&key).unwrap().clone();
        object
            .metadata
            .insert("first-record-crc32c".to_owned(), "00000007".to_owned());
        object
            .metadata
            .insert("run-id".to_owned(), uuid::Uuid::nil().to_string());
        second.bucket.state().objects.create(key.clone(), object);
        let error = error_of(&mut second);
        let Error::AnotherLog {
            key: of_error,
            partition: 0,
            start: 0,
            conflict: Conflict::FirstRecord { offset: 0, .. },
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(of_error, key);
    }

    #[test]
    fn a_topic_made_anew_ends_the_loop_and_nothing_is_written() {
        let mut alone = Alone::new([records(3)]);
        alone.rounds_until(|alone| alone.held() == 3);
        alone.topic.state().id = "second".to_owned();
        let error = error_of(&mut alone);
        assert!(
            matches!(error, Error::Location(location::Error::AnotherTopic(_))),
            "{error}"
        );
        assert!(alone.slots().is_empty());
    }

    #[test]
    fn a_put_is_repeated_with_growing_pauses_until_the_bucket_has_it() {
        let mut alone = Alone::new([records(4)]);
        alone.rounds_until(|alone| alone.process.reader.partitions.contains_key(&0));
        alone.bucket.state().manners = Manners::Away;
        let before = alone.bucket.state().requests;
        alone.rounds(600).unwrap();
        assert!(alone.slots().is_empty());
        // each takes 5 s to fail
        let asked = alone.bucket.state().requests - before;
        assert!((4..=9).contains(&asked), "{asked} PUTs in a minute");
        let oldest = alone.process.reader.partitions[&0].oldest_read_at().unwrap();
        assert!(
            alone.clock.now() - oldest > Duration::from_secs(30),
            "a run under way has an age"
        );
        alone.bucket.state().manners = Manners::Good;
        alone.rounds_until(|alone| alone.slots() == [(0, 3)]);
        alone.rounds_until(|alone| alone.held() == 0);
        assert_eq!(alone.process.reader.tally.objects_created, 1);
        assert_eq!(alone.process.reader.partitions[&0].oldest_read_at(), None);
    }

    #[test]
    fn what_another_wrote_is_adopted_and_its_end_committed() {
        let mut first = Alone::new([records(4)]);
        first.rounds_until(|alone| alone.slots() == [(0, 3)]);
        let mut second = Alone::new([records(3)]);
        second.rounds_until(|alone| alone.held() == 3);
        // the other had one record more
        let key = keys().slot(0, 0, Hour::of_timestamp_ms(0));
        let mut object = first.bucket.state().objects.head(&key).unwrap().clone();
        object
            .metadata
            .insert("run-id".to_owned(), uuid::Uuid::nil().to_string());
        second.bucket.state().objects.create(key, object);
        second.topic.state().partitions.get_mut(&0).unwrap().high = 4;
        second
            .topic
            .state()
            .partitions
            .get_mut(&0)
            .unwrap()
            .timestamps_ms
            .push(Some(3));
        second.rounds_until(|alone| alone.process.reader.is_at(0, 4));
        let tally = second.process.reader.tally;
        assert_eq!((tally.objects_adopted, tally.objects_created), (1, 0));
        second.rounds(5).unwrap();
        let commit = second.topic.state().partitions[&0].commit.clone();
        assert_eq!(commit.map(|(offset, _)| offset), Some(4));
    }
}
