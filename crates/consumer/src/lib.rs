//! Ticks from Kafka to S3, each exactly once.
pub mod audit;
