//! Sets the chains beside the log and the group's commits: what the bucket alone cannot show.

use std::collections::BTreeMap;

use bucket_reader::{Finding, Findings, Kind, Layout, Place};

use super::log::{Commit, LogState, PartitionLog};
use super::report::PartitionSummary;

/// The log before the bucket was listed and after it was read. What was committed before must be in the bucket; what
/// is in the bucket must have been in the log by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log<'l> {
    pub(crate) before: &'l LogState,
    pub(crate) after: &'l LogState,
}

/// What is compared.
#[derive(Debug)]
pub(crate) struct AgainstLog<'a> {
    pub(crate) topic: &'a str,
    pub(crate) group: &'a str,
    pub(crate) layout: Option<&'a Layout>,
    pub(crate) log: Log<'a>,
    /// Take it as a fault if a partition's beginning was never stored.
    pub(crate) is_complete_wanted: bool,
    /// Partitions of which the chain was not read.
    pub(crate) left_out: &'a BTreeMap<u32, u64>,
}

impl AgainstLog<'_> {
    /// Compares all partitions, those without a chain too.
    pub(crate) fn compare(&self, chains: &mut [PartitionSummary], findings: &mut Findings) {
        self.compare_topic_id(findings);
        for (number, (before, after)) in
            (0..).zip(self.log.before.partitions.iter().zip(&self.log.after.partitions))
        {
            let chain = chains.iter_mut().find(|chain| chain.partition == number);
            let next = match &chain {
                Some(chain) => chain.next_offset,
                None if self.left_out.contains_key(&number) => None,
                None => Some(0),
            };
            // a slot that does not tell its end was reported
            let Some(next) = next else { continue };
            if let Some(commit) = before.commit {
                self.compare_commit(number, next, commit, findings);
            }
            self.compare_ends(number, next, chain.is_some(), before, after, findings);
            if let Some(chain) = chain {
                chain.log_offsets = Some((after.low, after.high));
            }
        }
        let known = self.log.before.partitions.len();
        for chain in chains.iter().filter(|chain| chain.partition as usize >= known) {
            let what = format!("the topic has {known} partitions, and not this one");
            findings.push(Finding::error(
                Kind::BeyondLog,
                self.place(chain.partition, None),
                what,
            ));
        }
    }

    fn compare_topic_id(&self, findings: &mut Findings) {
        let stored = self.layout.and_then(|layout| layout.topic_id.as_ref());
        if let (Some(stored), Some(now)) = (stored, &self.log.before.topic_id)
            && stored != now
        {
            let what =
                format!("the topic has the id {now}, the bucket was written from {stored}: it was made anew");
            let place = Place {
                topic: Some(self.topic.to_owned()),
                ..Place::default()
            };
            findings.push(Finding::error(Kind::Mismatch, place, what));
        }
    }

    fn compare_commit(&self, partition: u32, next: u64, commit: Commit, findings: &mut Findings) {
        let Commit { offset, note } = commit;
        if offset <= next {
            return;
        }
        let place = self.place(partition, Some((next, offset - 1)));
        let group = self.group;
        let Some(note) = note else {
            let what = format!(
                "the group {group} committed {offset}, but not by a consumer of ours: an operator set it, it says nothing of \
                 the bucket"
            );
            findings.push(Finding::note(Kind::ChainEnd, place, what));
            return;
        };
        if self.layout.is_some_and(|layout| layout.id != note.layout) {
            let what = format!(
                "the group {group} committed {offset} for another bucket or prefix, layout {}",
                note.layout
            );
            findings.push(Finding::note(Kind::ChainEnd, place, what));
            return;
        }
        let what = format!(
            "in no object, though the group {group} committed them, last the slot {} to {}: the chain is cut off at its end",
            note.start, note.end
        );
        findings.push(Finding::error(Kind::ChainEnd, place, what));
    }

    fn compare_ends(
        &self,
        partition: u32,
        next: u64,
        has_chain: bool,
        before: &PartitionLog,
        after: &PartitionLog,
        findings: &mut Findings,
    ) {
        if next < before.low {
            let place = self.place(partition, Some((next, before.low - 1)));
            let what = "in no object, and no longer in the log";
            let finding = if has_chain || self.is_complete_wanted {
                Finding::error(Kind::LostRecords, place, what)
            } else {
                let what = format!("{what}: nothing of this partition was stored");
                Finding::note(Kind::LostRecords, place, what)
            };
            findings.push(finding);
        }
        let next = next.max(before.low);
        if next > after.high {
            let place = self.place(partition, Some((after.high, next - 1)));
            let what = "in an object, but the log ends before them: it was cut off or made anew";
            findings.push(Finding::error(Kind::BeyondLog, place, what));
        } else if next < after.high {
            let place = self.place(partition, Some((next, after.high - 1)));
            let what = "in the log, and in no object yet: the consumer is behind, or a transaction's markers end the log";
            findings.push(Finding::note(Kind::NotStoredYet, place, what));
        }
    }

    fn place(&self, partition: u32, offsets: Option<(u64, u64)>) -> Place {
        Place {
            topic: Some(self.topic.to_owned()),
            partition: Some(partition),
            offsets,
            ..Place::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use bucket_reader::{Format, Severity};
    use uuid::Uuid;

    use super::super::log::CommitNote;
    use super::*;

    const LAYOUT: Uuid = Uuid::from_u128(7);

    type Found = (Kind, Severity, Option<(u64, u64)>);

    /// What is found of one partition whose chain ends before `next`.
    fn found(next: Option<u64>, low: u64, high: u64, commit: Option<(u64, Option<Uuid>)>) -> Vec<Found> {
        let commit = commit.map(|(offset, layout)| Commit {
            offset,
            note: layout.map(|layout| CommitNote {
                layout,
                start: offset.saturating_sub(10),
                end: offset - 1,
            }),
        });
        let state = LogState {
            topic_id: Some("id".to_owned()),
            partitions: vec![PartitionLog { low, high, commit }],
        };
        let layout = Layout {
            key: "k".to_owned(),
            id: LAYOUT,
            format: Format::Parquet,
            topic_id: Some("id".to_owned()),
        };
        let against = AgainstLog {
            topic: "t",
            group: "g",
            layout: Some(&layout),
            log: Log {
                before: &state,
                after: &state,
            },
            is_complete_wanted: false,
            left_out: &BTreeMap::new(),
        };
        let chain = |next| PartitionSummary {
            next_offset: Some(next),
            ..PartitionSummary::default()
        };
        let mut findings = Findings::default();
        against.compare(
            &mut next.map(chain).into_iter().collect::<Vec<_>>(),
            &mut findings,
        );
        let found = findings.into_kept().into_iter();
        found.map(|it| (it.kind, it.severity, it.place.offsets)).collect()
    }

    #[test]
    fn a_bucket_that_holds_the_log_is_clean() {
        assert_eq!(found(Some(50), 0, 50, Some((50, Some(LAYOUT)))), []);
        assert_eq!(
            found(Some(50), 20, 50, Some((40, Some(LAYOUT)))),
            [],
            "a commit may be old"
        );
        assert_eq!(found(None, 0, 0, None), [], "a partition without a record");
    }

    #[test]
    fn what_was_committed_and_is_not_there_is_a_chain_that_is_cut_off() {
        use Severity::{Error, Note};
        let cut = (Kind::ChainEnd, Error, Some((40, 49)));
        let behind = (Kind::NotStoredYet, Note, Some((40, 49)));
        assert_eq!(found(Some(40), 0, 50, Some((50, Some(LAYOUT)))), [cut, behind]);
        let all = (Kind::ChainEnd, Error, Some((0, 49)));
        assert_eq!(found(None, 0, 50, Some((50, Some(LAYOUT))))[0], all);
        for other in [None, Some(Uuid::nil())] {
            let noted = (Kind::ChainEnd, Note, Some((40, 49)));
            assert_eq!(
                found(Some(40), 0, 50, Some((50, other))),
                [noted, behind],
                "{other:?}"
            );
        }
    }

    #[test]
    fn the_log_shows_what_was_lost_what_comes_and_what_cannot_be() {
        use Severity::{Error, Note};
        assert_eq!(
            found(Some(40), 45, 45, None),
            [(Kind::LostRecords, Error, Some((40, 44)))]
        );
        assert_eq!(
            found(None, 45, 45, None),
            [(Kind::LostRecords, Note, Some((0, 44)))]
        );
        assert_eq!(
            found(Some(40), 0, 45, None),
            [(Kind::NotStoredYet, Note, Some((40, 44)))]
        );
        assert_eq!(
            found(Some(40), 0, 39, None),
            [(Kind::BeyondLog, Error, Some((39, 39)))]
        );
    }

    #[test]
    fn a_chain_of_a_partition_that_the_topic_does_not_have_is_found() {
        let state = LogState::default();
        let against = AgainstLog {
            topic: "t",
            group: "g",
            layout: None,
            log: Log {
                before: &state,
                after: &state,
            },
            is_complete_wanted: false,
            left_out: &BTreeMap::new(),
        };
        let mut findings = Findings::default();
        against.compare(&mut [PartitionSummary::default()], &mut findings);
        assert_eq!(findings.kept()[0].kind, Kind::BeyondLog);
    }
}
