use std::hint::black_box;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

use super::sample::Sample;
use crate::error::Error;
use crate::figures::{Figures, Stopwatch};

/// As much as a cache of the second level holds.
const PIECE_BYTES: usize = 256 * 1024;
/// An object's size by the consumer's default.
const FRAME_BYTES: usize = 64 * 1024 * 1024;
const GZIP_LEVEL: u32 = 6;

/// All lines in frames of an object's size, by one thread.
pub(super) fn zstd(sample: &Sample, level: i32, window_log: u32) -> Result<Figures, Error> {
    let start = || {
        let mut encoder = ZstdEncoder::new(Vec::new(), level)?;
        encoder.include_checksum(true)?;
        encoder.window_log(window_log)?;
        Ok(encoder)
    };
    measure(
        sample,
        start,
        |encoder| encoder.get_ref().len(),
        ZstdEncoder::finish,
    )
}

/// The same in members of gzip.
pub(super) fn gzip(sample: &Sample) -> Result<Figures, Error> {
    let start = || Ok(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)));
    measure(
        sample,
        start,
        |encoder| encoder.get_ref().len(),
        GzEncoder::finish,
    )
}

fn measure<E: Write>(
    sample: &Sample,
    start: impl Fn() -> io::Result<E>,
    encoded_len: impl Fn(&E) -> usize,
    finish: impl Fn(E) -> io::Result<Vec<u8>>,
) -> Result<Figures, Error> {
    let stopwatch = Stopwatch::start()?;
    let encoded = || {
        let mut encoded_bytes = 0;
        let mut encoder = start()?;
        for piece in sample.text().chunks(PIECE_BYTES) {
            encoder.write_all(piece)?;
            if encoded_len(&encoder) >= FRAME_BYTES {
                encoded_bytes += black_box(finish(std::mem::replace(&mut encoder, start()?))?).len();
            }
        }
        encoded_bytes += black_box(finish(encoder)?).len();
        Ok(encoded_bytes as u64)
    };
    let encoded_bytes = encoded().map_err(|source| Error::Compress { source })?;
    let figures = stopwatch.stop(sample.ticks(), sample.tick_bytes())?;
    Ok(Figures {
        encoded_bytes: Some(encoded_bytes),
        ..figures
    })
}
