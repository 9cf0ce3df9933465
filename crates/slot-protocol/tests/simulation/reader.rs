use rand::{Rng, RngExt};
use slot_protocol::Hour;

use super::log::Log;

/// A place in the log, as a Kafka client keeps it for a writer. An outdated answer about where the log ends may move it
/// too far: at the first record after a seek, or later.
pub(super) struct Reader {
    position: i64,
    /// No record was read since the seek.
    pub(super) is_first: bool,
    /// An outdated answer is on its way.
    is_to_stray: bool,
    /// Where such an answer moved it last, if nothing was read since: twice in a row it is not the same record.
    strayed_to: Option<i64>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            position: 0,
            is_first: true,
            is_to_stray: false,
            strayed_to: None,
        }
    }

    pub(super) fn seek(&mut self, to: i64, log: &Log, random: &mut impl Rng) {
        self.position = to;
        self.is_first = true;
        self.is_to_stray = log.is_misplacing && random.random_bool(0.5);
    }

    /// The record that comes next.
    pub(super) fn peek(&mut self, log: &Log, random: &mut impl Rng) -> Option<(i64, Hour)> {
        if self.is_to_stray && self.position < log.high && random.random_bool(0.5) {
            self.is_to_stray = false;
            self.stray(log, random);
        }
        let next = log.record_from(self.position)?;
        // but for what is the known limit: once a hole was believed, a wrong place is taken for another
        self.is_to_stray &= next.0 == self.position;
        Some(next)
    }

    fn stray(&mut self, log: &Log, random: &mut impl Rng) {
        let to = random.random_range(self.position + 1..=log.high);
        let is_same = |before| log.record_from(before) == log.record_from(to);
        if !self.strayed_to.is_some_and(is_same) {
            self.position = to;
            self.strayed_to = Some(to);
        }
    }

    /// The record at this offset was read.
    pub(super) fn pass(&mut self, offset: i64) {
        self.position = offset + 1;
        self.is_first = false;
        self.strayed_to = None;
    }
}
