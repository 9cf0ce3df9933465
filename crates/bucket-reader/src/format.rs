use std::fmt;

use super::codec::Codec;

/// How an object holds its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A line each, compressed as a whole.
    Lines(Codec),
    /// A row each of a Parquet file, compressed inside.
    Parquet,
}

impl Format {
    const ALL: [Self; 4] = [
        Self::Lines(Codec::Zstd),
        Self::Lines(Codec::Gzip),
        Self::Lines(Codec::None),
        Self::Parquet,
    ];

    /// What metadata say under `codec`.
    pub(crate) fn codec_name(self) -> &'static str {
        match self {
            Self::Lines(codec) => codec.name(),
            Self::Parquet => "parquet",
        }
    }

    /// The end of a key.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Lines(Codec::Zstd) => ".jsonl.zst",
            Self::Lines(Codec::Gzip) => ".jsonl.gz",
            Self::Lines(Codec::None) => ".jsonl",
            Self::Parquet => ".parquet",
        }
    }

    pub(crate) fn from_codec_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.codec_name() == name)
    }

    /// What a layout's `format` and `compression` mean together.
    pub(crate) fn of_layout(format: &str, compression: &str) -> Result<Self, String> {
        let is_known = |format: &Self| match format {
            Self::Lines(codec) => compression == codec.name(),
            Self::Parquet => false,
        };
        match format {
            "jsonl" => Self::ALL
                .into_iter()
                .find(is_known)
                .ok_or_else(|| format!("compression is `{compression}`, expected zstd, gzip or none")),
            "parquet" if compression == "zstd" => Ok(Self::Parquet),
            "parquet" => Err(format!(
                "compression is `{compression}`, of Parquet expected zstd"
            )),
            _ => Err(format!("format is `{format}`, expected jsonl or parquet")),
        }
    }

    /// Splits a file name into what stands before the extension, and the format.
    pub(crate) fn split_file(file: &str) -> Option<(&str, Self)> {
        Self::ALL
            .into_iter()
            .find_map(|format| Some((file.strip_suffix(format.extension())?, format)))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.codec_name())
    }
}
