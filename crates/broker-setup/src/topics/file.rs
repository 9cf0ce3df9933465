use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU16;
use std::path::Path;

use pipeline_runtime::kafka::TopicName;
use quote_model::topic::{DEFAULT_TOPIC, REQUIRED_SETTINGS, RequiredSetting};
use serde::Deserialize;

use crate::{Error, keys};

/// The topics as they shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicFile {
    /// The only cluster that the file is for, if it names one.
    pub cluster_id: Option<String>,
    /// Each topic once, in the file's order.
    pub topics: Vec<Topic>,
}

/// One topic as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// As at the broker, where it never changes.
    pub name: TopicName,
    /// How many partitions.
    pub partitions: NonZeroU16,
    /// How many copies of each.
    pub replication: NonZeroU16,
    /// Settings by Kafka's names, values as Kafka writes them.
    pub config: BTreeMap<String, String>,
    /// What the programs that use the topic rely on; `config` does not contradict it.
    pub required: &'static [RequiredSetting],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    cluster_id: Option<String>,
    #[serde(default, rename = "topic")]
    topics: Vec<RawTopic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopic {
    #[serde(default = "default_topic")]
    name: String,
    /// Whether ticks go by it; default: those of the pipeline's own name.
    carries_ticks: Option<bool>,
    partitions: NonZeroU16,
    replication: NonZeroU16,
    #[serde(default)]
    config: BTreeMap<String, RawValue>,
}

/// TOML's types that Kafka's text has a form for.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a string, a number or a boolean")]
enum RawValue {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Float(f64),
}

/// The pipeline's own topic on one broker: the file that is copied to the broker's instance.
const DEFAULT: &str = include_str!("../../../../deploy/kafka-server/topics.toml");

impl TopicFile {
    /// The pipeline's own topic, for where no file is given.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); it never comes.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(DEFAULT, Path::new("the built-in topic file"))
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not of this shape, names a setting or a topic that Kafka does not know, or a topic
    /// twice.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|source| Error::ReadFile {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// As [`read`](Self::read), of a text that came from `path`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let raw: RawFile = toml::from_str(text).map_err(|source| Error::TopicFile {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        if raw.topics.is_empty() {
            return Err(Error::NoTopics {
                path: path.to_owned(),
            });
        }
        let mut names = BTreeSet::new();
        for RawTopic { name, .. } in &raw.topics {
            if !names.insert(name) {
                return Err(Error::TopicTwice {
                    path: path.to_owned(),
                    topic: name.clone(),
                });
            }
        }
        Ok(Self {
            cluster_id: raw.cluster_id,
            topics: raw
                .topics
                .into_iter()
                .map(Topic::try_from)
                .collect::<Result<_, Error>>()?,
        })
    }

    /// Keeps only the named topics. No names keep all.
    ///
    /// # Errors
    ///
    /// [`Error::NotInFile`] if the file has no topic of a name.
    pub fn only(mut self, names: &[TopicName]) -> Result<Self, Error> {
        if names.is_empty() {
            return Ok(self);
        }
        for name in names {
            if !self.topics.iter().any(|topic| topic.name == *name) {
                return Err(Error::NotInFile {
                    topic: name.to_string(),
                });
            }
        }
        self.topics.retain(|topic| names.contains(&topic.name));
        Ok(self)
    }
}

fn default_topic() -> String {
    DEFAULT_TOPIC.to_owned()
}

impl TryFrom<RawTopic> for Topic {
    type Error = Error;

    fn try_from(raw: RawTopic) -> Result<Self, Error> {
        let name: TopicName = raw.name.parse()?;
        let mut config = BTreeMap::new();
        for (key, value) in raw.config {
            keys::check_topic_key(&raw.name, &key)?;
            config.insert(key, value.into_text());
        }
        let carries_ticks = raw.carries_ticks.unwrap_or(raw.name == DEFAULT_TOPIC);
        let required = if carries_ticks { REQUIRED_SETTINGS } else { &[] };
        for RequiredSetting {
            key,
            value: wanted,
            reason,
        } in required
        {
            if let Some(value) = config.get(*key).filter(|value| !wanted.is_met_by(value)) {
                return Err(Error::AgainstRequired {
                    topic: raw.name,
                    key,
                    value: value.clone(),
                    wanted: wanted.to_set(),
                    reason,
                });
            }
        }
        Ok(Self {
            name,
            partitions: raw.partitions,
            replication: raw.replication,
            config,
            required,
        })
    }
}

impl RawValue {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text.trim().to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(truth) => truth.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use pipeline_runtime::exit::with_causes;

    use super::*;

    fn parse(text: &str) -> Result<TopicFile, Error> {
        TopicFile::parse(text, Path::new("topics.toml"))
    }

    fn refusal(text: &str) -> String {
        with_causes(&parse(text).unwrap_err())
    }

    const TOPIC: &str = "[[topic]]\nname = \"t\"\npartitions = 1\nreplication = 1\n";

    const TICKS: &str = "[[topic]]\npartitions = 1\nreplication = 1\n";

    #[test]
    fn the_topic_of_the_ticks_needs_no_name_and_no_more_than_it_can_choose() {
        let file = parse(&format!("{TICKS}[topic.config]\n\"max.message.bytes\" = 2097152")).unwrap();
        let topic = &file.topics[0];
        assert_eq!(topic.name.as_str(), DEFAULT_TOPIC);
        assert_eq!(topic.required, REQUIRED_SETTINGS);
        let other = parse(&format!(
            "{TOPIC}[topic.config]\n\"cleanup.policy\" = \"compact\""
        ))
        .unwrap();
        assert!(other.topics[0].required.is_empty());
        for RequiredSetting { key, .. } in REQUIRED_SETTINGS {
            assert!(keys::check_topic_key("t", key).is_ok(), "{key}");
        }
    }

    #[test]
    fn the_built_in_file_is_the_ticks_topic_and_leaves_to_the_model_what_is_its_own() {
        let file = TopicFile::built_in().unwrap();
        assert_eq!(file.topics.len(), 1);
        assert_eq!(file.topics[0].required, REQUIRED_SETTINGS);
        for RequiredSetting { key, .. } in REQUIRED_SETTINGS {
            assert!(!file.topics[0].config.contains_key(*key), "{key} stands twice");
        }
    }

    #[test]
    fn a_value_may_be_text_or_a_number() {
        let file = parse(&format!(
            "{TOPIC}[topic.config]\n\"retention.ms\" = 5\n\"segment.ms\" = \"6\"\npreallocate = true\n\
             \"min.cleanable.dirty.ratio\" = 0.5"
        ))
        .unwrap();
        let config: Vec<(&str, &str)> = file.topics[0]
            .config
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            config,
            [
                ("min.cleanable.dirty.ratio", "0.5"),
                ("preallocate", "true"),
                ("retention.ms", "5"),
                ("segment.ms", "6")
            ]
        );
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_fault() {
        for (text, fault) in [
            ("", "names no topic"),
            (&format!("{TOPIC}{TOPIC}"), "the topic t twice"),
            (
                &format!("{TOPIC}[topic.config]\n\"retention.mss\" = 1"),
                "did you mean `retention.ms`?",
            ),
            (&format!("{TOPIC}partition = 2"), "unknown field `partition`"),
            (&TOPIC.replace("partitions = 1", "partitions = 0"), "topics.toml"),
            (
                &TOPIC.replace("partitions = 1\n", ""),
                "missing field `partitions`",
            ),
            (&TOPIC.replace("\"t\"", "\"a b\""), "is not a topic name"),
            (
                &format!("{TICKS}[topic.config]\n\"cleanup.policy\" = \"compact\""),
                "carries ticks, but the file sets cleanup.policy to `compact`",
            ),
            (
                &format!("{TOPIC}carries_ticks = true\n[topic.config]\n\"max.message.bytes\" = 1000"),
                "leave it out or write 1048588",
            ),
            (
                &format!("{TOPIC}[topic.config]\n\"retention.ms\" = [1]"),
                "a string, a number or a boolean",
            ),
            ("topic = 1", "topics.toml"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(fault), "{refusal:?} does not say {fault:?}");
        }
    }

    #[test]
    fn one_topic_can_be_taken_out_of_the_file() {
        let text = format!("{TOPIC}{}", TOPIC.replace("\"t\"", "\"u\""));
        let names = ["u".parse().unwrap()];
        let file = parse(&text).unwrap().only(&names).unwrap();
        assert_eq!(file.topics.len(), 1);
        assert!(file.only(&["t".parse().unwrap()]).is_err());
    }
}
