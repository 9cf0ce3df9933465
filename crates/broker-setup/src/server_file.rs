//! The file `server.properties`: read as Java reads it, written whole or not at all, compared line by line.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::Error;

/// What writing a file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Changed,
    Unchanged,
}

/// The settings of a file in Java's properties format, in the file's order.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::ReadFile {
        path: path.to_owned(),
        source,
    })?;
    Ok(parse(&text))
}

/// The text of the file, `None` if there is no such file.
pub(crate) fn text_of(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::ReadFile {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Makes the file hold `text`. Readers see the old text or the new one; an existing file keeps its owner and
/// mode, a new one gets 0644.
pub(crate) fn write(path: &Path, text: &str) -> Result<Written, Error> {
    if text_of(path)?.as_deref() == Some(text) {
        return Ok(Written::Unchanged);
    }
    replace(path, text).map_err(|source| Error::WriteFile {
        path: path.to_owned(),
        source,
    })?;
    Ok(Written::Changed)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    // A link stays a link: the file that it names is replaced.
    let path = if old.is_some() {
        fs::canonicalize(path)?
    } else {
        path.to_owned()
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".broker-setup-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions())?;
        let new = file.as_file().metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            chown(file.path(), Some(old.uid()), Some(old.gid()))?;
        }
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The lines that go (`- …`) and that come (`+ …`), as each line of the file stands there once.
pub(crate) fn changed_lines(old: &str, new: &str) -> Vec<String> {
    let only_in = |text: &str, other: &str, sign: char| -> Vec<String> {
        text.lines()
            .filter(|line| !other.lines().any(|there| there == *line))
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    let mut lines = only_in(old, new, '-');
    lines.extend(only_in(new, old, '+'));
    lines
}

fn parse(text: &str) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while whole.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
            whole.pop();
            match lines.next() {
                Some(next) => whole.push_str(next.trim_start()),
                None => break,
            }
        }
        let (key, value) = split(&whole);
        settings.push((unescaped(key), unescaped(value)));
    }
    settings
}

/// Splits at the first `=`, `:` or white space that no backslash stands before.
fn split(line: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let end = line
        .find(|c: char| {
            let ends = !is_escaped && (c == '=' || c == ':' || c.is_ascii_whitespace());
            is_escaped = c == '\\' && !is_escaped;
            ends
        })
        .unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start())
}

fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let plain = match (
            character,
            if character == '\\' {
                characters.next()
            } else {
                None
            },
        ) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('t')) => '\t',
            ('\\', Some('u')) => {
                let digits: String = characters.by_ref().take(4).collect();
                units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                continue;
            }
            ('\\', None) => continue,
            (_, Some(escaped)) => escaped,
            (character, None) => character,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_format_is_read_as_java_reads_it() {
        let text = "# a comment\n! another\n\n a=1\nb : two words\nc three\nd=x,\\\n   y\ne\\=f=C:\\\\k\\u00e9\ng=\n";
        let pairs = [
            ("a", "1"),
            ("b", "two words"),
            ("c", "three"),
            ("d", "x,y"),
            ("e=f", "C:\\k\u{e9}"),
            ("g", ""),
        ];
        let pairs: Vec<(String, String)> = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(parse(text), pairs);
    }

    #[test]
    fn a_file_is_written_only_if_it_changes_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/server.properties");
        assert_eq!(write(&path, "a=1\n").unwrap(), Written::Changed);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        assert_eq!(write(&path, "a=1\n").unwrap(), Written::Unchanged);
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        assert_eq!(write(&path, "a=2\n").unwrap(), Written::Changed);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a=2\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_comparison_shows_what_goes_and_what_comes() {
        assert_eq!(
            changed_lines("a=1\nb=2\n", "a=1\nb=3\nc=4\n"),
            ["- b=2", "+ b=3", "+ c=4"]
        );
    }
}
