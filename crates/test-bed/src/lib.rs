//! Real Kafka, a real S3 server and the stand-in on loopback, for the demo and the end-to-end tests.
