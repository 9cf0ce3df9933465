//! A run of records as the bytes of one object. The reading thread collects records into chunks (`run`): lines of
//! JSON (`line`) or rows (`rows`); an encoder thread (`encoders`) turns chunk after chunk into the `body`
//! (`compression`, `parquet_file`), while the next ones are read.

mod body;
mod compression;
mod encoders;
mod encoding;
mod line;
mod parquet_file;
mod record;
mod rows;
mod run;

pub(crate) use body::{EncodedRun, EncodingFailed};
pub(crate) use compression::Compression;
pub(crate) use encoders::Encoders;
pub(crate) use encoding::{Encoding, Format};
pub(crate) use record::{Content, Record};
pub(crate) use run::{ClosedRun, OpenRun, RunSize};
