use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::error::Error;

/// How far a replay is, in a file that outlives it, however it ends.
#[derive(Debug)]
pub(super) struct ProgressFile {
    path: PathBuf,
    progress: Progress,
}

/// What the file says, by partition of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    source: String,
    topic: String,
    /// All records before these offsets are acknowledged.
    acknowledged_to: BTreeMap<u32, u64>,
    /// No record from these offsets on was sent.
    sent_to: BTreeMap<u32, u64>,
}

impl ProgressFile {
    /// Goes on with a file that is there, or begins one.
    pub(super) fn open(path: &Path, source: &str, topic: &str) -> Result<Self, Error> {
        let begun = match fs::read(path) {
            Ok(json) => Some(serde_json::from_slice(&json).map_err(|error| refused(path, error.into()))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(refused(path, error)),
        };
        let progress: Progress = begun.unwrap_or_else(|| Progress {
            source: source.to_owned(),
            topic: topic.to_owned(),
            ..Progress::default()
        });
        if (progress.source.as_str(), progress.topic.as_str()) != (source, topic) {
            return Err(Error::AnotherProgress {
                path: path.to_owned(),
                source_then: progress.source,
                topic_then: progress.topic,
            });
        }
        let path = path.to_owned();
        Ok(Self { path, progress })
    }

    /// Where each partition goes on.
    pub(super) fn acknowledged_to(&self) -> &BTreeMap<u32, u64> {
        &self.progress.acknowledged_to
    }

    /// Offsets that a run before this one may have written, and of which it could not note the acknowledgement: they are
    /// written again.
    pub(super) fn in_doubt(&self) -> BTreeMap<u32, (u64, u64)> {
        let Progress {
            acknowledged_to,
            sent_to,
            ..
        } = &self.progress;
        let doubt = |(partition, sent): (&u32, &u64)| {
            let acknowledged = acknowledged_to.get(partition).copied().unwrap_or_default();
            (acknowledged < *sent).then_some((*partition, (acknowledged, *sent - 1)))
        };
        sent_to.iter().filter_map(doubt).collect()
    }

    /// Notes, before any of it is sent, that records up to `end` will be.
    pub(super) fn will_send(&mut self, partition: u32, from: u64, end: u64) -> Result<(), Error> {
        self.progress.acknowledged_to.entry(partition).or_insert(from);
        let sent = self.progress.sent_to.entry(partition).or_default();
        *sent = end.max(*sent);
        self.write()
    }

    /// Notes what is acknowledged.
    pub(super) fn acknowledged(&mut self, to: &BTreeMap<u32, u64>) -> Result<(), Error> {
        if to
            .iter()
            .all(|(partition, to)| self.progress.acknowledged_to.get(partition) == Some(to))
        {
            return Ok(());
        }
        self.progress.acknowledged_to.extend(to);
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        self.replace().map_err(|source| refused(&self.path, source))
    }

    fn replace(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        serde_json::to_writer(&mut file, &self.progress)?;
        file.write_all(b"\n")?;
        file.as_file().sync_data()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

fn refused(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_to_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.json");
        let open = || ProgressFile::open(&path, "s3://b/t/", "u").unwrap();
        let mut file = open();
        assert!(file.acknowledged_to().is_empty() && !path.exists());
        file.will_send(0, 100, 200).unwrap();
        // as if killed here
        let mut file = open();
        assert_eq!(*file.acknowledged_to(), BTreeMap::from([(0, 100)]));
        assert_eq!(file.in_doubt(), BTreeMap::from([(0, (100, 199))]));
        file.acknowledged(&BTreeMap::from([(0, 150)])).unwrap();
        assert_eq!(open().in_doubt(), BTreeMap::from([(0, (150, 199))]));
        file.acknowledged(&BTreeMap::from([(0, 200)])).unwrap();
        assert_eq!(
            (open().in_doubt(), open().acknowledged_to()[&0]),
            (BTreeMap::new(), 200)
        );
    }

    #[test]
    fn the_file_of_another_replay_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.json");
        let mut file = ProgressFile::open(&path, "s3://b/t/", "u").unwrap();
        file.will_send(0, 0, 10).unwrap();
        for (source, topic) in [("s3://c/t/", "u"), ("s3://b/t/", "v")] {
            let refused = ProgressFile::open(&path, source, topic);
            assert!(
                matches!(refused, Err(Error::AnotherProgress { .. })),
                "{source} {topic}"
            );
        }
        fs::write(&path, "not json").unwrap();
        assert!(matches!(
            ProgressFile::open(&path, "s3://b/t/", "u"),
            Err(Error::File { .. })
        ));
    }
}
