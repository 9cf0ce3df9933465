use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::error::Error;
use super::sending::Sending;

/// Where records go that Kafka does not take: a line of JSON each, with all of the record.
#[derive(Debug)]
pub(super) struct RefusedFile {
    path: PathBuf,
    file: File,
}

#[derive(Serialize)]
struct Line<'r> {
    /// What Kafka says.
    refused: &'r str,
    partition: u32,
    /// Of its slot's first record where its own is not known.
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl RefusedFile {
    /// Opens the file to write behind what it holds.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|source| refused(path, source))?,
        })
    }

    /// Keeps a record, on the disk.
    pub(super) fn keep(&mut self, record: &Sending, refusal: &str) -> Result<(), Error> {
        let base64 = |bytes: &Vec<u8>| BASE64_STANDARD.encode(bytes);
        let line = Line {
            refused: refusal,
            partition: record.origin.partition,
            offset: record.origin.offset,
            timestamp: record.timestamp_ms,
            key: record.key.as_ref().map(base64),
            value: record.value.as_ref().map(base64),
        };
        let written = serde_json::to_vec(&line).map_err(io::Error::from);
        written
            .and_then(|mut line| {
                line.push(b'\n');
                self.file.write_all(&line)
            })
            .and_then(|()| self.file.sync_data())
            .map_err(|source| refused(&self.path, source))
    }
}

fn refused(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}
