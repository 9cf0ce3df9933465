use bucket_reader::{Finding, Findings, Kind, Place};

/// The slots of one partition, in the order of their start: each begins where the one before ended.
#[derive(Debug)]
pub(crate) struct PartitionAudit {
    topic: String,
    partition: u32,
    first: u64,
    last_slot: Slot,
    /// The offset after the last that any slot covered, and which slot that was; absent if a slot does not
    /// say where it ends.
    covered: Option<(u64, String)>,
}

#[derive(Debug)]
struct Slot {
    start: u64,
    key: String,
}

impl PartitionAudit {
    /// Begins with the chain's first slot, of which `end` is the last offset where known.
    pub(crate) fn begin(topic: &str, partition: u32, start: u64, end: Option<u64>, key: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            partition,
            first: start,
            last_slot: Slot {
                start,
                key: key.to_owned(),
            },
            covered: end.map(|end| (end + 1, key.to_owned())),
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.partition
    }

    /// The offset with which it begins.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The offset after its last, where known.
    pub(crate) fn next(&self) -> Option<u64> {
        self.covered.as_ref().map(|(next, _)| *next)
    }

    /// Adds the next slot.
    pub(crate) fn slot(&mut self, start: u64, end: Option<u64>, key: &str, findings: &mut Findings) {
        if start == self.last_slot.start {
            let what = format!("{} begins at the same offset", self.last_slot.key);
            findings.push(Finding::error(
                Kind::TwoObjects,
                self.place(Some(key), start, start),
                what,
            ));
        } else if let Some((next, before)) = &self.covered {
            if start > *next {
                let what = format!("in no object, {before} ends before and {key} begins behind");
                findings.push(Finding::error(
                    Kind::Hole,
                    self.place(None, *next, start - 1),
                    what,
                ));
            } else if start < *next {
                let last = end.map_or(next - 1, |end| end.min(next - 1));
                let what = format!("{before} covers them too");
                findings.push(Finding::error(
                    Kind::Overlap,
                    self.place(Some(key), start, last),
                    what,
                ));
            }
        }
        self.cover(start, end, key);
        self.last_slot = Slot {
            start,
            key: key.to_owned(),
        };
    }

    fn cover(&mut self, start: u64, end: Option<u64>, key: &str) {
        match (end, &self.covered) {
            (Some(end), Some((next, _))) if end < *next => {}
            (Some(end), _) => self.covered = Some((end + 1, key.to_owned())),
            // an overlap whose end is unknown hides nothing of what is covered already
            (None, Some((next, _))) if start < *next => {}
            (None, _) => self.covered = None,
        }
    }

    fn place(&self, key: Option<&str>, first: u64, last: u64) -> Place {
        Place {
            key: key.map(str::to_owned),
            topic: Some(self.topic.clone()),
            partition: Some(self.partition),
            offsets: Some((first, last)),
            ..Place::default()
        }
    }

    /// Reports a chain of which the beginning is gone.
    pub(crate) fn report_begin(&self, is_error: bool, findings: &mut Findings) {
        if self.first == 0 {
            return;
        }
        let what = "the chain begins behind them: older objects were removed";
        let finding = Finding::note(Kind::ChainBegin, self.place(None, 0, self.first - 1), what);
        findings.push(if is_error {
            Finding::error(finding.kind, finding.place, finding.what)
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start and end.
    type Slots<'a> = &'a [(u64, Option<u64>)];
    type Found = (Kind, (u64, u64));

    fn findings_of(slots: Slots<'_>) -> (PartitionAudit, Vec<Found>) {
        let mut findings = Findings::default();
        let ((start, end), rest) = slots.split_first().unwrap();
        let mut partition = PartitionAudit::begin("t", 0, *start, *end, "k0");
        for (index, (start, end)) in rest.iter().enumerate() {
            partition.slot(*start, *end, &format!("k{}", index + 1), &mut findings);
        }
        partition.report_begin(false, &mut findings);
        let found = findings.into_kept().into_iter();
        (
            partition,
            found
                .map(|finding| (finding.kind, finding.place.offsets.unwrap()))
                .collect(),
        )
    }

    #[test]
    fn a_whole_chain_has_no_findings() {
        let (partition, found) = findings_of(&[(0, Some(9)), (10, Some(10)), (11, Some(99))]);
        assert_eq!(found, []);
        assert_eq!((partition.first(), partition.next()), (0, Some(100)));
    }

    #[test]
    fn holes_overlaps_and_rivals_are_found_with_their_offsets() {
        let cases: [(Slots<'_>, _); 6] = [
            (&[(0, Some(9)), (20, Some(29))], vec![(Kind::Hole, (10, 19))]),
            (
                &[(0, Some(9)), (8, Some(29)), (30, Some(39))],
                vec![(Kind::Overlap, (8, 9))],
            ),
            (
                &[(0, Some(99)), (8, Some(29)), (100, Some(109))],
                vec![(Kind::Overlap, (8, 29))],
            ),
            (
                &[(0, Some(9)), (0, Some(5)), (10, Some(19))],
                vec![(Kind::TwoObjects, (0, 0))],
            ),
            (
                &[(0, Some(5)), (0, Some(9)), (10, Some(19))],
                vec![(Kind::TwoObjects, (0, 0))],
            ),
            (&[(5, Some(9)), (10, Some(19))], vec![(Kind::ChainBegin, (0, 4))]),
        ];
        for (slots, expected) in cases {
            assert_eq!(findings_of(slots).1, expected, "{slots:?}");
        }
    }

    #[test]
    fn an_unknown_end_is_no_hole_but_what_was_covered_stays_covered() {
        assert_eq!(findings_of(&[(0, Some(9)), (10, None), (50, Some(59))]).1, []);
        let overlapping = [(0, Some(9)), (5, None), (10, Some(19)), (30, Some(39))];
        assert_eq!(
            findings_of(&overlapping).1,
            [(Kind::Overlap, (5, 9)), (Kind::Hole, (20, 29))]
        );
    }
}
