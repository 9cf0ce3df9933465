use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::{Error, server_file};

/// Kafka's form of a UUID: 22 characters of URL-safe base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterId(String);

impl ClusterId {
    /// A new one. Like Kafka's own, it does not begin with a dash, so that it can follow a flag.
    #[must_use]
    pub fn random() -> Self {
        loop {
            let id = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
            if !id.starts_with('-') {
                return Self(id);
            }
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        server_file::text_of(path)?
            .map(|text| {
                text.trim().parse().map_err(|source| Error::ClusterIdFile {
                    path: path.to_owned(),
                    source: Box::new(source),
                })
            })
            .transpose()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        server_file::write(path, &format!("{self}\n")).map(drop)
    }
}

impl FromStr for ClusterId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() == 16 => Ok(Self(text.to_owned())),
            _ => Err(Error::ClusterId {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_is_one_that_is_taken() {
        let id = ClusterId::random();
        assert_eq!(id.as_str().parse::<ClusterId>().unwrap(), id);
        assert_ne!(ClusterId::random(), id);
    }

    #[test]
    fn what_is_no_id_is_refused_with_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in [
            "",
            "abc",
            "not base64 at all !!!!",
            "9c1e0f3a-0000-4000-8000-000000000000",
        ] {
            std::fs::write(file.path(), text).unwrap();
            let error = ClusterId::read(file.path()).unwrap_err().to_string();
            assert!(error.contains(&file.path().display().to_string()), "{error}");
        }
        assert_eq!(ClusterId::read(Path::new("/nowhere/at/all")).unwrap(), None);
    }
}
