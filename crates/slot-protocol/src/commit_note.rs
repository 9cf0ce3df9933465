use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

use crate::LogRange;

/// What stands as metadata in a commit: which chain it is of, and the slot that it ended. A commit without it was
/// not made by this program (an operator's reset, another consumer) and says nothing of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitNote {
    /// Id of the bucket's layout.
    pub layout: Uuid,
    /// First offset of the slot.
    pub start: i64,
    /// Last offset of the slot.
    pub end: i64,
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
pub struct NotACommitNote;

/// The end of the chain as a commit tells it, or nothing if the bucket must be asked: the commit is not ours, is of
/// another bucket or prefix, or retention has passed it. Then the key of the slot there, which its first record
/// makes, cannot be known from the log any more.
#[must_use]
pub fn boundary_of_commit(offset: i64, metadata: &str, layout: Uuid, log: LogRange) -> Option<i64> {
    let note: CommitNote = metadata.parse().ok()?;
    let is_trusted = note.layout == layout
        && note.end.checked_add(1) == Some(offset)
        && note.start <= note.end
        && (log.low..=log.high).contains(&offset);
    is_trusted.then_some(offset)
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
}
