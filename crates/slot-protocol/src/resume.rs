/// The offsets that the log of a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRange {
    /// Of the oldest record.
    pub low: i64,
    /// Of the record that will come next.
    pub high: i64,
}

/// Where a chain and its reader go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Where the next slot begins.
    pub boundary: i64,
    /// Offset of the first record to read.
    pub read_from: i64,
}

impl Resume {
    /// Goes on at a chain's end, or behind what retention deleted of the log since.
    ///
    /// # Errors
    ///
    /// [`ChainBeyondLog`] if the chain ends where the log has not come to yet: it is of another log.
    pub fn at(boundary: i64, log: LogRange) -> Result<Self, ChainBeyondLog> {
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
    pub fn lost(&self) -> i64 {
        self.read_from - self.boundary
    }
}

/// The bucket holds records that the log never had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainBeyondLog {
    /// Where the chain ends.
    pub boundary: i64,
    /// Where the log ends.
    pub high: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogRange = LogRange { low: 10, high: 100 };

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
