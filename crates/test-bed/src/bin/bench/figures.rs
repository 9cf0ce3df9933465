use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use test_bed::Usage;

use crate::error::Error;

/// Linux tells CPU time in steps of this.
const CPU_SECONDS_MIN: f64 = 0.01;

/// What one run of one contender took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) ticks: u64,
    /// The ticks' own bytes.
    pub(crate) bytes: u64,
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) memory_peak_bytes: u64,
    /// Bytes that came out, compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encoded_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) objects: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<u64>,
}

impl Figures {
    pub(crate) fn ticks_a_second(&self) -> f64 {
        quotient(self.ticks, self.wall_seconds)
    }

    pub(crate) fn ticks_a_cpu_second(&self) -> f64 {
        quotient(self.ticks, self.cpu_seconds.max(CPU_SECONDS_MIN))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate is shown in three digits")]
fn quotient(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(f64::EPSILON)
}

/// What this process takes from here on.
pub(crate) struct Stopwatch {
    started: Instant,
    cpu_time: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Result<Self, Error> {
        let cpu_time = usage()?.cpu_time;
        Ok(Self {
            started: Instant::now(),
            cpu_time,
        })
    }

    pub(crate) fn stop(&self, ticks: u64, bytes: u64) -> Result<Figures, Error> {
        let wall_seconds = self.started.elapsed().as_secs_f64();
        let usage = usage()?;
        Ok(Figures {
            ticks,
            bytes,
            wall_seconds,
            cpu_seconds: usage.cpu_time.saturating_sub(self.cpu_time).as_secs_f64(),
            memory_peak_bytes: usage.memory_peak_bytes,
            encoded_bytes: None,
            objects: None,
            requests: None,
        })
    }
}

fn usage() -> Result<Usage, Error> {
    Usage::of_this_process().ok_or_else(|| Error::NoUsage {
        name: "this process".to_owned(),
    })
}
