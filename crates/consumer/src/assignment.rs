//! Where a partition that became ours goes on: at the end of its chain, which a commit in Kafka tells fast and
//! the bucket tells for sure.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// What stands as metadata in a commit: which chain it is of, and the slot that it ended. A commit without it was
/// not made by this program (an operator's reset, another consumer) and says nothing of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommitNote {
    /// Id of the bucket's layout.
    pub(crate) layout: Uuid,
    /// First offset of the slot.
    pub(crate) start: i64,
    /// Last offset of the slot.
    pub(crate) end: i64,
}

impl fmt::Display for CommitNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot/1 {} {} {}", self.layout, self.start, self.end)
    }
}

impl FromStr for CommitNote {
    type Err = NotACommitNote;

    fn from_str(text: &str) -> Result<Self, NotACommitNote> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(NotACommitNote);
        if word()? != "slot/1" {
            return Err(NotACommitNote);
        }
        Ok(Self {
            layout: word()?.parse().map_err(|_| NotACommitNote)?,
            start: word()?.parse().map_err(|_| NotACommitNote)?,
            end: word()?.parse().map_err(|_| NotACommitNote)?,
        })
    }
}

/// The metadata of a commit is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotACommitNote;

/// The offsets that the log of a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogRange {
    /// Of the oldest record.
    pub(crate) low: i64,
    /// Of the record that will come next.
    pub(crate) high: i64,
}

/// The end of the chain as a commit tells it, or nothing if the bucket must be asked: the commit is not ours, is of
/// another bucket or prefix, or retention has passed it. Then the key of the slot there, which its first record
/// makes, cannot be known from the log any more.
#[must_use]
pub(crate) fn boundary_of_commit(offset: i64, metadata: &str, layout: Uuid, log: LogRange) -> Option<i64> {
    let note: CommitNote = metadata.parse().ok()?;
    let is_trusted = note.layout == layout
        && note.end.checked_add(1) == Some(offset)
        && note.start <= note.end
        && (log.low..=log.high).contains(&offset);
    is_trusted.then_some(offset)
}

/// Where a chain and its reader go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Where the next slot begins.
    pub(crate) boundary: i64,
    /// Offset of the first record to read.
    pub(crate) read_from: i64,
}

impl Resume {
    /// Goes on at a chain's end, or behind what retention deleted of the log since.
    ///
    /// # Errors
    ///
    /// [`ChainBeyondLog`] if the chain ends where the log has not come to yet: it is of another log.
    pub(crate) fn at(boundary: i64, log: LogRange) -> Result<Self, ChainBeyondLog> {
        if boundary > log.high {
            return Err(ChainBeyondLog {
                boundary,
                high: log.high,
            });
        }
        Ok(Self {
            boundary,
            read_from: boundary.max(log.low),
        })
    }

    /// How many offsets retention deleted before they were read.
    #[must_use]
    pub(crate) fn lost(&self) -> i64 {
        self.read_from - self.boundary
    }
}

/// The bucket holds records that the log never had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainBeyondLog {
    /// Where the chain ends.
    pub(crate) boundary: i64,
    /// Where the log ends.
    pub(crate) high: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Uuid = Uuid::from_u128(7);
    const LOG: LogRange = LogRange { low: 10, high: 100 };

    fn note(start: i64, end: i64) -> String {
        CommitNote {
            layout: LAYOUT,
            start,
            end,
        }
        .to_string()
    }

    #[test]
    fn a_commit_of_ours_tells_the_boundary() {
        assert_eq!(boundary_of_commit(50, &note(40, 49), LAYOUT, LOG), Some(50));
        assert_eq!(boundary_of_commit(10, &note(0, 9), LAYOUT, LOG), Some(10));
        assert_eq!(boundary_of_commit(100, &note(0, 99), LAYOUT, LOG), Some(100));
    }

    #[test]
    fn any_other_commit_tells_nothing() {
        for (offset, metadata) in [
            (50, String::new()),
            (50, "slot/1".to_owned()),
            (50, "slot/2 x 40 49".to_owned()),
            (45, note(40, 49)),
            (50, note(60, 49)),
            (9, note(0, 8)),
            (101, note(0, 100)),
            (i64::MIN, note(0, i64::MAX)),
        ] {
            assert_eq!(
                boundary_of_commit(offset, &metadata, LAYOUT, LOG),
                None,
                "{offset} {metadata}"
            );
        }
        assert_eq!(
            boundary_of_commit(50, &note(40, 49), Uuid::from_u128(8), LOG),
            None
        );
    }

    #[test]
    fn what_retention_took_is_counted_and_the_slot_still_begins_at_the_boundary() {
        let resume = Resume::at(4, LOG).unwrap();
        assert_eq!((resume.boundary, resume.read_from, resume.lost()), (4, 10, 6));
        let resume = Resume::at(100, LOG).unwrap();
        assert_eq!((resume.boundary, resume.read_from, resume.lost()), (100, 100, 0));
    }

    #[test]
    fn a_chain_longer_than_the_log_is_of_another_log() {
        assert_eq!(
            Resume::at(101, LOG),
            Err(ChainBeyondLog {
                boundary: 101,
                high: 100
            })
        );
    }
}
