use std::fmt;
use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder, Operation};

/// Size of the piece that is decompressed at a time, whatever a few bytes of input would become.
const PIECE_BYTES: usize = 128 * 1024;

/// How the lines of an object are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Codec {
    Zstd,
    Gzip,
    None,
}

impl Codec {
    /// The name in metadata and layout.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a body cannot be read on.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the names say it")]
pub enum BodyFault {
    #[error("it cannot be decompressed as {codec}: {source}")]
    Corrupt { codec: Codec, source: io::Error },
    #[error("it ends inside its {codec} frame")]
    Truncated { codec: Codec },
    #[error("bytes stand behind its {codec} frame")]
    Trailing { codec: Codec },
    #[error("line {line} is longer than {limit} bytes")]
    LineTooLong { line: u64, limit: usize },
    #[error("it has more than {records} records, the slot only {offsets} offsets")]
    TooManyRecords { records: u64, offsets: u64 },
    #[error("its record {record} is nothing of ours: {reason}")]
    NoRecord { record: u64, reason: String },
    #[error("it cannot be read as Parquet: {source}")]
    Parquet { source: parquet::errors::ParquetError },
    #[error("it has no column {column} of the type {expected}, but {found}")]
    Column {
        column: &'static str,
        expected: String,
        found: String,
    },
}

/// Decompresses one frame as its bytes come, a bounded piece at a time.
pub(crate) struct Decompressor {
    codec: Codec,
    stream: Stream,
    is_at_end: bool,
    piece: Box<[u8]>,
}

enum Stream {
    Zstd(Decoder<'static>),
    Gzip(Decompress),
    Plain,
}

struct Step {
    read: usize,
    written: usize,
    is_end: bool,
}

impl Decompressor {
    pub(crate) fn new(codec: Codec) -> Result<Self, BodyFault> {
        let stream = match codec {
            Codec::Zstd => {
                Stream::Zstd(Decoder::new().map_err(|source| BodyFault::Corrupt { codec, source })?)
            }
            Codec::Gzip => Stream::Gzip(Decompress::new_gzip(15)),
            Codec::None => Stream::Plain,
        };
        Ok(Self {
            codec,
            stream,
            is_at_end: false,
            piece: vec![0; PIECE_BYTES].into_boxed_slice(),
        })
    }

    /// Takes the next bytes of the object and hands what they decompress to, piece by piece, to `sink`.
    pub(crate) fn push<E: From<BodyFault>>(
        &mut self,
        mut input: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let codec = self.codec;
        loop {
            if self.is_at_end {
                return if input.is_empty() {
                    Ok(())
                } else {
                    Err(BodyFault::Trailing { codec }.into())
                };
            }
            let step = self
                .stream
                .step(input, &mut self.piece)
                .map_err(|source| BodyFault::Corrupt { codec, source })?;
            sink(&self.piece[..step.written])?;
            input = &input[step.read..];
            self.is_at_end = step.is_end;
            let wants_more = input.is_empty() && step.written < self.piece.len();
            let is_stuck = step.read == 0 && step.written == 0;
            if !step.is_end && (wants_more || is_stuck) {
                return if input.is_empty() {
                    Ok(())
                } else {
                    let source = io::ErrorKind::InvalidData.into();
                    Err(BodyFault::Corrupt { codec, source }.into())
                };
            }
        }
    }

    /// To be called once the object has no more bytes.
    pub(crate) fn finish(&self) -> Result<(), BodyFault> {
        if self.is_at_end || matches!(self.stream, Stream::Plain) {
            Ok(())
        } else {
            Err(BodyFault::Truncated { codec: self.codec })
        }
    }
}

impl Stream {
    fn step(&mut self, input: &[u8], piece: &mut [u8]) -> io::Result<Step> {
        match self {
            Self::Zstd(decoder) => {
                let status = decoder.run_on_buffers(input, piece)?;
                Ok(Step {
                    read: status.bytes_read,
                    written: status.bytes_written,
                    // 0 is also what zstd says before it has seen anything
                    is_end: status.remaining == 0 && status.bytes_read + status.bytes_written > 0,
                })
            }
            Self::Gzip(decompress) => {
                let (read, written) = (decompress.total_in(), decompress.total_out());
                let status = decompress
                    .decompress(input, piece, FlushDecompress::None)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                let grown = |now: u64, before: u64| usize::try_from(now - before).map_err(io::Error::other);
                Ok(Step {
                    read: grown(decompress.total_in(), read)?,
                    written: grown(decompress.total_out(), written)?,
                    is_end: status == Status::StreamEnd,
                })
            }
            Self::Plain => {
                let len = input.len().min(piece.len());
                piece[..len].copy_from_slice(&input[..len]);
                Ok(Step {
                    read: len,
                    written: len,
                    is_end: false,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn compress(codec: Codec, plain: &[u8]) -> Vec<u8> {
        match codec {
            Codec::Zstd => zstd::encode_all(plain, 1).unwrap(),
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            Codec::None => plain.to_vec(),
        }
    }

    fn decompress(codec: Codec, bytes: &[u8], chunk_len: usize) -> Result<Vec<u8>, BodyFault> {
        let mut plain = Vec::new();
        let mut decompressor = Decompressor::new(codec)?;
        for chunk in bytes.chunks(chunk_len) {
            decompressor.push(chunk, |piece| {
                plain.extend_from_slice(piece);
                Ok(())
            })?;
        }
        decompressor.finish()?;
        Ok(plain)
    }

    #[test]
    fn every_codec_reads_what_was_written_however_it_is_cut() {
        let plain: Vec<u8> = (0..60_000_u32).flat_map(u32::to_le_bytes).collect();
        for codec in [Codec::Zstd, Codec::Gzip, Codec::None] {
            let bytes = compress(codec, &plain);
            for chunk_len in [1, 7, 65_536, bytes.len()] {
                assert!(
                    decompress(codec, &bytes, chunk_len).unwrap() == plain,
                    "{codec} by {chunk_len}"
                );
            }
        }
    }

    #[test]
    fn a_frame_that_is_cut_or_followed_is_a_fault() {
        for codec in [Codec::Zstd, Codec::Gzip] {
            let bytes = compress(codec, &[7; 1000]);
            let cut = decompress(codec, &bytes[..bytes.len() - 1], 10);
            assert!(
                matches!(cut, Err(BodyFault::Truncated { .. })),
                "{codec}: {cut:?}"
            );
            assert!(matches!(
                decompress(codec, &[], 10),
                Err(BodyFault::Truncated { .. })
            ));
            let twice = [bytes.clone(), bytes.clone()].concat();
            for chunk_len in [1, bytes.len(), twice.len()] {
                let followed = decompress(codec, &twice, chunk_len);
                assert!(
                    matches!(followed, Err(BodyFault::Trailing { .. })),
                    "{codec}: {followed:?}"
                );
            }
            let mut flipped = bytes.clone();
            flipped[1] ^= 0xff;
            assert!(matches!(
                decompress(codec, &flipped, 10),
                Err(BodyFault::Corrupt { .. })
            ));
        }
    }

    #[test]
    fn a_bomb_is_handed_on_in_small_pieces() {
        let bytes = compress(Codec::Zstd, &vec![b'x'; 16 * 1024 * 1024]);
        let mut longest = 0;
        let mut decompressor = Decompressor::new(Codec::Zstd).unwrap();
        decompressor
            .push(&bytes, |piece| {
                longest = longest.max(piece.len());
                Ok::<(), BodyFault>(())
            })
            .unwrap();
        assert!(bytes.len() < 100_000 && longest <= PIECE_BYTES);
    }
}
