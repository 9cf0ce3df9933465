use std::fmt;

use super::Compression;
use crate::setting::BadSetting;

/// What an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A line of JSON a record, a tick's byte for byte as it came.
    #[default]
    Jsonl,
    /// A row a record, with the tick's own types, compressed by zstd inside.
    Parquet,
}

/// How a run of records becomes bytes. Fixed for a prefix and topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Lines of JSON.
    Lines(Compression),
    /// A Parquet file.
    Parquet,
}

impl Encoding {
    /// Puts the two flags together.
    ///
    /// # Errors
    ///
    /// [`BadSetting`] if Parquet is to be compressed by anything but zstd.
    pub(crate) fn new(format: Format, compression: Option<Compression>) -> Result<Self, BadSetting> {
        match (format, compression) {
            (Format::Jsonl, compression) => Ok(Self::Lines(compression.unwrap_or_default())),
            (Format::Parquet, None | Some(Compression::Zstd)) => Ok(Self::Parquet),
            (Format::Parquet, Some(other)) => Err(BadSetting {
                setting: "--compression",
                value: other.as_str().to_owned(),
                allowed: "left out with `--format parquet`, which compresses by zstd inside the file",
            }),
        }
    }

    /// The format's name in the layout.
    #[must_use]
    pub(crate) fn format(self) -> &'static str {
        match self {
            Self::Lines(_) => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    /// The compression's name in the layout.
    #[must_use]
    pub(crate) fn compression(self) -> &'static str {
        match self {
            Self::Lines(compression) => compression.as_str(),
            Self::Parquet => Compression::Zstd.as_str(),
        }
    }

    /// What a reader must undo first, in metadata.
    #[must_use]
    pub(crate) fn codec(self) -> &'static str {
        match self {
            Self::Lines(compression) => compression.as_str(),
            Self::Parquet => "parquet",
        }
    }

    /// What a key ends with.
    #[must_use]
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Lines(compression) => compression.extension(),
            Self::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_zstd_unless_asked_otherwise() {
        assert_eq!(
            Encoding::new(Format::Jsonl, None).unwrap(),
            Encoding::Lines(Compression::Zstd)
        );
        assert_eq!(
            Encoding::new(Format::Jsonl, Some(Compression::None)).unwrap(),
            Encoding::Lines(Compression::None)
        );
    }

    #[test]
    fn parquet_compresses_by_itself() {
        assert_eq!(
            Encoding::new(Format::Parquet, Some(Compression::Zstd)).unwrap(),
            Encoding::Parquet
        );
        for other in [Compression::Gzip, Compression::None] {
            let error = Encoding::new(Format::Parquet, Some(other)).unwrap_err();
            assert!(error.to_string().contains("--compression"), "{error}");
        }
    }
}
