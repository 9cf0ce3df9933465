//! The whole pipeline with real parts: Kafka, an S3 server, the stand-in, the programs as just built.
//!
//! A test has a topic and a bucket of its own on servers that all tests share ([`world`]), or servers of its own
//! where it breaks them. What counts is compared in one place ([`stored`]): what lies in Kafka, and what in S3.
#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

mod audit;
mod aws;
mod bench;
mod chaos;
mod consumer_faults;
mod credits;
mod demo;
mod edges;
mod group_protocols;
mod kafka_security;
mod kafka_tokens;
mod links;
mod logs;
mod made;
mod memory;
mod metrics;
mod odd_records;
mod pipeline;
mod producer_doubles;
mod racks;
mod readers;
mod rebalances;
mod replay;
mod rotation;
mod s3_credentials;
mod s3_refusals;
mod s3_settings;
mod starters;
mod store_trial;
mod stored;
mod ticks;
mod world;
