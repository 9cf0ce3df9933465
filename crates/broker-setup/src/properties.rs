//! `server.properties`: what was asked for as the lines that Kafka reads.

use std::path::Path;
use std::str::FromStr;

use crate::{Error, Host, keys};

/// The only node of a `KRaft` cluster, broker and controller in one process.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `node.id`.
    pub node_id: u32,
    /// The name by which clients reach the node.
    pub advertised_host: AdvertisedHost,
    /// Where clients connect.
    pub port: u16,
    /// Where the controller listens.
    pub controller_port: u16,
    /// The address to listen on.
    pub listen_host: Host,
    /// `log.dirs`.
    pub data_dir: DataDir,
    /// Lines that replace a default or come after all.
    pub extra: Vec<Setting>,
}

/// A host that clients elsewhere can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedHost(Host);

impl AdvertisedHost {
    /// Takes `host` if clients can use it; `allow_loopback` says that all of them run on this machine.
    ///
    /// # Errors
    ///
    /// [`Error::AdvertisedHost`] if it means any machine, or this one without `allow_loopback`.
    pub fn new(host: Host, allow_loopback: bool) -> Result<Self, Error> {
        let reason = if host.is_unspecified() {
            "it is no address to connect to"
        } else if host.is_loopback() && !allow_loopback {
            "clients on other hosts would connect to themselves (`--allow-loopback` if there are none)"
        } else {
            return Ok(Self(host));
        };
        Err(Error::AdvertisedHost { host, reason })
    }

    /// What `advertised.listeners` is to say.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.0
    }
}

/// The folder of Kafka's data: an absolute path that `log.dirs` can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir(String);

impl FromStr for DataDir {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_legal = Path::new(text).is_absolute()
            && !text.contains(',')
            && !text.contains(char::is_control)
            && text.trim() == text;
        if is_legal {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::DataDirName { path: text.into() })
        }
    }
}

/// A `KEY=VALUE` for `server.properties`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    key: String,
    value: String,
}

impl Setting {
    /// Takes a name that need not be Kafka's, for a plug-in.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if `argument` is not `KEY=VALUE`.
    pub fn unchecked(argument: &str) -> Result<Self, Error> {
        match argument.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() && !key.trim().contains(char::is_whitespace) => {
                Ok(Self {
                    key: key.trim().to_owned(),
                    value: value.trim().to_owned(),
                })
            }
            _ => Err(Error::Setting {
                argument: argument.to_owned(),
            }),
        }
    }
}

impl FromStr for Setting {
    type Err = Error;

    fn from_str(argument: &str) -> Result<Self, Error> {
        let setting = Self::unchecked(argument)?;
        keys::check_broker_key(&setting.key)?;
        Ok(setting)
    }
}

/// Gives the text of `server.properties`. The same configuration gives the same bytes.
#[must_use]
pub fn render(config: &BrokerConfig) -> String {
    let mut lines = listener_lines(config);
    lines.extend(storage_lines(config));
    for Setting { key, value } in &config.extra {
        match lines.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => old.clone_from(value),
            None => lines.push((key.clone(), value.clone())),
        }
    }
    let mut text = String::from(
        "# Written by `broker-setup render`, which writes it anew: change its flags, not this file.\n",
    );
    for (key, value) in lines {
        text.push_str(&key);
        text.push('=');
        text.push_str(&escaped(&value));
        text.push('\n');
    }
    text
}

fn listener_lines(config: &BrokerConfig) -> Vec<(String, String)> {
    let BrokerConfig {
        advertised_host: AdvertisedHost(advertised),
        listen_host: listen,
        port,
        controller_port,
        ..
    } = config;
    [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", config.node_id.to_string()),
        (
            "controller.quorum.bootstrap.servers",
            format!("{advertised}:{controller_port}"),
        ),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listeners",
            format!("PLAINTEXT://{listen}:{port},CONTROLLER://{listen}:{controller_port}"),
        ),
        (
            "advertised.listeners",
            format!("PLAINTEXT://{advertised}:{port},CONTROLLER://{advertised}:{controller_port}"),
        ),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn storage_lines(config: &BrokerConfig) -> Vec<(String, String)> {
    [
        ("log.dirs", config.data_dir.0.as_str()),
        ("auto.create.topics.enable", "false"),
        ("num.partitions", "1"),
        ("default.replication.factor", "1"),
        ("min.insync.replicas", "1"),
        ("offsets.topic.replication.factor", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("share.coordinator.state.topic.replication.factor", "1"),
        ("share.coordinator.state.topic.min.isr", "1"),
        ("log.retention.hours", "168"),
        ("log.segment.bytes", "134217728"),
        ("group.initial.rebalance.delay.ms", "0"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// A value as Java's `Properties` reads it back: Latin-1, so all else as UTF-16 escapes.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            ' '..='~' => text.push(character),
            _ => text.extend(
                character
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            ),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(extra: &[&str]) -> BrokerConfig {
        BrokerConfig {
            node_id: 1,
            advertised_host: AdvertisedHost::new("ip-10-0-1-23.ec2.internal".parse().unwrap(), false)
                .unwrap(),
            port: 9092,
            controller_port: 9093,
            listen_host: "0.0.0.0".parse().unwrap(),
            data_dir: "/var/lib/kafka/data".parse().unwrap(),
            extra: extra.iter().map(|setting| setting.parse().unwrap()).collect(),
        }
    }

    fn lines(config: &BrokerConfig) -> Vec<String> {
        render(config).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_private_name_is_advertised_to_clients_and_controllers() {
        let lines = lines(&config(&[]));
        for line in [
            "listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093",
            "advertised.listeners=PLAINTEXT://ip-10-0-1-23.ec2.internal:9092,CONTROLLER://ip-10-0-1-23.ec2.internal:9093",
            "controller.quorum.bootstrap.servers=ip-10-0-1-23.ec2.internal:9093",
            "log.dirs=/var/lib/kafka/data",
            "auto.create.topics.enable=false",
            "offsets.topic.replication.factor=1",
        ] {
            assert!(
                lines.iter().any(|there| there == line),
                "{line} is not in {lines:#?}"
            );
        }
    }

    #[test]
    fn each_default_is_a_setting_that_kafka_knows_and_stands_there_once() {
        let text = render(&config(&[]));
        let mut names: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once('=').unwrap().0)
            .collect();
        for name in &names {
            assert!(keys::is_broker_key(name), "{name}");
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_setting_replaces_a_default_or_is_added() {
        let lines = lines(&config(&["num.partitions=3", "message.max.bytes = 5"]));
        assert!(lines.contains(&"num.partitions=3".to_owned()));
        assert!(!lines.contains(&"num.partitions=1".to_owned()));
        assert_eq!(lines.last().unwrap(), "message.max.bytes=5");
    }

    #[test]
    fn a_value_is_written_so_that_java_reads_it_back() {
        let setting = "ssl.keystore.password=a\\b\u{e9}\u{1f600}";
        let text = render(&config(&[setting]));
        assert!(
            text.ends_with("ssl.keystore.password=a\\\\b\\u00e9\\ud83d\\ude00\n"),
            "{text}"
        );
    }
}
