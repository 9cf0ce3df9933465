use bucket_reader::{Record, SlotName};
use jiff::{SignedDuration, Timestamp};

use super::args::SelectionArgs;
use super::error::Error;

/// How much later than the hours before it a record may have reached Kafka and still be looked for.
const LATE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Whether a slot may hold records that are selected, by its name and by where the next one begins.
///
/// No record of a slot is of a later hour than the slot's; those that came late are of an earlier one.
pub(super) fn may_hold(selection: &SelectionArgs, name: SlotName, next: Option<u64>) -> bool {
    let SlotName { partition, start, .. } = name;
    let from = selection.from_offset.of(Some(partition));
    let to = selection.to_offset.of(Some(partition));
    let hour_start = name.hour_start();
    let hour_end = hour_start
        .saturating_add(SignedDuration::from_hours(1))
        .unwrap_or(Timestamp::MAX);
    let is_before = |moment: Timestamp| {
        let latest = moment.saturating_add(LATE_MAX).unwrap_or(Timestamp::MAX);
        hour_start < latest
    };
    (selection.partition.is_empty() || selection.partition.contains(&partition))
        && from.zip(next).is_none_or(|(from, next)| from < next)
        && to.is_none_or(|to| start < to)
        && selection.since.is_none_or(|since| since < hour_end)
        && selection.until.is_none_or(is_before)
}

/// The offsets of one slot's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Of the first record.
    pub(super) first: u64,
    /// The slot's last.
    pub(super) last: u64,
    /// Whether the offset of each record is known.
    pub(super) is_known: bool,
}

/// Refuses an offset inside a slot whose records do not tell theirs.
pub(super) fn check_bounds(
    selection: &SelectionArgs,
    partition: u32,
    span: Span,
    object: &str,
) -> Result<(), Error> {
    let Span {
        first,
        last,
        is_known,
    } = span;
    let bounds = [&selection.from_offset, &selection.to_offset].map(|offsets| offsets.of(Some(partition)));
    let inside = bounds
        .into_iter()
        .flatten()
        .find(|offset| (first + 1..=last).contains(offset));
    match inside.filter(|_| !is_known) {
        None => Ok(()),
        Some(offset) => Err(Error::OffsetUnknown {
            offset,
            object: object.to_owned(),
            first,
            last,
        }),
    }
}

/// Whether a record is selected. `offset` is its own, or its slot's first where its own is not known.
pub(super) fn is_selected(selection: &SelectionArgs, record: &Record<'_>, offset: u64) -> bool {
    let partition = Some(record.partition);
    selection
        .from_offset
        .of(partition)
        .is_none_or(|from| offset >= from)
        && selection.to_offset.of(partition).is_none_or(|to| offset < to)
        && selection.since.is_none_or(|since| record.moment >= since)
        && selection.until.is_none_or(|until| record.moment < until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_inside_a_slot_with_gaps_is_refused_but_not_one_at_its_ends() {
        let span = Span {
            first: 10,
            last: 19,
            is_known: false,
        };
        for (offset, is_right) in [(0, true), (10, true), (11, false), (19, false), (20, true)] {
            for flag in 0..2 {
                let offsets = [offset.to_string(), String::new()];
                let selection = SelectionArgs {
                    from_offset: offsets[flag].parse().unwrap(),
                    to_offset: offsets[1 - flag].parse().unwrap(),
                    ..SelectionArgs::default()
                };
                let checked = check_bounds(&selection, 0, span, "o");
                assert_eq!(checked.is_ok(), is_right, "{offset}");
                let known = Span {
                    is_known: true,
                    ..span
                };
                assert!(check_bounds(&selection, 0, known, "o").is_ok());
            }
        }
    }
}
