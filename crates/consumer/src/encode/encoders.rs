use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::compression::CompressedLines;
use super::parquet_file::ParquetFile;
use super::run::{Chunk, EncodedRun, EncodingFailed};
use super::{Encoding, OpenRun};

/// More would only wait for memory and for S3.
const THREADS_MAX: usize = 4;
/// Chunks that wait for a thread. When they are full, reading waits: that is far shorter than any timeout.
const CHUNKS_WAITING_MAX: usize = 4;

/// The threads that make bodies from chunks. They end when the last run is dropped.
pub(crate) struct Encoders {
    encoding: Encoding,
    threads: Vec<SyncSender<Job>>,
}

/// What an encoder thread does next.
pub(super) enum Job {
    Append(Arc<Body>, Chunk),
    Finish(Arc<Body>, oneshot::Sender<Result<EncodedRun, EncodingFailed>>),
}

impl Encoders {
    /// Starts a thread a core, up to four.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub(crate) fn start(encoding: Encoding) -> io::Result<Self> {
        let count = thread::available_parallelism()?.get().min(THREADS_MAX);
        let threads = (0..count)
            .map(|number| {
                let (sender, jobs) = sync_channel(CHUNKS_WAITING_MAX);
                thread::Builder::new()
                    .name(format!("encoder-{number}"))
                    .spawn(move || work(&jobs))
                    .map(|_| sender)
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { encoding, threads })
    }

    /// What the bodies are.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// An empty run of a partition.
    ///
    /// # Errors
    ///
    /// If the compressor cannot be set up.
    pub(crate) fn start_run(&self, partition: i32) -> io::Result<OpenRun> {
        let body = Arc::new(Body::new(self.encoding)?);
        // a partition's chunks stay in their order, as one thread has them all
        let number = usize::try_from(partition).unwrap_or(0) % self.threads.len();
        Ok(OpenRun::new(self.encoding, body, self.threads[number].clone()))
    }
}

fn work(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Append(body, chunk) => body.append(chunk),
            Job::Finish(body, answer) => {
                // nobody waits for the body of a partition that was taken away
                let _unwanted = answer.send(body.finish());
            }
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
    fn new(encoding: Encoding) -> io::Result<Self> {
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

    fn append(&self, chunk: Chunk) {
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

    fn finish(&self) -> Result<EncodedRun, EncodingFailed> {
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
