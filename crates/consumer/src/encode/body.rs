use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use bytes::Bytes;

use super::Encoding;
use super::compression::CompressedLines;
use super::parquet_file::ParquetFile;

/// Records on their way to an encoder.
pub(super) enum Chunk {
    Lines(Vec<u8>),
    Rows(RecordBatch),
}

impl Chunk {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Lines(bytes) => bytes.capacity() as u64,
            Self::Rows(rows) => rows.get_array_memory_size() as u64,
        }
    }
}

/// A body in the making. The encoder thread writes it, the reading thread sees how large it is.
pub(super) struct Body {
    state: Mutex<State>,
    encoded_len: AtomicU64,
    /// Bytes of chunks that wait to be appended.
    waiting_bytes: AtomicU64,
    /// Bytes that the encoder takes.
    encoder_bytes: AtomicU64,
}

enum State {
    Lines(Box<CompressedLines>),
    Parquet(Box<ParquetFile>),
    Failed(io::Error),
    Finished,
}

impl Body {
    pub(super) fn new(encoding: Encoding) -> io::Result<Self> {
        let state = match encoding {
            Encoding::Lines(compression) => State::Lines(Box::new(CompressedLines::start(compression)?)),
            Encoding::Parquet => State::Parquet(Box::new(ParquetFile::start()?)),
        };
        let body = Self {
            encoded_len: AtomicU64::new(0),
            waiting_bytes: AtomicU64::new(0),
            encoder_bytes: AtomicU64::new(0),
            state: Mutex::new(State::Finished),
        };
        body.measure(&state);
        *body.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(body)
    }

    /// Encoded bytes so far, all of them once it is finished.
    pub(super) fn encoded_len(&self) -> u64 {
        self.encoded_len.load(Ordering::Relaxed)
    }

    /// Bytes of memory that it takes.
    pub(super) fn held_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed) + self.encoder_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn will_append(&self, chunk: &Chunk) {
        self.waiting_bytes.fetch_add(chunk.len(), Ordering::Relaxed);
    }

    pub(super) fn append(&self, chunk: Chunk) {
        let chunk_len = chunk.len();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let appended = match (&mut *state, chunk) {
            (State::Lines(lines), Chunk::Lines(bytes)) => lines.append(&bytes),
            (State::Parquet(file), Chunk::Rows(rows)) => file.append(&rows),
            _ => Ok(()),
        };
        if let Err(error) = appended {
            *state = State::Failed(error);
        }
        self.measure(&state);
        self.waiting_bytes.fetch_sub(chunk_len, Ordering::Relaxed);
    }

    pub(super) fn finish(&self) -> Result<EncodedRun, EncodingFailed> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let finished = match std::mem::replace(&mut *state, State::Finished) {
            State::Lines(lines) => lines.finish(),
            State::Parquet(file) => file.finish(),
            State::Failed(error) => Err(error),
            State::Finished => Err(io::Error::other("the run was finished before")),
        };
        let (mut body, body_crc32c) = finished.map_err(EncodingFailed::new)?;
        body.shrink_to_fit();
        self.encoded_len.store(body.len() as u64, Ordering::Relaxed);
        self.encoder_bytes.store(body.len() as u64, Ordering::Relaxed);
        Ok(EncodedRun {
            body: Bytes::from(body),
            body_crc32c,
        })
    }

    fn measure(&self, state: &State) {
        let (encoded, held) = match state {
            State::Lines(lines) => (lines.encoded_len(), lines.held_bytes()),
            State::Parquet(file) => (file.encoded_len(), file.held_bytes()),
            State::Failed(_) | State::Finished => return,
        };
        self.encoded_len.store(encoded as u64, Ordering::Relaxed);
        self.encoder_bytes.store(held as u64, Ordering::Relaxed);
    }
}

/// The bytes of one object.
#[derive(Clone, Debug)]
pub(crate) struct EncodedRun {
    /// The body as it is stored.
    pub(crate) body: Bytes,
    /// CRC32C of the uncompressed lines; of the body itself if it is a Parquet file.
    pub(crate) body_crc32c: u32,
}

/// An encoder could not go on.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct EncodingFailed(Arc<io::Error>);

impl EncodingFailed {
    pub(super) fn new(error: io::Error) -> Self {
        Self(Arc::new(error))
    }
}
