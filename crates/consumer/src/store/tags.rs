use std::collections::BTreeMap;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::setting::BadSetting;

const TAGS_MAX: usize = 10;
const KEY_MAX_CHARS: usize = 128;
const VALUE_MAX_CHARS: usize = 256;
/// What S3 takes beside letters, digits and spaces, but for the comma, which stands between tags.
const SIGNS: &str = "+-=._:/@";

/// Tags of an object, by the rules of S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// As the header `x-amz-tagging` has them.
    pub(super) fn in_header(&self) -> String {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pairs = self.0.iter();
        pairs
            .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

impl FromStr for Tags {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let refuse = |tag: &str, allowed| {
            Err(BadSetting {
                setting: "--tags",
                value: format!("`{}`", tag.chars().take(80).collect::<String>()),
                allowed,
            })
        };
        let is_legal = |text: &str| {
            let mut chars = text.chars();
            chars.all(|c| c.is_alphanumeric() || c == ' ' || SIGNS.contains(c))
        };
        let mut tags = BTreeMap::new();
        for tag in text.split(',') {
            let Some((key, value)) = tag.split_once('=') else {
                return refuse(tag, "key=value, with commas between tags");
            };
            if !is_legal(key) || !is_legal(value) {
                return refuse(tag, "of letters, digits, spaces and + - = . _ : / @");
            }
            if !(1..=KEY_MAX_CHARS).contains(&key.chars().count()) {
                return refuse(tag, "a key of 1 to 128 characters with a value");
            }
            if value.chars().count() > VALUE_MAX_CHARS {
                return refuse(tag, "a key with a value of at most 256 characters");
            }
            if key
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
            {
                return refuse(
                    tag,
                    "one whose key does not begin with `aws:`, which is AWS's own",
                );
            }
            if tags.insert(key.to_owned(), value.to_owned()).is_some() {
                return refuse(tag, "there once, each key has one value");
            }
        }
        if tags.len() > TAGS_MAX {
            return refuse(text, "at most 10 tags");
        }
        Ok(Self(tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_encoded_for_the_header() {
        let tags: Tags = "team=market data,url=a/b=c&"
            .trim_end_matches('&')
            .parse()
            .unwrap();
        assert_eq!(tags.in_header(), "team=market%20data&url=a%2Fb%3Dc");
        assert_eq!("empty=".parse::<Tags>().unwrap().in_header(), "empty=");
    }

    #[test]
    fn the_rules_of_s3_hold() {
        let many = (0..11).map(|n| format!("k{n}=v")).collect::<Vec<_>>();
        assert!(many[..10].join(",").parse::<Tags>().is_ok());
        for text in [
            "",
            "=v",
            "k",
            "k=v,",
            "k=v,k=w",
            "aws:k=v",
            "AWS:k=v",
            "k=a&b",
            "k=a\n",
            &format!("{}=v", "k".repeat(129)),
            &format!("k={}", "v".repeat(257)),
            &many.join(","),
        ] {
            assert!(text.parse::<Tags>().is_err(), "{text:?} was taken");
        }
    }
}
