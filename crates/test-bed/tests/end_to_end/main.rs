//! The whole pipeline with real parts: Kafka, an S3 server, the stand-in, the programs as just built.

mod starters;
