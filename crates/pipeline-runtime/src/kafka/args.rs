use std::borrow::Cow;

use quote_model::topic::DEFAULT_TOPIC;
use rdkafka::ClientConfig;

use super::{Property, TopicName};
use crate::Error;

/// The consumer group that writes the bucket, unless another is named: the consumer commits by it, and the audit compares
/// with its commits.
pub const DEFAULT_GROUP: &str = "quote-consumer";

/// How to reach the brokers.
#[derive(Clone, Debug, clap::Args)]
pub struct ConnectionArgs {
    /// Kafka brokers to ask first, with commas between them
    #[arg(
        long,
        env = "KAFKA_BOOTSTRAP_SERVERS",
        value_name = "HOST:PORT",
        default_value = "localhost:9092",
        help_heading = "Kafka"
    )]
    pub brokers: String,
    /// Any librdkafka property; `key=@file` reads the value from a file
    #[arg(
        short = 'X',
        long = "property",
        value_name = "KEY=VALUE",
        help_heading = "Kafka"
    )]
    pub properties: Vec<Property>,
    /// The same as one list with `;` between them, for files of settings; `-X` goes over it
    #[arg(
        long = "properties",
        env = "KAFKA_PROPERTIES",
        value_name = "KEY=VALUE;…",
        value_delimiter = ';',
        help_heading = "Kafka"
    )]
    pub property_list: Vec<Property>,
}

impl ConnectionArgs {
    /// All that is set; of a property that is set twice the last holds.
    fn all_properties(&self) -> impl DoubleEndedIterator<Item = &Property> {
        self.property_list.iter().chain(&self.properties)
    }
}

/// The flags of a client of one topic.
#[derive(Clone, Debug, clap::Args)]
pub struct KafkaArgs {
    /// How to reach the brokers.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Topic of the ticks
    #[arg(
        long,
        env = "TOPIC_NAME",
        value_name = "NAME",
        default_value = DEFAULT_TOPIC,
        help_heading = "Kafka"
    )]
    pub topic: TopicName,
}

/// A property that a program cannot keep its promise without.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// librdkafka's name.
    pub key: &'static str,
    /// The value.
    pub value: &'static str,
    /// Why no other will do, as the end of a sentence that begins with "because".
    pub reason: &'static str,
}

impl KafkaArgs {
    /// What the user sets a property to, if to anything; the last `-X` of several holds.
    ///
    /// # Errors
    ///
    /// [`Error::PropertyFile`] if its file cannot be read.
    pub fn property(&self, key: &str) -> Result<Option<Cow<'_, str>>, Error> {
        let mut properties = self.connection.all_properties();
        let last = properties.rfind(|property| property.key() == key);
        last.map(Property::value).transpose()
    }

    /// librdkafka's configuration: `defaults`, over them the user's `-X`, over all `fixed`.
    ///
    /// # Errors
    ///
    /// [`Error::FixedProperty`] if the user sets a fixed property to another value,
    /// [`Error::PropertyFile`] if a value's file cannot be read.
    pub fn client_config(
        &self,
        client_id: &str,
        defaults: &[(&str, &str)],
        fixed: &[Fixed],
    ) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.connection.brokers)
            .set("client.id", client_id)
            .set("allow.auto.create.topics", "false");
        for (key, value) in defaults {
            config.set(*key, *value);
        }
        for property in self.connection.all_properties() {
            let value = property.value()?;
            if let Some(fixed) = fixed
                .iter()
                .find(|fixed| fixed.key == property.key() && fixed.value != value)
            {
                return Err(Error::FixedProperty {
                    key: fixed.key,
                    value: fixed.value,
                    reason: fixed.reason,
                });
            }
            config.set(property.key(), value);
        }
        for Fixed { key, value, .. } in fixed {
            config.set(*key, *value);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(properties: &[&str]) -> KafkaArgs {
        KafkaArgs {
            connection: ConnectionArgs {
                brokers: "b:9092".to_owned(),
                properties: properties.iter().map(|text| text.parse().unwrap()).collect(),
                property_list: Vec::new(),
            },
            topic: "t".parse().unwrap(),
        }
    }

    const FIXED: &[Fixed] = &[Fixed {
        key: "acks",
        value: "all",
        reason: "a tick may not be lost",
    }];

    #[test]
    fn of_a_property_that_is_set_twice_the_last_holds() {
        let args = args(&["group.protocol=classic", "group.protocol=consumer"]);
        assert_eq!(
            args.property("group.protocol").unwrap().as_deref(),
            Some("consumer")
        );
        assert_eq!(args.property("group.id").unwrap(), None);
    }

    #[test]
    fn a_list_of_properties_is_split_at_semicolons_only_and_gives_way_to_single_ones() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            kafka: KafkaArgs,
        }
        let list = "ssl.cipher.suites=a,b c;linger.ms=9";
        let Line { kafka } = clap::Parser::parse_from(["test", "--properties", list, "-X", "linger.ms=7;8"]);
        assert_eq!(
            kafka.property("ssl.cipher.suites").unwrap().as_deref(),
            Some("a,b c")
        );
        assert_eq!(kafka.property("linger.ms").unwrap().as_deref(), Some("7;8"));
    }

    #[test]
    fn the_user_overrides_defaults_but_not_what_is_fixed() {
        let config = args(&["linger.ms=9", "acks=all"])
            .client_config("id", &[("linger.ms", "5")], FIXED)
            .unwrap();
        assert_eq!(config.get("linger.ms"), Some("9"));
        assert_eq!(config.get("acks"), Some("all"));
        let error = args(&["acks=1"]).client_config("id", &[], FIXED).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the property acks is always `all` here, because a tick may not be lost; leave it out"
        );
    }
}
