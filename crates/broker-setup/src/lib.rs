//! Prepares one Kafka broker and proves that clients can reach it.
