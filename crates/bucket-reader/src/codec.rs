use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::primitives::ByteStreamError;
use flate2::bufread::GzDecoder;
use zstd::Decoder;

/// Longest line taken, so that a bomb does not fill the memory: far above what a Kafka record becomes.
const LINE_MAX_BYTES: usize = 128 * 1024 * 1024;

/// Lines up to here are in memory for each object that is being read; of longer ones, one for all.
const SHORT_LINE_MAX_BYTES: usize = 4 * 1024 * 1024;

static LONG_LINE: Mutex<()> = Mutex::new(());

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
    #[error("it broke off")]
    BrokenOff { source: io::Error },
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

impl BodyFault {
    fn of(codec: Codec, source: io::Error) -> Self {
        if source
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<ByteStreamError>)
        {
            Self::BrokenOff { source }
        } else if source.kind() == io::ErrorKind::UnexpectedEof {
            Self::Truncated { codec }
        } else {
            Self::Corrupt { codec, source }
        }
    }
}

/// Decompresses a body of one frame as it is read, and hands on line by line, each with its line break.
pub(crate) fn for_each_line<E: From<BodyFault>>(
    codec: Codec,
    mut body: impl BufRead,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let fault = |source| BodyFault::of(codec, source);
    let is_empty = body.fill_buf().map_err(fault)?.is_empty();
    let is_anything_behind = match codec {
        Codec::None => {
            lines(codec, body, &mut each)?;
            false
        }
        _ if is_empty => return Err(BodyFault::Truncated { codec }.into()),
        Codec::Zstd => {
            let mut frame = BufReader::new(Decoder::with_buffer(body).map_err(fault)?.single_frame());
            lines(codec, &mut frame, &mut each)?;
            !frame.into_inner().finish().fill_buf().map_err(fault)?.is_empty()
        }
        Codec::Gzip => {
            let mut frame = BufReader::new(GzDecoder::new(body));
            lines(codec, &mut frame, &mut each)?;
            let mut rest = frame.into_inner().into_inner();
            !rest.fill_buf().map_err(fault)?.is_empty()
        }
    };
    if is_anything_behind {
        return Err(BodyFault::Trailing { codec }.into());
    }
    Ok(())
}

fn lines<E: From<BodyFault>>(
    codec: Codec,
    mut text: impl BufRead,
    each: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut line = Vec::new();
    for number in 1.. {
        let mut read_to = |limit: usize, line: &mut Vec<u8>| {
            let bounded = &mut text.by_ref().take((limit + 1 - line.len()) as u64);
            let read = bounded.read_until(b'\n', line);
            read.map_err(|source| BodyFault::of(codec, source))
        };
        if read_to(SHORT_LINE_MAX_BYTES, &mut line)? == 0 {
            break;
        }
        if line.len() <= SHORT_LINE_MAX_BYTES {
            each(&line)?;
            line.clear();
            continue;
        }
        let _alone = LONG_LINE.lock().unwrap_or_else(PoisonError::into_inner);
        if line.last() != Some(&b'\n') {
            read_to(LINE_MAX_BYTES, &mut line)?;
        }
        if line.len() > LINE_MAX_BYTES {
            let limit = LINE_MAX_BYTES;
            return Err(BodyFault::LineTooLong { line: number, limit }.into());
        }
        each(&line)?;
        line = Vec::new();
    }
    Ok(())
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

    /// The lines, with the body handed over in pieces of this size.
    fn lines_of(codec: Codec, bytes: &[u8], piece_len: usize) -> Result<Vec<Vec<u8>>, BodyFault> {
        let mut lines = Vec::new();
        for_each_line(codec, BufReader::with_capacity(piece_len, bytes), |line| {
            lines.push(line.to_vec());
            Ok(())
        })
        .map(|()| lines)
    }

    /// A line of this many bytes, its end among them.
    fn long_line(len: usize) -> Vec<u8> {
        [&vec![b'y'; len - 1][..], b"\n"].concat()
    }

    #[test]
    fn every_codec_reads_what_was_written_however_it_is_cut() {
        let written: Vec<Vec<u8>> = (0..9_000_u32)
            .map(|n| format!("{n} {}\n", "x".repeat(n as usize % 40)).into_bytes())
            .chain([-1, 0, 1].map(|more| long_line(SHORT_LINE_MAX_BYTES.strict_add_signed(more))))
            .chain([b"behind a long one\n".to_vec()])
            .collect();
        let plain = [&written.concat()[..], b"\n\nno end"].concat();
        let mut expected = written;
        expected.extend([b"\n".to_vec(), b"\n".to_vec(), b"no end".to_vec()]);
        for codec in [Codec::Zstd, Codec::Gzip, Codec::None] {
            let bytes = compress(codec, &plain);
            for piece_len in [7, 65_536, bytes.len()] {
                let lines = lines_of(codec, &bytes, piece_len).unwrap();
                assert!(lines == expected, "{codec} by {piece_len}");
            }
        }
    }

    #[test]
    fn a_frame_that_is_cut_or_followed_is_a_fault() {
        for codec in [Codec::Zstd, Codec::Gzip] {
            let bytes = compress(codec, &[7; 1000]);
            for len in [0, 1, bytes.len() / 2, bytes.len() - 1] {
                let cut = lines_of(codec, &bytes[..len], 10);
                assert!(
                    matches!(cut, Err(BodyFault::Truncated { .. })),
                    "{codec} of {len}: {cut:?}"
                );
            }
            for behind in [&bytes[..], b"x"] {
                let followed = [&bytes, behind].concat();
                for piece_len in [1, bytes.len(), followed.len()] {
                    let followed = lines_of(codec, &followed, piece_len);
                    assert!(
                        matches!(followed, Err(BodyFault::Trailing { .. })),
                        "{codec}: {followed:?}"
                    );
                }
            }
            let mut flipped = bytes.clone();
            flipped[1] ^= 0xff;
            assert!(matches!(
                lines_of(codec, &flipped, 10),
                Err(BodyFault::Corrupt { .. })
            ));
        }
    }

    #[test]
    fn a_flipped_bit_behind_the_head_is_no_end() {
        let bytes = compress(Codec::Gzip, b"some line\n");
        let mut flipped = bytes.clone();
        // of the checksum behind the data
        flipped[bytes.len() - 8] ^= 1;
        let read = lines_of(Codec::Gzip, &flipped, 10);
        assert!(matches!(read, Err(BodyFault::Corrupt { .. })), "{read:?}");
    }

    #[test]
    fn a_bomb_is_given_up_at_the_longest_line() {
        let zeros = io::repeat(0).take(LINE_MAX_BYTES as u64 * 4);
        let bomb = zstd::encode_all(zeros, 1).unwrap();
        assert!(bomb.len() < 100_000);
        let mut longest = 0;
        let read = for_each_line::<BodyFault>(Codec::Zstd, &bomb[..], |line| {
            longest = longest.max(line.len());
            Ok(())
        });
        assert!(
            matches!(read, Err(BodyFault::LineTooLong { line: 1, .. })),
            "{read:?}"
        );
        assert_eq!(longest, 0);
    }

    #[test]
    fn a_body_that_breaks_off_is_no_fault_of_the_object() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                let none = std::fs::read("/no/such/file").unwrap_err();
                Err(io::Error::other(ByteStreamError::from(none)))
            }
        }
        for codec in [Codec::Zstd, Codec::Gzip, Codec::None] {
            let bytes = compress(codec, b"a line\nand more");
            let body = BufReader::with_capacity(4, bytes[..bytes.len() / 2].chain(Broken));
            let read = for_each_line::<BodyFault>(codec, body, |_| Ok(()));
            assert!(
                matches!(read, Err(BodyFault::BrokenOff { .. })),
                "{codec}: {read:?}"
            );
        }
    }
}
