use rand::{Rng, RngExt};

use slot_protocol::{Hour, LogRange};

/// Records that a partition comes to have.
pub(super) const LOG_LEN: i64 = 14;

/// One partition of the log: records of later and earlier hours, with holes, as transactions and compaction make
/// them. It grows at its end and shrinks at its beginning.
pub(super) struct Log {
    /// Of each offset; none for a hole.
    records: Vec<Option<Hour>>,
    pub(super) low: i64,
    pub(super) high: i64,
    /// Outdated answers about its end are on their way to those who read it.
    pub(super) is_misplacing: bool,
}

impl Log {
    pub(super) fn new(random: &mut impl Rng) -> Self {
        let mut hour = 0;
        let mut records: Vec<_> = (0..LOG_LEN)
            .map(|_| {
                hour += i64::from(random.random_bool(0.15));
                let late_by = i64::from(random.random_bool(0.15));
                let is_hole = random.random_bool(0.1);
                (!is_hole).then(|| Hour::of_timestamp_ms((hour - late_by) * 3_600_000))
            })
            .collect();
        // so that the chain can come to the end
        if let Some(last) = records.last_mut() {
            last.get_or_insert_with(|| Hour::of_timestamp_ms(hour * 3_600_000));
        }
        Self {
            records,
            low: 0,
            high: random.random_range(0..=LOG_LEN),
            is_misplacing: true,
        }
    }

    pub(super) fn range(&self) -> LogRange {
        LogRange {
            low: self.low,
            high: self.high,
        }
    }

    /// The first record from an offset on.
    pub(super) fn record_from(&self, offset: i64) -> Option<(i64, Hour)> {
        (offset.max(self.low)..self.high).find_map(|offset| Some((offset, self.hour_of(offset)?)))
    }

    pub(super) fn hour_of(&self, offset: i64) -> Option<Hour> {
        *self.records.get(usize::try_from(offset).ok()?)?
    }
}

pub(super) fn crc_of(partition: i32, offset: i64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&partition.to_be_bytes()), &offset.to_be_bytes())
}
