use std::io::{self, Write};

use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

/// On ticks, level 1 takes a third of level 3's time and makes them no larger.
const ZSTD_LEVEL: i32 = 1;
/// 128 KiB. Ticks are so alike that the nearest match is the best: a larger window takes more time and memory, and
/// makes them larger.
const ZSTD_WINDOW_LOG: u32 = 17;
/// What zstd takes beside the compressed bytes: window, tables and buffers at this level.
const ZSTD_BYTES: usize = 768 * 1024;
const GZIP_LEVEL: u32 = 6;
/// What gzip takes beside the compressed bytes.
const GZIP_BYTES: usize = 384 * 1024;

/// How an object's body is compressed. Fixed for a prefix and topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Compression {
    /// One zstd frame, `.jsonl.zst`.
    #[default]
    Zstd,
    /// One gzip member, `.jsonl.gz`.
    Gzip,
    /// Plain text, `.jsonl`.
    None,
}

impl Compression {
    /// The name in flags, in the layout and in metadata.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }

    /// What a key ends with.
    #[must_use]
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Zstd => "jsonl.zst",
            Self::Gzip => "jsonl.gz",
            Self::None => "jsonl",
        }
    }
}

/// Lines that are being compressed into memory.
pub(super) struct CompressedLines {
    compressor: Compressor,
    crc32c: u32,
}

enum Compressor {
    Zstd(ZstdEncoder<'static, Vec<u8>>),
    Gzip(GzEncoder<Vec<u8>>),
    None(Vec<u8>),
}

impl CompressedLines {
    pub(super) fn start(compression: Compression) -> io::Result<Self> {
        let compressor = match compression {
            Compression::Zstd => {
                let mut encoder = ZstdEncoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.window_log(ZSTD_WINDOW_LOG)?;
                Compressor::Zstd(encoder)
            }
            Compression::Gzip => {
                Compressor::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL)))
            }
            Compression::None => Compressor::None(Vec::new()),
        };
        Ok(Self {
            compressor,
            crc32c: 0,
        })
    }

    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.crc32c = crc32c::crc32c_append(self.crc32c, lines);
        match &mut self.compressor {
            Compressor::Zstd(encoder) => encoder.write_all(lines),
            Compressor::Gzip(encoder) => encoder.write_all(lines),
            Compressor::None(body) => {
                body.extend_from_slice(lines);
                Ok(())
            }
        }
    }

    fn body(&self) -> &Vec<u8> {
        match &self.compressor {
            Compressor::Zstd(encoder) => encoder.get_ref(),
            Compressor::Gzip(encoder) => encoder.get_ref(),
            Compressor::None(body) => body,
        }
    }

    /// Bytes that are encoded so far; what the compressor still holds back is not among them.
    pub(super) fn encoded_len(&self) -> usize {
        self.body().len()
    }

    /// Bytes of memory taken.
    pub(super) fn held_bytes(&self) -> usize {
        let compressor = match &self.compressor {
            Compressor::Zstd(_) => ZSTD_BYTES,
            Compressor::Gzip(_) => GZIP_BYTES,
            Compressor::None(_) => 0,
        };
        compressor + self.body().capacity()
    }

    /// The body, and the CRC32C of the lines.
    pub(super) fn finish(self) -> io::Result<(Vec<u8>, u32)> {
        let body = match self.compressor {
            Compressor::Zstd(encoder) => encoder.finish(),
            Compressor::Gzip(encoder) => encoder.finish(),
            Compressor::None(body) => Ok(body),
        };
        Ok((body?, self.crc32c))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn read_back(compression: Compression, body: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        match compression {
            Compression::Zstd => text = zstd::decode_all(body).unwrap(),
            Compression::Gzip => {
                flate2::read::GzDecoder::new(body).read_to_end(&mut text).unwrap();
            }
            Compression::None => text.extend_from_slice(body),
        }
        text
    }

    #[test]
    fn each_compression_reads_back_byte_for_byte() {
        for compression in [Compression::Zstd, Compression::Gzip, Compression::None] {
            let pieces = ["a\n".repeat(100_000), "b\n".to_owned()];
            let mut lines = CompressedLines::start(compression).unwrap();
            for piece in &pieces {
                lines.append(piece.as_bytes()).unwrap();
            }
            let (body, crc32c) = lines.finish().unwrap();
            let expected = pieces.concat().into_bytes();
            assert_eq!(read_back(compression, &body), expected);
            assert_eq!(crc32c, crc32c::crc32c(&expected));
        }
    }
}
