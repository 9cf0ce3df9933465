//! One partition that is ours: its chain with the runs that are not in the bucket yet.

use std::io;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use slot_protocol::{Chain, ClosedBy, Hour, Resume, Run};

use crate::encode::{ClosedRun, Content, Encoders, OpenRun, Record};
use crate::requests::Ticket;

/// When a run is closed, beside the hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flush {
    /// Since its first record was read.
    pub(crate) interval: Duration,
    /// Encoded.
    pub(crate) bytes: u64,
    /// How many.
    pub(crate) records: u64,
}

pub(crate) struct Partition {
    pub(crate) chain: Chain<Timed<OpenRun>>,
    /// Which assignment made it ours.
    pub(crate) ticket: Ticket,
    pub(crate) is_paused: bool,
    jitter_seed: u64,
    pauses: ExponentialBackoff,
}

/// A run, and when its first record was read.
#[derive(Clone)]
pub(crate) struct Timed<R> {
    pub(crate) run: R,
    pub(crate) opened_at: Instant,
}

impl Run for Timed<OpenRun> {
    type Closed = Timed<ClosedRun>;
    type Error = io::Error;

    fn close(self) -> io::Result<Timed<ClosedRun>> {
        Ok(Timed {
            run: self.run.close()?,
            opened_at: self.opened_at,
        })
    }
}

impl Partition {
    pub(crate) fn new(resume: Resume, ticket: Ticket, jitter_seed: u64) -> Self {
        Self {
            chain: Chain::resume(resume),
            ticket,
            is_paused: true,
            jitter_seed,
            pauses: pauses(jitter_seed),
        }
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
        let begin = || {
            let mut run = OpenRun::start(encoders, record.partition)?;
            run.push(record, content)?;
            let opened_at = now;
            Ok((Timed { run, opened_at }, record.line_crc32c(content)?))
        };
        let push = |open: &mut Timed<OpenRun>| open.run.push(record, content);
        self.chain.take(record.offset, hour, begin, push)
    }

    /// Why the open run should be closed now, if it should.
    pub(crate) fn due(&self, flush: &Flush, now: Instant) -> Option<ClosedBy> {
        let open = self.chain.open()?;
        self.full(flush).or_else(|| {
            (now.saturating_duration_since(open.opened_at) >= flush.interval).then_some(ClosedBy::Age)
        })
    }

    /// Why the open run is full, if it is.
    pub(crate) fn full(&self, flush: &Flush) -> Option<ClosedBy> {
        let run = &self.chain.open()?.run;
        if run.size().records >= flush.records {
            Some(ClosedBy::Records)
        } else if run.encoded_len() >= flush.bytes {
            Some(ClosedBy::Bytes)
        } else {
            None
        }
    }

    /// How long to wait before asking again.
    pub(crate) fn next_pause(&mut self) -> Duration {
        self.pauses.next().unwrap_or(PAUSE_MAX)
    }

    /// The store took a run: the next failure is the first again.
    pub(crate) fn forget_pauses(&mut self) {
        self.pauses = pauses(self.jitter_seed);
    }

    /// Whether reading must wait: a whole run waits behind the one under way.
    pub(crate) fn is_full(&self) -> bool {
        self.chain.is_run_waiting()
    }

    /// When the oldest record was read that is not in the bucket.
    pub(crate) fn oldest_read_at(&self) -> Option<Instant> {
        let closed = self.chain.closed().map(|(_, closed)| closed.opened_at);
        closed.chain(self.chain.open().map(|open| open.opened_at)).min()
    }

    /// Bytes of memory held for the open run.
    pub(crate) fn open_bytes(&self) -> u64 {
        self.chain.open().map_or(0, |open| open.run.held_bytes())
    }

    /// Bytes of memory held for all runs.
    pub(crate) fn held_bytes(&self) -> u64 {
        let closed = self.chain.closed().map(|(_, closed)| closed.run.held_bytes());
        closed.sum::<u64>() + self.open_bytes()
    }

    /// Records held for all runs.
    pub(crate) fn records(&self) -> u64 {
        let closed = self.chain.closed().map(|(_, closed)| closed.run.size().records);
        let open = self.chain.open().map_or(0, |open| open.run.size().records);
        closed.sum::<u64>() + open
    }
}

const PAUSE_MAX: Duration = Duration::from_secs(30);

/// From 0.2 s to 30 s, for as long as it takes.
fn pauses(jitter_seed: u64) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(PAUSE_MAX)
        .with_jitter()
        .with_jitter_seed(jitter_seed)
        .without_max_times()
        .build()
}
