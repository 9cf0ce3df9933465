use std::collections::BTreeMap;
use std::time::Instant;

use bucket_reader::{
    BodyFault, Fetched, Finding, Format, Metadata, Record, SlotFacts, Times, Unreadable, for_each_record,
};
use indicatif::ProgressBar;
use pipeline_runtime::exit::with_causes;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::args::SelectionArgs;
use super::error::Error;
use super::ledger::Origin;
use super::notes::{Notes, acknowledged_to};
use super::plan::{Plan, Planned};
use super::result::ReplayResult;
use super::selection::{Span, check_bounds, is_selected};
use super::target::{Refusal, Sent, Target};

/// A planned slot's object as it was fetched.
pub(super) type Arrival = Result<(Planned, Result<Fetched, Unreadable>), Error>;

/// Sends one object after the other, on a thread of its own.
pub(super) struct Work {
    /// Bucket and folder, for messages.
    source: String,
    plan: Plan,
    selection: SelectionArgs,
    target: Target,
    stop: CancellationToken,
    progress: ProgressBar,
    notes: Notes,
    /// The next offset of each partition that is not sent yet.
    reached: BTreeMap<u32, u64>,
    result: ReplayResult,
}

/// Why a slot was not sent to its end.
enum Halt {
    /// A signal came.
    Stopped,
    /// Kafka does not take a record.
    Refused,
    /// A fault in the object.
    Fault(BodyFault),
    /// A fault of ours.
    Failed(Error),
}

impl From<BodyFault> for Halt {
    fn from(fault: BodyFault) -> Self {
        Self::Fault(fault)
    }
}

impl Work {
    pub(super) fn new(
        source: String,
        plan: Plan,
        selection: SelectionArgs,
        target: Target,
        stop: CancellationToken,
        progress: ProgressBar,
        notes: Notes,
    ) -> Self {
        let result = ReplayResult {
            source: source.clone(),
            topic: target.topic().map(ToString::to_string),
            is_dry_run: target.topic().is_none(),
            is_complete: true,
            ..ReplayResult::default()
        };
        Self {
            source,
            reached: plan.begins.clone(),
            plan,
            selection,
            target,
            stop,
            progress,
            notes,
            result,
        }
    }

    /// What is to be fetched, in order.
    pub(super) fn slots(&self) -> Vec<Planned> {
        self.plan.slots.clone()
    }

    /// Sends what arrives, and waits until Kafka has it.
    ///
    /// # Errors
    ///
    /// What cannot be read or is damaged; [`Error::NotDelivered`] before any other.
    pub(super) fn run(mut self, mut arrivals: Receiver<Arrival>) -> Result<ReplayResult, Error> {
        let mut halted = Ok(());
        let mut left = self.plan.slots.len();
        while halted.is_ok() && left > 0 {
            left -= 1;
            // without an arrival, a signal ended the fetching
            halted = arrivals
                .blocking_recv()
                .ok_or(None)
                .and_then(|arrival| self.arrived(arrival));
        }
        drop(arrivals);
        self.progress.finish_and_clear();
        let drained = self.target.drain();
        let balance = self.target.balance();
        let reached = acknowledged_to(&self.reached, &balance);
        self.notes.acknowledged(&reached)?;
        let resume = self.selection.from_offset.with(&reached).to_string();
        let halted = halted.and_then(|()| drained.map(drop).map_err(Some));
        if let (Some(topic), 1..) = (self.target.topic(), balance.open) {
            if let Err(Some(error)) = halted {
                error!("{}", with_causes(&error));
            }
            let refusal = self.target.refusal().cloned();
            return Err(Error::NotDelivered {
                open: balance.open,
                sent: balance.sent,
                topic: topic.clone(),
                resume,
                ahead: balance.ahead,
                refusal: refusal.map(|Refusal { origin, reason }| (origin.partition, origin.offset, reason)),
            });
        }
        self.result.refused = self.target.refused();
        match halted {
            Ok(()) => Ok(self.result),
            Err(None) => {
                info!("stopped, all that was sent is acknowledged; go on with `--from-offset {resume}`");
                self.result.stopped(resume);
                Ok(self.result)
            }
            Err(Some(error)) => {
                info!("all that was sent is acknowledged; go on with `--from-offset {resume}`");
                Err(error)
            }
        }
    }

    /// Sends one object; without an error in `Err`, a signal or a refusal ended it.
    fn arrived(&mut self, arrival: Arrival) -> Result<(), Option<Error>> {
        let (planned, fetched) = arrival?;
        if self.stop.is_cancelled() {
            return Err(None);
        }
        let fetched = fetched.map_err(|unreadable| Error::Unreadable {
            object: self.object(&planned.key),
            why: unreadable.why,
        })?;
        let facts = self.check(&fetched)?;
        let (start, end, span) = span_of(&facts.metadata, &fetched).ok_or_else(|| Error::Unreadable {
            object: self.object(&planned.key),
            why: "its metadata are incomplete".to_owned(),
        })?;
        self.check_neighbour(&planned, start, end)?;
        let partition = fetched.name.partition;
        check_bounds(&self.selection, partition, span, &self.object(&planned.key))?;
        let from = self.reached.get(&partition).copied().unwrap_or_default();
        self.notes.will_send(partition, from, end + 1)?;
        self.send(&fetched, span)?;
        let reached = self.reached.entry(partition).or_default();
        *reached = (end + 1).max(*reached);
        self.result.objects += 1;
        self.progress.inc(planned.slot.size);
        Ok(())
    }

    fn object(&self, key: &str) -> String {
        let bucket = self.source.split_inclusive('/').take(3).collect::<String>();
        format!("{bucket}{key}")
    }

    /// All of the object, before any of it is sent.
    fn check(&self, fetched: &Fetched) -> Result<SlotFacts, Error> {
        let object = self.object(&fetched.key);
        let facts = match fetched.check(Times::default()) {
            Ok(facts) => facts,
            Err(fault) => {
                let why = fault.to_string();
                return Err(Error::Unreadable { object, why });
            }
        };
        let damages: Vec<&Finding> = facts.findings.kept().iter().filter(|it| it.is_damage()).collect();
        match damages.first() {
            None => Ok(facts),
            Some(first) => Err(Error::Damaged {
                object,
                findings: damages.len(),
                first: format!("{}: {}", first.kind, first.what),
            }),
        }
    }

    /// The next slot of the chain must begin where this one ends.
    fn check_neighbour(&mut self, planned: &Planned, start: u64, end: u64) -> Result<(), Error> {
        let Some(next) = planned.next else { return Ok(()) };
        if next <= end {
            return Err(Error::Overlap {
                object: self.object(&planned.key),
                next,
            });
        }
        let partition = Some(planned.slot.name.partition);
        let first = self
            .selection
            .from_offset
            .of(partition)
            .map_or(end + 1, |from| from.max(end + 1));
        let behind = self
            .selection
            .to_offset
            .of(partition)
            .map_or(next, |to| to.min(next));
        if first < behind {
            self.result.missing_offsets += behind - first;
            warn!(
                partition,
                "offsets {first} to {} are in no object: {} begins at {start} and ends before them",
                behind - 1,
                planned.key
            );
        }
        Ok(())
    }

    fn send(&mut self, fetched: &Fetched, span: Span) -> Result<(), Option<Error>> {
        let Self {
            selection,
            target,
            stop,
            notes,
            reached,
            result,
            ..
        } = self;
        let first_offset = span.is_known.then_some(span.first);
        let sent = for_each_record(fetched, first_offset, |record: &Record<'_>| {
            let offset = record.offset.filter(|_| span.is_known).unwrap_or(span.first);
            let origin = Origin {
                partition: record.partition,
                offset,
            };
            // where offsets are not known, nobody could say where to go on inside
            if span.is_known && stop.is_cancelled() {
                return Err(Halt::Stopped);
            }
            if is_selected(selection, record, offset) {
                match target.send(record, origin).map_err(Halt::Failed)? {
                    Sent::Taken => result.add(record, origin),
                    Sent::Refused => return Err(Halt::Refused),
                    Sent::Stopped => return Err(Halt::Stopped),
                }
            }
            if span.is_known {
                reached.insert(record.partition, offset + 1);
            }
            notes
                .meanwhile(Instant::now(), &selection.from_offset, reached, || {
                    target.balance()
                })
                .map_err(Halt::Failed)
        });
        match sent {
            Ok(()) => Ok(()),
            Err(Halt::Stopped | Halt::Refused) => Err(None),
            Err(Halt::Failed(error)) => Err(Some(error)),
            Err(Halt::Fault(fault)) => Err(Some(Error::Unreadable {
                object: self.object(&fetched.key),
                why: fault.to_string(),
            })),
        }
    }
}

/// First and last offset of the slot, and the offsets of its records.
fn span_of(metadata: &Metadata, fetched: &Fetched) -> Option<(u64, u64, Span)> {
    let (start, end) = metadata.offsets()?;
    let (first, last) = metadata.record_offsets()?;
    let is_dense = metadata.record_count? == last - first + 1;
    let span = Span {
        first,
        last,
        is_known: is_dense || fetched.name.format == Format::Parquet,
    };
    Some((start, end, span))
}
