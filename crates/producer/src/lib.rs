//! Quotes from Twelve Data to Kafka.
