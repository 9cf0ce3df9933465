//! A run of records as the bytes of one object: [`line`](Line) after line, compressed as they come.

mod compression;
mod line;
mod run;

pub(crate) use compression::Compression;
pub(crate) use line::{Line, Record};
pub(crate) use run::{EncodedRun, RunEncoder};
