use std::hint::black_box;

use super::sample::Sample;
use crate::error::Error;
use crate::figures::{Figures, Stopwatch};

/// One line after the other, on one thread.
pub(super) fn each(
    sample: &Sample,
    check: impl Fn(usize, &[u8]) -> Result<(), Error>,
) -> Result<Figures, Error> {
    let stopwatch = Stopwatch::start()?;
    for (offset, line) in sample.lines().enumerate() {
        check(offset, black_box(line))?;
    }
    stopwatch.stop(sample.ticks(), sample.tick_bytes())
}
