//! A stand-in for the Twelve Data API, for tests and the demo.
