use std::sync::Arc;

use bucket_reader::{Finding, Findings, Kind, Place};
use pipeline_runtime::kafka::KafkaArgs;
use tokio::task::spawn_blocking;

use super::against_log::{self, AgainstLog};
use super::error::Error;
use super::log::{Log, LogState};
use super::topic::{AuditedTopic, SparseSlot};

/// A comparison with the log that begins before the bucket is listed.
pub(crate) struct Comparison {
    log: Arc<Log>,
    before: LogState,
    group: String,
}

impl Comparison {
    /// Asks the brokers how the log is before the bucket is listed.
    pub(crate) async fn begin(kafka: KafkaArgs, group: String) -> Result<Self, Error> {
        let asked = spawn_blocking(move || {
            let log = Log::connect(&kafka, &group)?;
            let before = log.state()?;
            Ok(Self {
                log: Arc::new(log),
                before,
                group,
            })
        });
        asked.await.map_err(|source| Error::Worker { source })?
    }

    /// Compares with what was read of the bucket since.
    pub(crate) async fn end(
        self,
        audited: &mut AuditedTopic,
        is_complete_wanted: bool,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let (log, before) = (Arc::clone(&self.log), self.before.clone());
        let (comparable, mut unknown): (Vec<_>, Vec<_>) = audited
            .sparse
            .drain(..)
            .partition(|slot| before.reaches(slot.partition, slot.offsets.0));
        let asked = spawn_blocking(move || {
            let counted = comparable.into_iter().map(|slot| {
                let (first, last) = slot.offsets;
                Ok((log.count(slot.partition, first, last)?, slot))
            });
            let counted = counted.collect::<Result<Vec<_>, Error>>()?;
            Ok::<_, Error>((log.state()?, counted))
        });
        let (after, counted) = asked.await.map_err(|source| Error::Worker { source })??;
        let summary = &mut audited.summary;
        let against = AgainstLog {
            topic: &summary.topic.clone(),
            group: &self.group,
            layout: audited.layout.as_ref(),
            log: against_log::Log {
                before: &self.before,
                after: &after,
            },
            is_complete_wanted,
            left_out: &audited.left_out,
        };
        against.compare(&mut summary.partitions, findings);
        for (count, slot) in counted {
            // what retention took meanwhile was not counted
            if !after.reaches(slot.partition, slot.offsets.0) {
                unknown.push(slot);
            } else if count != slot.records {
                findings.push(missing(&summary.topic, slot, count));
            }
        }
        audited.sparse = unknown;
        Ok(())
    }
}

fn missing(topic: &str, slot: SparseSlot, counted: u64) -> Finding {
    let SparseSlot {
        key,
        partition,
        offsets,
        records,
    } = slot;
    let place = Place {
        key: Some(key),
        topic: Some(topic.to_owned()),
        partition: Some(partition),
        offsets: Some(offsets),
        ..Place::default()
    };
    let what = format!("it holds {records} records of them, the log {counted}");
    Finding::error(Kind::MissingRecord, place, what)
}
