//! What outlives the process: one file, written anew as a whole each time.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use metrics::counter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tracing::{info, warn};

use crate::Error;

const FILE: &str = "polls.json";
const DAMAGED: &str = "polls.json.damaged";
const LOCK: &str = "lock";

/// As long as this is the same, each version reads what any other wrote: fields are only added.
const VERSION: u32 = 1;

/// The directory, if there is one.
#[derive(Debug)]
pub(crate) struct StateDir {
    place: Option<Place>,
    is_failing: bool,
}

#[derive(Debug)]
struct Place {
    directory: PathBuf,
    /// Held for as long as this process lives: two would overwrite each other's state.
    _lock: File,
    /// Of whose credits the file speaks.
    key_check: u32,
}

#[derive(Serialize)]
struct Kept<'a, T> {
    v: u32,
    key_check: u32,
    state: &'a T,
}

#[derive(Deserialize)]
struct Envelope {
    v: u32,
    key_check: u32,
    state: serde_json::Value,
}

/// What the last process left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left<T> {
    State(T),
    /// There was none.
    Nothing,
    /// There was one, and what it left cannot be used.
    Lost,
}

impl StateDir {
    /// Keeps nothing.
    pub(crate) fn none() -> Self {
        Self {
            place: None,
            is_failing: false,
        }
    }

    /// Takes the directory, which is made if it is not there, for the account of one key.
    ///
    /// # Errors
    ///
    /// [`Error::StateDirInUse`] if another process has it, [`Error::StateDir`] if it can never be used. What may
    /// pass, such as a full disk, is told and borne.
    pub(crate) fn open(directory: &Path, key_check: u32) -> Result<Self, Error> {
        let lock = match fs::create_dir_all(directory).and_then(|()| lock_file(&directory.join(LOCK))) {
            Ok(lock) => lock,
            Err(source) if is_lasting(source.kind()) => {
                return Err(Error::StateDir {
                    path: directory.to_owned(),
                    source,
                });
            }
            Err(error) => {
                warn!(
                    directory = %directory.display(),
                    "the state cannot be kept, a restart will not know what was spent: {error}"
                );
                return Ok(Self::none());
            }
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::StateDirInUse {
                    path: directory.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => {
                warn!("the state directory cannot be locked, do not let two producers share it: {error}");
            }
        }
        Ok(Self {
            place: Some(Place {
                directory: directory.to_owned(),
                _lock: lock,
                key_check,
            }),
            is_failing: false,
        })
    }

    /// What the last process left.
    pub(crate) fn load<T: DeserializeOwned>(&self) -> Left<T> {
        let Some(place) = &self.place else {
            return Left::Nothing;
        };
        let path = place.directory.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Left::Nothing,
            Err(error) => {
                warn!(file = %path.display(), "what the last process spent cannot be read: {error}");
                return Left::Lost;
            }
        };
        let kept = serde_json::from_slice::<Envelope>(&bytes)
            .and_then(|kept| Ok((kept.v, kept.key_check, serde_json::from_value::<T>(kept.state)?)));
        match kept {
            Ok((VERSION, key_check, state)) if key_check == place.key_check => Left::State(state),
            Ok((VERSION, ..)) => {
                info!("the state is of another API key, the account begins anew in a minute");
                Left::Lost
            }
            Ok((version, ..)) => {
                warn!(
                    version,
                    "the state is of another version, the account begins anew in a minute"
                );
                Left::Lost
            }
            Err(error) => {
                let aside = place.directory.join(DAMAGED);
                let is_kept = fs::rename(&path, &aside).is_ok();
                warn!(
                    file = %path.display(), kept_as = %aside.display(), is_kept,
                    "the state is damaged, the account begins anew in a minute: {error}"
                );
                Left::Lost
            }
        }
    }

    /// Keeps the state, over a loss of power too if `is_synced`. A failure is told when it begins and when it ends.
    pub(crate) fn save<T: Serialize>(&mut self, state: impl FnOnce() -> T, is_synced: bool) {
        let Some(place) = &self.place else {
            return;
        };
        let kept = Kept {
            v: VERSION,
            key_check: place.key_check,
            state: &state(),
        };
        match write(&place.directory, &kept, is_synced) {
            Ok(()) => {
                if self.is_failing {
                    info!("the state is kept again");
                }
                self.is_failing = false;
            }
            Err(error) => {
                counter!("quote_producer_state_failures_total").increment(1);
                if !self.is_failing {
                    warn!(
                        directory = %place.directory.display(),
                        "the state cannot be kept, a restart will not know what was spent: {error}"
                    );
                }
                self.is_failing = true;
            }
        }
    }

    /// Whether a restart would not know what was spent although it should.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// Whether only an operator can mend it.
fn is_lasting(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::AlreadyExists
            | ErrorKind::ReadOnlyFilesystem
    )
}

fn write<T: Serialize>(directory: &Path, kept: &Kept<'_, T>, is_synced: bool) -> io::Result<()> {
    let mut file = NamedTempFile::with_prefix_in(FILE, directory)?;
    serde_json::to_writer(&mut file, kept)?;
    file.flush()?;
    if is_synced {
        file.as_file().sync_all()?;
    }
    file.persist(directory.join(FILE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_for_the_next_process_with_the_same_key() {
        let directory = tempfile::tempdir().unwrap();
        let mut state_dir = StateDir::open(directory.path(), 7).unwrap();
        assert_eq!(state_dir.load::<u32>(), Left::Nothing);
        for state in [1, 2] {
            state_dir.save(|| state, state == 2);
        }
        drop(state_dir);
        let left = |key_check| StateDir::open(directory.path(), key_check).unwrap().load::<u32>();
        assert_eq!((left(7), left(8)), (Left::State(2), Left::Lost));
        let names = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        assert_eq!(names.count(), 2, "no half-written file is left");
    }

    #[test]
    fn two_processes_do_not_share_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = StateDir::open(directory.path(), 7).unwrap();
        let second = StateDir::open(directory.path(), 7);
        assert!(matches!(second, Err(Error::StateDirInUse { .. })));
        drop(first);
        assert!(StateDir::open(directory.path(), 7).is_ok());
    }

    #[test]
    fn a_directory_that_can_never_be_used_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(StateDir::open(&file, 7), Err(Error::StateDir { .. })));
    }

    #[test]
    fn a_damaged_file_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let state_dir = StateDir::open(directory.path(), 7).unwrap();
        for text in [
            "",
            "{",
            "null",
            r#"{"v":1,"key_check":7}"#,
            r#"{"v":1,"key_check":7,"state":"x"}"#,
        ] {
            fs::write(directory.path().join(FILE), text).unwrap();
            assert_eq!(state_dir.load::<u32>(), Left::Lost, "{text}");
            assert_eq!(fs::read_to_string(directory.path().join(DAMAGED)).unwrap(), text);
            assert_eq!(state_dir.load::<u32>(), Left::Nothing, "{text}");
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_borne_until_it_does() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let mut state_dir = StateDir::open(&path, 7).unwrap();
        fs::remove_dir_all(&path).unwrap();
        state_dir.save(|| 1, false);
        assert!(state_dir.is_failing());
        fs::create_dir(&path).unwrap();
        state_dir.save(|| 2, false);
        assert!(!state_dir.is_failing());
        assert_eq!(state_dir.load::<u32>(), Left::State(2));
    }
}
