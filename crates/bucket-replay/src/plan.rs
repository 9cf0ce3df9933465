use std::collections::BTreeMap;

use bucket_reader::{ListedSlot, SlotName};
use jiff::Timestamp;
use tracing::warn;

use super::args::SelectionArgs;
use super::error::Error;
use super::offsets::Offsets;
use super::selection::may_hold;

/// The slots to read, in the order in which they are sent: by hours, and in each partition by its chain.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) slots: Vec<Planned>,
    /// Where each partition begins.
    pub(super) begins: BTreeMap<u32, u64>,
}

/// A slot to read.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) slot: ListedSlot,
    pub(super) key: String,
    /// Where the next slot of the chain begins, be it read or not.
    pub(super) next: Option<u64>,
}

impl Plan {
    /// `listed` has the slots partition by partition, each in the order of its starts.
    pub(super) fn new(
        place: &str,
        folder: &str,
        topic: &str,
        listed: &[ListedSlot],
        selection: &SelectionArgs,
    ) -> Result<Self, Error> {
        check_partitions(place, listed, selection)?;
        let mut ordered = Vec::new();
        let mut begins = BTreeMap::new();
        // a record that came late can begin a slot: its hour is then behind that of the slot before it
        let mut hour = Timestamp::MIN;
        for (index, slot) in listed.iter().enumerate() {
            let name = slot.name;
            let SlotName { partition, start, .. } = name;
            let of_partition = |slot: &&ListedSlot| slot.name.partition == partition;
            let is_first = index == 0 || !of_partition(&&listed[index - 1]);
            let next = listed
                .get(index + 1)
                .filter(of_partition)
                .map(|next| next.name.start);
            if is_first {
                hour = Timestamp::MIN;
                warn_of_removed(name, selection);
            }
            hour = hour.max(name.hour_start());
            if may_hold(selection, name, next) {
                let from = selection.from_offset.of(Some(partition)).unwrap_or_default();
                begins.entry(partition).or_insert(start.max(from));
                let key = name.key(folder, topic);
                let slot = *slot;
                ordered.push((hour, Planned { slot, key, next }));
            }
        }
        ordered.sort_by_key(|(hour, planned)| (*hour, planned.slot.name.partition, planned.slot.name.start));
        Ok(Self {
            slots: ordered.into_iter().map(|(_, planned)| planned).collect(),
            begins,
        })
    }

    /// What is to be fetched.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.slots.iter().map(|planned| planned.slot.size).sum()
    }

    /// How many partitions a topic must have to hold the same.
    pub(super) fn partitions_needed(&self) -> usize {
        self.begins
            .last_key_value()
            .map_or(0, |(partition, _)| *partition as usize + 1)
    }
}

fn check_partitions(place: &str, listed: &[ListedSlot], selection: &SelectionArgs) -> Result<(), Error> {
    let mut there: Vec<u32> = listed.iter().map(|slot| slot.name.partition).collect();
    there.dedup();
    let named = selection.partition.iter().copied();
    let offsets = [&selection.from_offset, &selection.to_offset];
    let named = named.chain(offsets.into_iter().flat_map(Offsets::partitions));
    match named.into_iter().find(|partition| !there.contains(partition)) {
        None => Ok(()),
        Some(partition) => Err(Error::NoPartition {
            partition,
            place: place.to_owned(),
            partitions: there.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
        }),
    }
}

fn warn_of_removed(first: SlotName, selection: &SelectionArgs) {
    let SlotName { partition, start, .. } = first;
    let is_selected = selection.partition.is_empty() || selection.partition.contains(&partition);
    if let Some(from) = selection.from_offset.of(Some(partition))
        && is_selected
        && from < start
    {
        warn!(
            partition,
            "offsets {from} to {} are not in the bucket: it begins behind them",
            start - 1
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bucket_reader::ObjectName;

    /// Slots as partition, start and hour.
    fn listed(slots: &[(u32, u64, u8)]) -> Vec<ListedSlot> {
        let slot = |(partition, start, hour): &(u32, u64, u8)| {
            let path = format!("t/dt=2026-11-23/hour={hour:02}/t-{partition:05}-{start:020}.jsonl");
            let ObjectName::Slot { name, .. } = ObjectName::parse(&path) else {
                panic!("{path} is no slot's name");
            };
            ListedSlot { name, size: 1 }
        };
        slots.iter().map(slot).collect()
    }

    fn starts(slots: &[(u32, u64, u8)], selection: &SelectionArgs) -> Vec<(u32, u64)> {
        let plan = Plan::new("p", "x/t/", "t", &listed(slots), selection).unwrap();
        let names = plan.slots.iter().map(|planned| planned.slot.name);
        names.map(|name| (name.partition, name.start)).collect()
    }

    const SLOTS: &[(u32, u64, u8)] = &[
        (0, 0, 3),
        (0, 10, 5),
        (0, 20, 4),
        (0, 30, 6),
        (1, 5, 4),
        (1, 50, 6),
    ];

    #[test]
    fn slots_go_by_hours_and_never_against_their_chain() {
        let all = starts(SLOTS, &SelectionArgs::default());
        assert_eq!(all, [(0, 0), (1, 5), (0, 10), (0, 20), (0, 30), (1, 50)]);
    }

    #[test]
    fn only_slots_that_may_hold_what_is_selected_are_read() {
        let offsets = SelectionArgs {
            from_offset: "0:15,1:50".parse().unwrap(),
            to_offset: "0:30".parse().unwrap(),
            ..SelectionArgs::default()
        };
        assert_eq!(starts(SLOTS, &offsets), [(0, 10), (0, 20), (1, 50)]);
        let since = SelectionArgs {
            partition: vec![0],
            since: Some("2026-11-23T05:30:00Z".parse().unwrap()),
            ..SelectionArgs::default()
        };
        assert_eq!(starts(SLOTS, &since), [(0, 10), (0, 30)]);
        let until = SelectionArgs {
            until: Some("2026-11-22T05:00:00Z".parse().unwrap()),
            ..SelectionArgs::default()
        };
        assert_eq!(
            starts(SLOTS, &until),
            [(0, 0), (1, 5), (0, 20)],
            "a day late at most"
        );
    }

    #[test]
    fn a_partition_that_is_not_there_is_refused() {
        let selection = SelectionArgs {
            partition: vec![0, 7],
            ..SelectionArgs::default()
        };
        let refused = Plan::new("p", "x/t/", "t", &listed(SLOTS), &selection);
        assert!(matches!(refused, Err(Error::NoPartition { partition: 7, .. })));
    }
}
