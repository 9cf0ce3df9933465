use std::io;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::body::{Body, Chunk, EncodedRun, EncodingFailed};
use super::encoders::{Encoder, Encoders, gone};
use super::line::line_of;
use super::rows::Rows;
use super::{Content, Encoding, Record};

/// Lines are handed to the encoder in pieces of this size: large enough that handing over costs nothing, small
/// enough for the processor's cache.
const CHUNK_BYTES: usize = 128 * 1024;
/// Rows are handed over by this number.
const CHUNK_ROWS: usize = 4096;

enum Filling {
    Lines(Vec<u8>),
    Rows(Box<Rows>),
}

/// How much a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunSize {
    pub(crate) records: u64,
    /// Of these, no ticks.
    pub(crate) not_ticks: u64,
    /// Bytes of its lines, uncompressed, with their breaks.
    pub(crate) raw_bytes: u64,
}

/// The open run of one partition, encoded in the background as its records come.
pub(crate) struct OpenRun {
    filling: Filling,
    body: Arc<Body>,
    encoder: Encoder,
    size: RunSize,
}

impl OpenRun {
    /// An empty run of a partition.
    ///
    /// # Errors
    ///
    /// If the compressor cannot be set up.
    pub(crate) fn start(encoders: &Encoders, partition: i32) -> io::Result<Self> {
        let encoding = encoders.encoding();
        let filling = match encoding {
            Encoding::Lines(_) => Filling::Lines(Vec::new()),
            Encoding::Parquet => Filling::Rows(Box::default()),
        };
        Ok(Self {
            filling,
            body: Arc::new(Body::new(encoding)?),
            encoder: encoders.of(partition),
            size: RunSize::default(),
        })
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// If the encoder is gone.
    pub(crate) fn push(&mut self, record: &Record<'_>, content: &Content<'_>) -> io::Result<()> {
        let (line_len, is_full) = match &mut self.filling {
            Filling::Lines(chunk) => {
                let line = line_of(record, content)?;
                chunk.extend_from_slice(&line);
                chunk.push(b'\n');
                (line.len(), chunk.len() >= CHUNK_BYTES)
            }
            Filling::Rows(rows) => {
                rows.push(record, content);
                (record.value.map_or(0, <[u8]>::len), rows.count() >= CHUNK_ROWS)
            }
        };
        self.size.records += 1;
        self.size.not_ticks += u64::from(matches!(content, Content::NotATick { .. }));
        self.size.raw_bytes += line_len as u64 + 1;
        if is_full { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let chunk = match &mut self.filling {
            Filling::Lines(chunk) => Chunk::Lines(std::mem::take(chunk)),
            Filling::Rows(rows) => Chunk::Rows(rows.take().map_err(io::Error::other)?),
        };
        self.encoder.append(&self.body, chunk)
    }

    /// How much it is so far.
    #[must_use]
    pub(crate) fn size(&self) -> RunSize {
        self.size
    }

    /// Encoded bytes so far; what has not come through the encoder yet is not among them.
    #[must_use]
    pub(crate) fn encoded_len(&self) -> u64 {
        self.body.encoded_len()
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub(crate) fn held_bytes(&self) -> u64 {
        let filling = match &self.filling {
            Filling::Lines(chunk) => chunk.capacity(),
            Filling::Rows(rows) => rows.held_bytes(),
        };
        filling as u64 + self.body.held_bytes()
    }

    /// Ends it. The body is there once the encoder has come to its end.
    ///
    /// # Errors
    ///
    /// If the encoder is gone.
    pub(crate) fn close(mut self) -> io::Result<ClosedRun> {
        self.hand_over()?;
        let finished = self.encoder.finish(&self.body)?;
        let encoded = finished.map(|body| body.unwrap_or_else(|_| Err(EncodingFailed::new(gone()))));
        Ok(ClosedRun {
            size: self.size,
            body: self.body,
            encoded: encoded.boxed().shared(),
        })
    }
}

/// A run that takes no more records.
#[derive(Clone)]
pub(crate) struct ClosedRun {
    size: RunSize,
    body: Arc<Body>,
    encoded: Shared<BoxFuture<'static, Result<EncodedRun, EncodingFailed>>>,
}

impl ClosedRun {
    /// How much it is.
    #[must_use]
    pub(crate) fn size(&self) -> RunSize {
        self.size
    }

    /// Encoded bytes, all of them once it is encoded.
    #[must_use]
    pub(crate) fn encoded_len(&self) -> u64 {
        self.body.encoded_len()
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub(crate) fn held_bytes(&self) -> u64 {
        self.body.held_bytes()
    }

    /// Its bytes, once they are there.
    ///
    /// # Errors
    ///
    /// If the encoder failed.
    pub(crate) async fn encoded(&self) -> Result<EncodedRun, EncodingFailed> {
        self.encoded.clone().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Compression;

    #[test]
    fn chunks_become_one_body_in_their_order() {
        let encoding = Encoding::Lines(Compression::None);
        let encoders = Encoders::start(encoding).unwrap();
        let mut run = OpenRun::start(&encoders, 7).unwrap();
        let values: Vec<String> = (0..3000).map(|n| format!("{n:0>200}")).collect();
        let mut expected = Vec::new();
        for (offset, value) in (0..).zip(&values) {
            let record = Record {
                partition: 7,
                offset,
                timestamp_ms: None,
                key: None,
                value: Some(value.as_bytes()),
            };
            let content = record.content(encoding);
            run.push(&record, &content).unwrap();
            expected.extend_from_slice(&line_of(&record, &content).unwrap());
            expected.push(b'\n');
        }
        assert!(expected.len() > 3 * CHUNK_BYTES);
        let closed = run.close().unwrap();
        let encoded = futures::executor::block_on(closed.encoded()).unwrap();
        assert_eq!(encoded.body, expected);
        assert_eq!(encoded.body_crc32c, crc32c::crc32c(&expected));
        let size = RunSize {
            records: 3000,
            not_ticks: 3000,
            raw_bytes: expected.len() as u64,
        };
        assert_eq!(closed.size(), size);
        assert_eq!(closed.encoded_len(), expected.len() as u64);
        assert_eq!(closed.held_bytes(), expected.len() as u64);
    }
}
