//! The workspace's own programs, found beside the program or test that runs now.

use std::path::{Path, PathBuf};

use crate::{Error, Launch, Result, tools};

/// A launch of `producer`, `consumer`, `broker-setup` or `twelve-data-stand-in`, as just built.
///
/// # Errors
///
/// [`Error::ProgramMissing`] if it is not built.
pub fn launch(program: &str, name: impl Into<String>) -> Result<Launch> {
    let path = path(program)?;
    Ok(Launch::new(name, path))
}

/// A Python that has what the bucket's users read it with.
///
/// # Errors
///
/// [`Error::ToolMissing`] if it is not installed.
pub fn python_of_readers() -> Result<PathBuf> {
    tools::python_of_readers()
}

/// Where one of them is.
///
/// # Errors
///
/// [`Error::ProgramMissing`] if it is not built.
pub fn path(program: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().map_err(|source| Error::File {
        path: "this program".into(),
        source,
    })?;
    let folder = here.parent().unwrap_or(Path::new("."));
    // tests run in `deps`, below the programs
    let folder = match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    let path = folder.join(program);
    if path.is_file() {
        Ok(path)
    } else {
        Err(Error::ProgramMissing {
            name: program.to_owned(),
            path,
        })
    }
}
