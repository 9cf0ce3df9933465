use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tracing::info;

use super::error::Error;
use super::ledger::Balance;
use super::offsets::Offsets;
use super::progress_file::ProgressFile;

const NOTE_INTERVAL: Duration = Duration::from_secs(1);
const SAY_INTERVAL: Duration = Duration::from_secs(10);

/// How far it is, noted again and again, so that an end without a word leaves a place to go on from.
pub(super) struct Notes {
    file: Option<ProgressFile>,
    noted_at: Instant,
    said_at: Instant,
}

impl Notes {
    pub(super) fn new(file: Option<ProgressFile>, now: Instant) -> Self {
        Self {
            file,
            noted_at: now,
            said_at: now,
        }
    }

    /// Before an object is sent.
    pub(super) fn will_send(&mut self, partition: u32, from: u64, end: u64) -> Result<(), Error> {
        match &mut self.file {
            Some(file) => file.will_send(partition, from, end),
            None => Ok(()),
        }
    }

    /// While it is sent. `reached` are the offsets that are not sent yet.
    pub(super) fn meanwhile(
        &mut self,
        now: Instant,
        selected_from: &Offsets,
        reached: &BTreeMap<u32, u64>,
        balance: impl FnOnce() -> Balance,
    ) -> Result<(), Error> {
        if now.saturating_duration_since(self.noted_at) < NOTE_INTERVAL {
            return Ok(());
        }
        self.noted_at = now;
        let to = acknowledged_to(reached, &balance());
        if now.saturating_duration_since(self.said_at) >= SAY_INTERVAL {
            self.said_at = now;
            let resume = selected_from.with(&to);
            info!("should it end without a word, go on with `--from-offset {resume}`");
        }
        self.acknowledged(&to)
    }

    /// At its end.
    pub(super) fn acknowledged(&mut self, to: &BTreeMap<u32, u64>) -> Result<(), Error> {
        match &mut self.file {
            Some(file) => file.acknowledged(to),
            None => Ok(()),
        }
    }
}

/// The offsets before which all is acknowledged.
pub(super) fn acknowledged_to(reached: &BTreeMap<u32, u64>, balance: &Balance) -> BTreeMap<u32, u64> {
    let mut to = reached.clone();
    to.extend(&balance.open_from);
    to
}
