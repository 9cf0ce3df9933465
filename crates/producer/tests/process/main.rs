//! The producer as a process, between an HTTP server that plays the vendor and librdkafka's mock broker.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

mod bucket;
mod kafka;
mod stage;
mod vendor;
