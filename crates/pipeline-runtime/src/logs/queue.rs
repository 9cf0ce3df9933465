//! The way of a log line to stderr: by a thread of its own, so that a stderr that is full, closed or stalled holds up
//! nobody. Lines that it does not take are counted, and told once it takes some again.
//!
//! `tracing-appender` does the same, but tells of a stalled stderr on that stderr when the program ends, and hangs.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait. More can only wait for a stderr that takes none.
const LINES_WAITING_MAX: usize = 4096;

/// Where log lines are handed in. Never blocks, never fails.
#[derive(Clone, Debug)]
pub(super) struct LogQueue {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    /// To be answered once all lines before it are written.
    Flush(SyncSender<()>),
}

impl LogQueue {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, lines) = sync_channel(LINES_WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&lines, out, &counter))?;
        Ok(Self { sender, lost })
    }

    /// Waits until what was handed in so far is written, but no longer than `timeout`.
    pub(super) fn flush(&self, timeout: Duration) {
        let (done, written) = sync_channel(1);
        if self.sender.try_send(Message::Flush(done)).is_ok() {
            written.recv_timeout(timeout).ok();
        }
    }
}

impl Write for LogQueue {
    /// Takes one line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.sender.try_send(Message::Line(line.to_owned())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn write(lines: &Receiver<Message>, mut out: impl Write, lost: &AtomicU64) {
    while let Ok(message) = lines.recv() {
        let line = match message {
            Message::Line(line) => line,
            Message::Flush(done) => {
                // who asked may have given up
                done.try_send(()).ok();
                continue;
            }
        };
        if out.write_all(&line).is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let lost_before = lost.swap(0, Ordering::Relaxed);
        if lost_before > 0
            && writeln!(out, "{lost_before} lines of the log were lost, stderr took none").is_err()
        {
            lost.fetch_add(lost_before, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, pipe};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn log(queue: &LogQueue, line: &str) {
        queue.make_writer().write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn lines_are_written_in_their_order_before_the_flush_returns() {
        let (mut reader, writer) = pipe().unwrap();
        let queue = LogQueue::start(writer).unwrap();
        for line in ["a\n", "b\n", "c\n"] {
            log(&queue, line);
        }
        queue.flush(PATIENCE);
        let mut written = [0; 6];
        reader.read_exact(&mut written).unwrap();
        assert_eq!(&written, b"a\nb\nc\n");
    }

    #[test]
    fn a_stalled_stderr_holds_up_nobody_and_what_it_missed_is_told() {
        let (mut reader, writer) = pipe().unwrap();
        let queue = LogQueue::start(writer).unwrap();
        let line = format!("{}\n", "x".repeat(999));
        // far more than the pipe and the queue take
        for _ in 0..2 * LINES_WAITING_MAX {
            log(&queue, &line);
        }
        queue.flush(Duration::ZERO);
        assert!(queue.lost.load(Ordering::Relaxed) > 0);
        drop(queue);
        let mut written = String::new();
        reader.read_to_string(&mut written).unwrap();
        assert!(
            written.contains("lines of the log were lost"),
            "{}",
            written.len()
        );
    }

    #[test]
    fn a_closed_stderr_is_no_error() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let queue = LogQueue::start(writer).unwrap();
        log(&queue, "a\n");
        queue.flush(PATIENCE);
        assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
    }
}
