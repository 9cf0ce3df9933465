use std::io::{self, Write};

use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

const ZSTD_LEVEL: i32 = 3;
/// 512 KiB: a fourth of the level's own, for a quarter of the memory a partition; ticks are so alike that the
/// ratio stays.
const ZSTD_WINDOW_LOG: u32 = 19;
const GZIP_LEVEL: u32 = 6;

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

    pub(super) fn start(self) -> io::Result<Compressor> {
        Ok(match self {
            Self::Zstd => {
                let mut encoder = ZstdEncoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.window_log(ZSTD_WINDOW_LOG)?;
                Compressor::Zstd(encoder)
            }
            Self::Gzip => Compressor::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))),
            Self::None => Compressor::None(Vec::new()),
        })
    }
}

/// A body that is being compressed into memory.
pub(super) enum Compressor {
    Zstd(ZstdEncoder<'static, Vec<u8>>),
    Gzip(GzEncoder<Vec<u8>>),
    None(Vec<u8>),
}

impl Compressor {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::None(body) => {
                body.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Bytes that are encoded so far; what the compressor still holds back is not among them.
    pub(super) fn encoded_len(&self) -> usize {
        match self {
            Self::Zstd(encoder) => encoder.get_ref().len(),
            Self::Gzip(encoder) => encoder.get_ref().len(),
            Self::None(body) => body.len(),
        }
    }

    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
            Self::None(body) => Ok(body),
        }
    }
}
