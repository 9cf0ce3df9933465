//! The producer as a process, between the stand-in for the vendor and a real Kafka, with a real S3 server for its bucket.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

mod bucket;
mod doctor;
mod faults;
mod kafka;
mod stage;
mod vendor;
