//! One partition that is ours: its chain, and the bytes of the runs that are not in the bucket yet.

use std::io;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use uuid::Uuid;

use crate::args::Flush;
use crate::assignment::Resume;
use crate::encode::{ClosedRun, Content, Encoders, OpenRun, Record};
use crate::slot::{Chain, ClosedBy, Effect, Hour, Offer};

pub(crate) struct Partition {
    pub(crate) chain: Chain,
    /// Which assignment made it ours.
    pub(crate) assignment: u64,
    pub(crate) is_paused: bool,
    open: Option<Open>,
    waiting: Option<ClosedRun>,
    in_flight: Option<ClosedRun>,
    pauses: ExponentialBackoff,
}

struct Open {
    run: OpenRun,
    opened_at: Instant,
}

impl Partition {
    pub(crate) fn new(resume: Resume, assignment: u64) -> Self {
        Self {
            chain: Chain::resume(resume.boundary, resume.read_from),
            assignment,
            is_paused: true,
            open: None,
            waiting: None,
            in_flight: None,
            pauses: pauses(),
        }
    }

    /// What to do with a record.
    pub(crate) fn offer(&self, offset: i64, hour: Hour) -> Offer {
        self.chain.offer(offset, hour)
    }

    /// Encodes a record that was offered and wanted.
    pub(crate) fn take(
        &mut self,
        record: &Record<'_>,
        content: &Content<'_>,
        hour: Hour,
        encoders: &Encoders,
        now: Instant,
    ) -> io::Result<()> {
        // the chain keeps only that of a run's first record
        let first_crc32c = match self.open {
            None => record.line_crc32c(content)?,
            Some(_) => 0,
        };
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open {
                run: encoders.start_run(record.partition)?,
                opened_at: now,
            }),
        };
        open.run.push(record, content)?;
        self.chain.took(record.offset, hour, first_crc32c);
        Ok(())
    }

    /// Why the open run should be closed now, if it should.
    pub(crate) fn due(&self, flush: &Flush, now: Instant) -> Option<ClosedBy> {
        let open = self.open.as_ref()?;
        self.full(flush).or_else(|| {
            (now.saturating_duration_since(open.opened_at) >= flush.interval).then_some(ClosedBy::Age)
        })
    }

    /// Why the open run is full, if it is.
    pub(crate) fn full(&self, flush: &Flush) -> Option<ClosedBy> {
        let run = &self.open.as_ref()?.run;
        if run.size().records >= flush.records {
            Some(ClosedBy::Records)
        } else if run.encoded_len() >= flush.bytes {
            Some(ClosedBy::Bytes)
        } else {
            None
        }
    }

    /// Closes the open run, if another does not wait already.
    pub(crate) fn close(&mut self, closed_by: ClosedBy) -> io::Result<Option<Effect>> {
        if !self.chain.can_close() {
            return Ok(None);
        }
        let Some(open) = self.open.take() else {
            return Ok(None);
        };
        let run = open.run.close()?;
        let effect = self.chain.close(Uuid::new_v4(), closed_by);
        if effect.is_some() {
            self.in_flight = Some(run);
        } else {
            self.waiting = Some(run);
        }
        Ok(effect)
    }

    /// The bytes of the slot under way.
    pub(crate) fn in_flight(&self) -> Option<&ClosedRun> {
        self.in_flight.as_ref()
    }

    /// The slot under way is in the bucket: gives its bytes up, and makes the waiting ones the next under way.
    pub(crate) fn landed(&mut self) -> Option<ClosedRun> {
        self.pauses = pauses();
        std::mem::replace(&mut self.in_flight, self.waiting.take())
    }

    /// Drops what was read and is not under way.
    pub(crate) fn forget_unsent(&mut self) {
        self.open = None;
        self.waiting = None;
        self.in_flight = None;
    }

    /// How long to wait before asking again.
    pub(crate) fn next_pause(&mut self) -> Duration {
        self.pauses.next().unwrap_or(PAUSE_MAX)
    }

    /// Whether reading must wait: a whole run waits behind the one under way.
    pub(crate) fn is_full(&self) -> bool {
        self.chain.is_run_waiting()
    }

    /// When the first record of the open run was read.
    pub(crate) fn opened_at(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.opened_at)
    }

    /// Bytes of memory held for the open run.
    pub(crate) fn open_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.run.held_bytes())
    }

    /// Bytes of memory held for all runs.
    pub(crate) fn held_bytes(&self) -> u64 {
        let closed = [&self.waiting, &self.in_flight].into_iter().flatten();
        let closed: u64 = closed.map(ClosedRun::held_bytes).sum();
        closed + self.open_bytes()
    }

    /// Records held for all runs.
    pub(crate) fn records(&self) -> u64 {
        let closed = [&self.waiting, &self.in_flight].into_iter().flatten();
        let closed: u64 = closed.map(|run| run.size().records).sum();
        closed + self.open.as_ref().map_or(0, |open| open.run.size().records)
    }
}

const PAUSE_MAX: Duration = Duration::from_secs(30);

/// From 0.2 s to 30 s, for as long as it takes.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(PAUSE_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}
