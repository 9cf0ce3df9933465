use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use bucket_reader::{Finding, Findings, Kind, Place, SeqSet, Seqs, SessionRun, SlotName, excerpt};
use roaring::RoaringTreemap;
use uuid::Uuid;

use super::report::SessionSummary;

/// Holders of a doubled tick that a finding names.
const HOLDERS_NAMED: usize = 3;

/// What a session, a symbol and a slot take in memory beside their texts, about.
const SESSION_BYTES: usize = 500;
const SYMBOL_BYTES: usize = 100;
const SLOT_BYTES: usize = 50;

/// Which ticks of each session a topic holds: about one bit a tick, and some words a slot.
#[derive(Debug)]
pub(crate) struct Sessions {
    topic: String,
    folder: String,
    by_id: BTreeMap<SessionId, Session>,
    /// The partition that is read now; slots come partition by partition.
    partition: Option<u32>,
    /// Memory that they may take, and do, about.
    memory: usize,
    held_bytes: usize,
    is_full: bool,
}

/// One run of one producer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SessionId {
    producer: String,
    session: Uuid,
}

#[derive(Debug, Default)]
struct Session {
    seen: SeqSet,
    /// Last `seq` of each symbol in the partition that is read now.
    last_of: HashMap<Box<str>, u64>,
    /// Least `seq` in each partition.
    least_in: BTreeMap<u32, u64>,
    /// The slots that hold ticks of the session, each with its least and greatest `seq`.
    slots: Vec<(SlotName, u64, u64)>,
    since_seq: Option<u64>,
    recent_from_seq: Option<u64>,
    symbols_bytes: usize,
}

/// Which ticks may be in objects that are not looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unseen<'a> {
    /// Partitions of which the beginning was removed.
    pub(crate) removed: &'a [u32],
    /// Older objects were left out, see [`Times::since`](bucket_reader::Times).
    pub(crate) is_partial: bool,
}

impl Sessions {
    /// The sessions of a topic; `folder` is what its keys begin with.
    pub(crate) fn new(topic: &str, folder: &str, memory: usize) -> Self {
        Self {
            topic: topic.to_owned(),
            folder: folder.to_owned(),
            by_id: BTreeMap::new(),
            partition: None,
            memory,
            held_bytes: 0,
            is_full: false,
        }
    }

    fn pack(&mut self) {
        self.held_bytes = 0;
        for (id, session) in &mut self.by_id {
            session.seen.pack();
            self.held_bytes += id.producer.len() + session.held_bytes();
        }
    }

    /// Adds what one slot holds. Slots come partition by partition, each partition in its order.
    pub(crate) fn slot(
        &mut self,
        name: SlotName,
        key: &str,
        runs: BTreeMap<Uuid, BTreeMap<String, SessionRun>>,
        findings: &mut Findings,
    ) {
        let SlotName { partition, .. } = name;
        if self.partition.replace(partition) != Some(partition) {
            for session in self.by_id.values_mut() {
                session.last_of = HashMap::new();
                session.symbols_bytes = 0;
            }
            self.pack();
        }
        if self.held_bytes > self.memory && !self.is_full {
            self.pack();
            self.is_full = self.held_bytes > self.memory;
        }
        if self.is_full {
            let what = format!(
                "its ticks are not compared: those before it name more sessions, symbols and positions than {} MiB hold; \
                 where they should, raise `--memory`",
                self.memory >> 20
            );
            let place = Place {
                key: Some(key.to_owned()),
                ..Place::default()
            };
            findings.push(Finding::error(Kind::Unproven, place, what));
            return;
        }
        for (session, producers) in runs {
            for (producer, run) in producers {
                let id = SessionId { producer, session };
                let before = self.by_id.get(&id).map(Session::held_bytes);
                let session = self.by_id.entry(id.clone()).or_default();
                let doubled = session.seen.seqs() & run.seqs.seqs();
                let holders = if doubled.is_empty() || findings.is_full_of(Kind::DoubledTick) {
                    Vec::new()
                } else {
                    session.holders(&doubled)
                };
                let holders = holders.iter().map(|name| name.key(&self.folder, &self.topic));
                let holders = named(&holders.collect::<Vec<_>>());
                let mut report = |kind, seqs, what: String| {
                    let place = Place {
                        key: Some(key.to_owned()),
                        ..id.place(seqs)
                    };
                    findings.push(Finding::error(kind, place, what));
                };
                if !doubled.is_empty() {
                    report(Kind::DoubledTick, ranges_of(&doubled), holders);
                }
                session.add(name, run, &doubled, &mut report);
                let after = session.held_bytes();
                self.held_bytes += match before {
                    Some(before) => after.saturating_sub(before),
                    None => after + id.producer.len(),
                };
            }
        }
    }

    /// Reports what is missing.
    pub(crate) fn finish(self, unseen: Unseen<'_>, findings: &mut Findings) -> Vec<SessionSummary> {
        self.by_id
            .into_iter()
            .map(|(id, session)| {
                session.report_missing(&id, unseen, findings);
                SessionSummary {
                    ticks: session.seen.seqs().len(),
                    last_seq: session.seen.seqs().max().unwrap_or_default(),
                    producer: id.producer,
                    session: id.session,
                }
            })
            .collect()
    }
}

impl SessionId {
    fn place(&self, seqs: Seqs) -> Place {
        Place {
            producer: Some(excerpt(&self.producer)),
            session: Some(self.session),
            seqs: Some(seqs),
            ..Place::default()
        }
    }
}

impl Session {
    /// Memory taken, about.
    fn held_bytes(&self) -> usize {
        SESSION_BYTES + self.seen.held_bytes() + self.symbols_bytes + self.slots.len() * SLOT_BYTES
    }

    fn add(
        &mut self,
        name: SlotName,
        run: SessionRun,
        doubled: &RoaringTreemap,
        report: &mut impl FnMut(Kind, Seqs, String),
    ) {
        let mut symbols: Vec<_> = run.symbols.into_iter().collect();
        symbols.sort_unstable();
        for (symbol, (first, last)) in symbols {
            let before = self.last_of.get(&symbol).copied();
            // a tick that is there already is doubled, not late
            if let Some(before) = before.filter(|before| *before > first && !doubled.contains(first)) {
                let mut seqs = Seqs::default();
                seqs.push(first, first);
                let what = format!("an object before it holds seq {before} of the same symbol {symbol}");
                report(Kind::Disorder, seqs, what);
            }
            if before.is_none() {
                self.symbols_bytes += SYMBOL_BYTES + symbol.len();
            }
            self.last_of.insert(symbol, last.max(before.unwrap_or_default()));
        }
        if let (Some(least), Some(most)) = (run.seqs.seqs().min(), run.seqs.seqs().max()) {
            let before = self.least_in.entry(name.partition).or_insert(least);
            *before = least.min(*before);
            self.slots.push((name, least, most));
        }
        self.since_seq = lesser(self.since_seq, run.since_seq);
        self.recent_from_seq = lesser(self.recent_from_seq, run.recent_from_seq);
        self.seen.append(run.seqs);
    }

    /// Slots that may hold some of these ticks: at least one of them does.
    fn holders(&self, seqs: &RoaringTreemap) -> Vec<SlotName> {
        let up_to = |seq| seqs.rank(seq);
        let holds = |least: u64, most| up_to(most) > least.checked_sub(1).map_or(0, up_to);
        let slots = self.slots.iter();
        slots
            .filter(|(_, least, most)| holds(*least, *most))
            .map(|(name, ..)| *name)
            .collect()
    }

    fn report_missing(&self, id: &SessionId, unseen: Unseen<'_>, findings: &mut Findings) {
        let removed_below = self.removed_below(unseen.removed);
        // a tick that is missing behind one received since then was itself received since then
        let left_out_below = if unseen.is_partial {
            self.since_seq.unwrap_or(u64::MAX)
        } else {
            0
        };
        let mut removed = Seqs::default();
        let mut missing = Seqs::default();
        let mut in_flight = Seqs::default();
        for gap in gaps_of(self.seen.seqs()) {
            let (_, gap) = split(&gap, left_out_below);
            let (below, rest) = split(&gap, removed_below);
            push(&mut removed, &below);
            // a missing tick was received before the one that follows it
            if self.recent_from_seq.is_some_and(|recent| rest.end >= recent) {
                push(&mut in_flight, &rest);
            } else {
                push(&mut missing, &rest);
            }
        }
        let finding: [(fn(_, _, _) -> _, _, _, _); 3] = [
            (Finding::error, Kind::MissingTick, missing, "are in no object"),
            (
                Finding::note,
                Kind::RemovedTick,
                removed,
                "are in no object, older ones were removed",
            ),
            (
                Finding::note,
                Kind::TickInFlight,
                in_flight,
                "are in no object yet, they may be on their way",
            ),
        ];
        for (finding, kind, seqs, what) in finding {
            if seqs.count > 0 {
                let ticks = if seqs.count == 1 { "tick" } else { "ticks" };
                let what = format!("{} {ticks} of the session {what}", seqs.count);
                findings.push(finding(kind, id.place(seqs), what));
            }
        }
    }

    /// Ticks below this may have been in an object that was removed from the beginning of a chain: what was
    /// there came before what is left of the same partition.
    fn removed_below(&self, cut: &[u32]) -> u64 {
        let least = self.seen.seqs().min().unwrap_or_default();
        let least_in = |partition| self.least_in.get(partition).copied().unwrap_or(least);
        cut.iter().map(least_in).max().unwrap_or_default()
    }
}

fn lesser(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Which objects hold doubled ticks already.
fn named(keys: &[String]) -> String {
    let shown = keys[..keys.len().min(HOLDERS_NAMED)].join(", ");
    match keys.len() {
        0 => "an object before it holds them already".to_owned(),
        1 => format!("{shown} holds them already"),
        n if n > HOLDERS_NAMED => format!("already in one of {shown} and {} more", n - HOLDERS_NAMED),
        _ => format!("already in one of {shown}"),
    }
}

/// The numbers from 0 on that are missing below the last of the set.
fn gaps_of(set: &RoaringTreemap) -> impl Iterator<Item = Range<u64>> {
    let is_whole = set.max().is_none_or(|last| set.len() - 1 == last);
    let seqs = set.iter().take(if is_whole { 0 } else { usize::MAX });
    let gaps = seqs.scan(0, |expected, seq| {
        let gap = *expected..seq;
        *expected = seq.saturating_add(1);
        Some(gap)
    });
    gaps.filter(|gap| !gap.is_empty())
}

fn ranges_of(set: &RoaringTreemap) -> Seqs {
    let mut ranges = Seqs::default();
    for seq in set {
        ranges.push(seq, seq);
    }
    ranges
}

fn split(gap: &Range<u64>, at: u64) -> (Range<u64>, Range<u64>) {
    let at = at.clamp(gap.start, gap.end);
    (gap.start..at, at..gap.end)
}

fn push(ranges: &mut Seqs, gap: &Range<u64>) {
    if !gap.is_empty() {
        ranges.push(gap.start, gap.end - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bucket_reader::ObjectName;

    fn run(seqs: &[u64], symbol: &str) -> BTreeMap<Uuid, BTreeMap<String, SessionRun>> {
        let mut run = SessionRun::default();
        run.seqs = seqs.iter().copied().collect();
        run.symbols = HashMap::from([(symbol.into(), (seqs[0], seqs[seqs.len() - 1]))]);
        run.since_seq = seqs.iter().copied().find(|seq| *seq >= SINCE_SEQ);
        BTreeMap::from([(Uuid::nil(), BTreeMap::from([("p".to_owned(), run)]))])
    }

    /// Of a partial audit, the `seq` of the first tick in the time that is audited.
    const SINCE_SEQ: u64 = 100;

    type Slots<'a> = &'a [(u32, &'a str, &'a [u64])];

    fn all_findings_of(slots: Slots<'_>, unseen: Unseen<'_>) -> Vec<Finding> {
        let mut findings = Findings::default();
        let mut sessions = Sessions::new("t", "x/t/", 1 << 30);
        for (start, (partition, symbol, seqs)) in (0..).zip(slots) {
            let path = format!("t/dt=2026-11-23/hour=14/t-{partition:05}-{start:020}.jsonl");
            let ObjectName::Slot { name, .. } = ObjectName::parse(&path) else {
                panic!("{path} is no slot's name");
            };
            sessions.slot(name, "k", run(seqs, symbol), &mut findings);
        }
        sessions.finish(unseen, &mut findings);
        findings.into_kept()
    }

    fn kinds_and_ranges(findings: Vec<Finding>) -> Vec<(Kind, Vec<(u64, u64)>)> {
        let found = findings.into_iter();
        found
            .map(|finding| (finding.kind, finding.place.seqs.unwrap().ranges))
            .collect()
    }

    /// Slots as partition, symbol and seqs; findings as kind and ranges.
    fn findings_of(slots: Slots<'_>, removed: &[u32]) -> Vec<(Kind, Vec<(u64, u64)>)> {
        let is_partial = false;
        kinds_and_ranges(all_findings_of(slots, Unseen { removed, is_partial }))
    }

    fn findings_of_a_part(slots: Slots<'_>) -> Vec<(Kind, Vec<(u64, u64)>)> {
        let (removed, is_partial) = (&[][..], true);
        kinds_and_ranges(all_findings_of(slots, Unseen { removed, is_partial }))
    }

    #[test]
    fn a_session_is_whole_over_all_partitions() {
        assert_eq!(
            findings_of(&[(0, "A", &[0, 2]), (0, "A", &[3]), (1, "B", &[1, 4])], &[]),
            []
        );
    }

    #[test]
    fn what_is_missing_is_found_from_seq_0_on() {
        let found = findings_of(&[(0, "A", &[1, 2]), (1, "B", &[4, 9])], &[]);
        assert_eq!(found, [(Kind::MissingTick, vec![(0, 0), (3, 3), (5, 8)])]);
    }

    #[test]
    fn a_seq_far_off_costs_no_memory() {
        let found = findings_of(&[(0, "A", &[0, u64::MAX])], &[]);
        assert_eq!(found, [(Kind::MissingTick, vec![(1, u64::MAX - 1)])]);
    }

    #[test]
    fn a_double_is_found_in_the_same_and_in_another_partition() {
        let found = findings_of(&[(0, "A", &[0, 1, 2]), (0, "A", &[1, 2, 3])], &[]);
        assert_eq!(found, [(Kind::DoubledTick, vec![(1, 2)])]);
        let found = findings_of(&[(0, "A", &[0, 1, 2]), (1, "A", &[2, 3])], &[]);
        assert_eq!(found, [(Kind::DoubledTick, vec![(2, 2)])]);
    }

    #[test]
    fn a_double_names_the_objects_that_may_hold_it_already() {
        let slots: Slots<'_> = &[
            (0, "A", &[0, 1, 2]),
            (0, "A", &[3, 9]),
            (1, "B", &[4, 5]),
            (1, "B", &[9]),
        ];
        let unseen = Unseen {
            removed: &[],
            is_partial: false,
        };
        let found = all_findings_of(slots, unseen);
        assert_eq!(found[0].kind, Kind::DoubledTick);
        let holder = "x/t/dt=2026-11-23/hour=14/t-00000-00000000000000000001.jsonl";
        assert_eq!(found[0].what, format!("{holder} holds them already"));
        let slots: Slots<'_> = &[(0, "A", &[0, 2]), (1, "B", &[1, 3]), (2, "C", &[2])];
        let found = all_findings_of(slots, unseen);
        assert!(
            found[0].what.starts_with("already in one of x/t/"),
            "{}",
            found[0].what
        );
    }

    #[test]
    fn in_a_part_what_is_missing_before_it_is_no_fault_but_what_is_missing_in_it_is() {
        let before: Slots<'_> = &[(0, "A", &[90, 101, 102]), (1, "B", &[95, 100, 103])];
        assert_eq!(findings_of_a_part(before), []);
        let within: Slots<'_> = &[(0, "A", &[90, 101, 104]), (1, "B", &[95, 103])];
        assert_eq!(
            findings_of_a_part(within),
            [(Kind::MissingTick, vec![(102, 102)])]
        );
        assert_eq!(findings_of_a_part(&[(0, "A", &[7, 9])]), []);
        let doubled: Slots<'_> = &[(0, "A", &[90, 101]), (1, "B", &[101])];
        assert_eq!(
            findings_of_a_part(doubled),
            [(Kind::DoubledTick, vec![(101, 101)])]
        );
    }

    #[test]
    fn a_symbols_ticks_do_not_go_back_from_one_slot_to_the_next() {
        let found = findings_of(&[(0, "A", &[0, 2]), (0, "A", &[1, 3])], &[]);
        assert_eq!(found, [(Kind::Disorder, vec![(1, 1)])]);
        assert_eq!(findings_of(&[(0, "A", &[0, 2]), (0, "B", &[1, 3])], &[]), []);
    }

    #[test]
    fn what_was_removed_from_the_beginning_is_no_fault_but_a_hole_behind_it_is() {
        let slots: &[(u32, &str, &[u64])] = &[(0, "A", &[4, 5, 8]), (1, "B", &[0, 1, 2, 7])];
        let found = findings_of(slots, &[0]);
        assert_eq!(
            found,
            [
                (Kind::MissingTick, vec![(6, 6)]),
                (Kind::RemovedTick, vec![(3, 3)])
            ]
        );
        let found = findings_of(slots, &[]);
        assert_eq!(found, [(Kind::MissingTick, vec![(3, 3), (6, 6)])]);
    }

    #[test]
    fn a_cut_partition_without_the_session_excuses_only_its_beginning() {
        let found = findings_of(&[(0, "A", &[4, 6])], &[1]);
        assert_eq!(
            found,
            [
                (Kind::MissingTick, vec![(5, 5)]),
                (Kind::RemovedTick, vec![(0, 3)])
            ]
        );
    }

    #[test]
    fn sessions_that_are_made_up_take_no_more_than_their_memory_and_are_named_as_unproven() {
        let memory = 100_000;
        let mut findings = Findings::default();
        let mut sessions = Sessions::new("t", "x/t/", memory);
        for start in 0..1_000_u64 {
            let path = format!("t/dt=2026-11-23/hour=14/t-00000-{start:020}.jsonl");
            let ObjectName::Slot { name, .. } = ObjectName::parse(&path) else {
                panic!("{path} is no slot's name");
            };
            let runs = run(&[0], "A").into_values().next().unwrap();
            let made_up = BTreeMap::from([(Uuid::from_u128(start.into()), runs)]);
            sessions.slot(name, "k", made_up, &mut findings);
            assert!(sessions.held_bytes < memory * 5 / 4, "{start}");
        }
        assert!(
            (50..200).contains(&sessions.by_id.len()),
            "{}",
            sessions.by_id.len()
        );
        assert_eq!(findings.errors(), 1_000 - sessions.by_id.len() as u64);
        assert!(findings.kept()[0].what.contains("--memory"));
    }

    #[test]
    fn a_long_honest_session_takes_little() {
        let mut findings = Findings::default();
        let mut sessions = Sessions::new("t", "x/t/", 100_000);
        for start in 0..100_u64 {
            let path = format!("t/dt=2026-11-23/hour=14/t-00000-{start:020}.jsonl");
            let ObjectName::Slot { name, .. } = ObjectName::parse(&path) else {
                panic!("{path} is no slot's name");
            };
            let seqs: Vec<u64> = (start * 10_000..(start + 1) * 10_000).collect();
            sessions.slot(name, "k", run(&seqs, "A"), &mut findings);
        }
        assert_eq!(findings.errors(), 0, "{:?}", findings.kept());
    }
}
