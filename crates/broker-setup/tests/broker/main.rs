//! The whole way on one real Kafka: render, format, start, wait, topics. One broker serves all tests.

#![expect(clippy::unwrap_used, reason = "a test ends where its means fail")]

mod kafka;

mod format;
mod key_lists;
mod reach;
mod render;
mod topics;
