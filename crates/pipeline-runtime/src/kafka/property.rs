use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Error;

/// One `-X key=value`. Shows its key only, as the value may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    key: String,
    value: Value,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Literal(String),
    File(PathBuf),
}

impl Property {
    /// librdkafka's name of the property.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value, read from its file if it stands in one. A file's last line break is not part of it.
    ///
    /// # Errors
    ///
    /// [`Error::PropertyFile`] if the file cannot be read.
    pub fn value(&self) -> Result<Cow<'_, str>, Error> {
        match &self.value {
            Value::Literal(value) => Ok(Cow::Borrowed(value)),
            Value::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| Error::PropertyFile {
                    key: self.key.clone(),
                    path: path.clone(),
                    source,
                })?;
                Ok(Cow::Owned(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
        }
    }
}

impl FromStr for Property {
    type Err = Error;

    fn from_str(argument: &str) -> Result<Self, Error> {
        match argument.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => Ok(Self {
                key: key.trim().to_owned(),
                value: match value.strip_prefix('@') {
                    Some(path) => Value::File(path.into()),
                    None => Value::Literal(value.to_owned()),
                },
            }),
            _ => Err(Error::Property {
                argument: argument.to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_value_may_hold_anything() {
        let property: Property = "sasl.password=a=b c".parse().unwrap();
        assert_eq!(property.key(), "sasl.password");
        assert_eq!(property.value().unwrap(), "a=b c");
        assert!(!format!("{property:?}").contains("a=b"));
    }

    #[test]
    fn a_file_holds_a_password_without_its_line_break() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "secret").unwrap();
        let property: Property = format!("sasl.password=@{}", file.path().display())
            .parse()
            .unwrap();
        assert_eq!(property.value().unwrap(), "secret");
        let missing: Property = "sasl.password=@/nowhere/at/all".parse().unwrap();
        assert!(
            missing
                .value()
                .unwrap_err()
                .to_string()
                .contains("/nowhere/at/all")
        );
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for argument in ["", "acks", "=all", " =x"] {
            assert!(argument.parse::<Property>().is_err(), "{argument:?} was taken");
        }
    }
}
