use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::sync::oneshot;

use super::Encoding;
use super::body::{Body, Chunk, EncodedRun, EncodingFailed};

/// More would only wait for memory and for S3.
const THREADS_MAX: usize = 4;
/// Chunks that wait for a thread. When they are full, reading waits: that is far shorter than any timeout.
const CHUNKS_WAITING_MAX: usize = 4;

/// The threads that make bodies from chunks. They end when the last run is dropped.
pub(crate) struct Encoders {
    encoding: Encoding,
    threads: Vec<Encoder>,
}

/// What an encoder does next.
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
                    .map(|_| Encoder::Thread(sender))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { encoding, threads })
    }

    /// None: bodies are made where their records are read.
    #[cfg(test)]
    pub(crate) fn on_this_thread(encoding: Encoding) -> Self {
        Self {
            encoding,
            threads: vec![Encoder::Here],
        }
    }

    /// What the bodies are.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The thread that encodes a partition's runs. Its chunks stay in their order, as one thread has them all.
    pub(super) fn of(&self, partition: i32) -> Encoder {
        let number = usize::try_from(partition).unwrap_or(0) % self.threads.len();
        self.threads[number].clone()
    }
}

/// Where bodies are made.
#[derive(Clone)]
pub(super) enum Encoder {
    /// On one of the threads.
    Thread(SyncSender<Job>),
    /// On the thread that reads, so that a simulation waits for no other.
    #[cfg(test)]
    Here,
}

impl Encoder {
    /// Adds a chunk to a body.
    ///
    /// # Errors
    ///
    /// If the thread is gone.
    pub(super) fn append(&self, body: &Arc<Body>, chunk: Chunk) -> io::Result<()> {
        body.will_append(&chunk);
        self.send(Job::Append(Arc::clone(body), chunk))
    }

    /// Ends a body.
    ///
    /// # Errors
    ///
    /// If the thread is gone.
    pub(super) fn finish(
        &self,
        body: &Arc<Body>,
    ) -> io::Result<oneshot::Receiver<Result<EncodedRun, EncodingFailed>>> {
        let (answer, finished) = oneshot::channel();
        self.send(Job::Finish(Arc::clone(body), answer))?;
        Ok(finished)
    }

    fn send(&self, job: Job) -> io::Result<()> {
        match self {
            Self::Thread(jobs) => jobs.send(job).map_err(|_| gone()),
            #[cfg(test)]
            Self::Here => {
                job.run();
                Ok(())
            }
        }
    }
}

/// The error of a thread that ended before its time.
pub(super) fn gone() -> io::Error {
    io::Error::other("the encoder thread is gone")
}

fn work(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        job.run();
    }
}

impl Job {
    fn run(self) {
        match self {
            Self::Append(body, chunk) => body.append(chunk),
            Self::Finish(body, answer) => {
                // nobody waits for the body of a partition that was taken away
                let _unwanted = answer.send(body.finish());
            }
        }
    }
}
