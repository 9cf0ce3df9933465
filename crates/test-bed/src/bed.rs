use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Error, Launch, Result};

/// A folder for the servers' data and logs, removed when the last holder is gone, or when this process dies.
#[derive(Clone, Debug)]
pub struct Bed(Arc<Folder>);

struct Folder {
    path: PathBuf,
    janitor: Mutex<Child>,
    on_start: Box<dyn Fn(&Launch) + Send + Sync>,
}

impl std::fmt::Debug for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folder")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Reads paths until this process closes the pipe, be it by its death, then removes them all. Servers that are
/// being killed may still write, so it tries again.
const JANITOR: &str = r#"while IFS= read -r path; do set -- "$@" "$path"; done
until rm -rf "$@" 2>/dev/null; do sleep 0.1; done"#;

impl Bed {
    /// Makes the folder, in the system's folder for temporary files.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it cannot be made, [`Error::Spawn`] if there is no shell.
    pub fn new() -> Result<Self> {
        Self::showing(|_| {})
    }

    /// The same, and `on_start` is told of each process before it starts.
    ///
    /// # Errors
    ///
    /// As [`Bed::new`].
    pub fn showing(on_start: impl Fn(&Launch) + Send + Sync + 'static) -> Result<Self> {
        let path = tempfile::Builder::new()
            .prefix("quote-pipeline.")
            .tempdir()
            .map_err(|source| Error::File {
                path: std::env::temp_dir(),
                source,
            })?
            .keep();
        let mut janitor = Command::new("sh");
        janitor
            .args(["-c", JANITOR, "janitor"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut janitor, 0);
        let janitor = janitor.spawn().map_err(|source| Error::Spawn {
            name: "sh".to_owned(),
            source,
        })?;
        Ok(Self(Arc::new(Folder {
            path,
            janitor: Mutex::new(janitor),
            on_start: Box::new(on_start),
        })))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes a file inside.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.path.join(name);
        std::fs::write(&path, text).map_err(|source| Error::File {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// Keeps the folder, for whoever looks for what went wrong.
    pub fn keep(&self) {
        let mut janitor = self.0.janitor.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = janitor.kill() {
            tracing::warn!("{} may not be kept: {error}", self.path().display());
        }
    }

    pub(crate) fn starts(&self, launch: &Launch) {
        (self.0.on_start)(launch);
    }

    /// Makes a folder inside.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.path.join(name);
        std::fs::create_dir_all(&path).map_err(|source| Error::File {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// Has a file elsewhere removed with the folder.
    pub(crate) fn remove_also(&self, path: &Path) -> Result<()> {
        let mut janitor = self.0.janitor.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pipe) = janitor.stdin.as_mut() else {
            return Ok(());
        };
        writeln!(pipe, "{}", path.display()).map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })
    }
}

/// A folder's name for a server that may have to be started anew on other ports.
pub(crate) fn attempt_name(name: &str, attempt: usize) -> String {
    if attempt == 1 {
        name.to_owned()
    } else {
        format!("{name}.{attempt}")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let janitor = self.janitor.get_mut().unwrap_or_else(PoisonError::into_inner);
        // wait() closes the pipe first
        if let Err(error) = janitor.wait() {
            tracing::warn!("{} may not be removed: {error}", self.path.display());
        }
    }
}
