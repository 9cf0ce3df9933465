use std::fmt;
use std::str::FromStr;

use crate::Error;

/// What all keys begin with: empty, or a folder with its slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The text, empty or with a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Prefix {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let reason = if text.starts_with('/') {
            "it begins with a slash, keys do not"
        } else if text.contains("//") {
            "it has an empty folder"
        } else if text.contains(char::is_control) {
            "it holds a control character"
        } else if text.len() > 512 {
            "it is longer than 512 bytes, a key may have 1024"
        } else {
            let slash = if text.is_empty() || text.ends_with('/') {
                ""
            } else {
                "/"
            };
            return Ok(Self(format!("{text}{slash}")));
        };
        Err(Error::Prefix {
            prefix: text.chars().take(40).collect(),
            reason,
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_folder() {
        assert_eq!("".parse::<Prefix>().unwrap().as_str(), "");
        assert_eq!("quotes".parse::<Prefix>().unwrap().as_str(), "quotes/");
        assert_eq!("a/b/".parse::<Prefix>().unwrap().as_str(), "a/b/");
        for text in ["/", "/a", "a//b", "a\n"] {
            assert!(text.parse::<Prefix>().is_err(), "{text:?} was taken");
        }
    }
}
