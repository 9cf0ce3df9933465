use std::io;

use bytes::Bytes;

use super::compression::Compressor;
use super::{Compression, Line};

/// The open run of one partition, encoded as its records come.
pub(crate) struct RunEncoder {
    compressor: Compressor,
    body_crc32c: u32,
    records: u64,
    not_ticks: u64,
    raw_len: u64,
}

/// The bytes of one object, and what its metadata says of them.
#[derive(Clone, Debug)]
pub(crate) struct EncodedRun {
    /// The compressed body.
    pub(crate) body: Bytes,
    /// CRC32C of the uncompressed body.
    pub(crate) body_crc32c: u32,
    /// Lines.
    pub(crate) records: u64,
    /// Lines that are envelopes.
    pub(crate) not_ticks: u64,
    /// Bytes of the uncompressed body.
    pub(crate) raw_len: u64,
}

impl RunEncoder {
    /// An empty run.
    ///
    /// # Errors
    ///
    /// If the compressor cannot be set up.
    pub(crate) fn start(compression: Compression) -> io::Result<Self> {
        Ok(Self {
            compressor: compression.start()?,
            body_crc32c: 0,
            records: 0,
            not_ticks: 0,
            raw_len: 0,
        })
    }

    /// Adds a line and its break. Gives the CRC32C of the line.
    ///
    /// # Errors
    ///
    /// If the compressor fails.
    pub(crate) fn push(&mut self, line: &Line<'_>) -> io::Result<u32> {
        let bytes = line.bytes();
        self.compressor.write(bytes)?;
        self.compressor.write(b"\n")?;
        self.body_crc32c = crc32c::crc32c_append(crc32c::crc32c_append(self.body_crc32c, bytes), b"\n");
        self.records += 1;
        self.not_ticks += u64::from(matches!(line, Line::NotATick { .. }));
        self.raw_len += bytes.len() as u64 + 1;
        Ok(crc32c::crc32c(bytes))
    }

    /// Lines so far.
    #[must_use]
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Encoded bytes so far.
    #[must_use]
    pub(crate) fn encoded_len(&self) -> usize {
        self.compressor.encoded_len()
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// If the compressor fails.
    pub(crate) fn finish(self) -> io::Result<EncodedRun> {
        Ok(EncodedRun {
            body: Bytes::from(self.compressor.finish()?),
            body_crc32c: self.body_crc32c,
            records: self.records,
            not_ticks: self.not_ticks,
            raw_len: self.raw_len,
        })
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
            let mut run = RunEncoder::start(compression).unwrap();
            let lines = ["a".repeat(200_000), "b".to_owned()];
            for line in &lines {
                assert_eq!(
                    run.push(&Line::Tick(line.as_bytes())).unwrap(),
                    crc32c::crc32c(line.as_bytes())
                );
            }
            let encoded = run.finish().unwrap();
            let expected = format!("{}\n{}\n", lines[0], lines[1]).into_bytes();
            assert_eq!(read_back(compression, &encoded.body), expected);
            assert_eq!(encoded.body_crc32c, crc32c::crc32c(&expected));
            assert_eq!((encoded.records, encoded.not_ticks), (2, 0));
            assert_eq!(encoded.raw_len, expected.len() as u64);
        }
    }
}
