//! The names of settings that Kafka 4.3 knows: what `AbstractKafkaConfig.CONFIG_DEF.names()` and
//! `LogConfig.configNames()` of its jars give. A test holds the lists to the jars.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::Error;

static BROKER_KEYS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    include_str!("keys/broker_keys.txt")
        .lines()
        .chain(PLUGIN_KEYS)
        .collect()
});

static TOPIC_KEYS: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("keys/topic_keys.txt").lines().collect());

/// Settings that are read not by the broker itself but by Apache's own plug-ins: `StandardAuthorizer` and
/// `JmxReporter`.
const PLUGIN_KEYS: [&str; 4] = [
    "allow.everyone.if.no.acl.found",
    "metrics.jmx.exclude",
    "metrics.jmx.include",
    "super.users",
];

/// What follows these is the business of a plug-in: configuration providers and tiered storage.
const PLUGIN_PREFIXES: [&str; 3] = ["config.providers.", "rsm.config.", "rlmm.config."];

/// Below this a name is no misspelling but another name.
const SIMILARITY_MIN: f64 = 0.7;

/// Refuses a name that `server.properties` may not hold.
pub(crate) fn check_broker_key(key: &str) -> Result<(), Error> {
    if is_broker_key(key) {
        Ok(())
    } else {
        Err(Error::UnknownBrokerKey {
            key: key.to_owned(),
            hint: broker_hint(key),
        })
    }
}

/// Refuses a name that a topic's settings may not hold.
pub(crate) fn check_topic_key(topic: &str, key: &str) -> Result<(), Error> {
    if TOPIC_KEYS.contains(key) {
        return Ok(());
    }
    Err(Error::UnknownTopicKey {
        topic: topic.to_owned(),
        key: key.to_owned(),
        hint: nearest(key, &TOPIC_KEYS).map_or_else(
            || "see the topic settings in its documentation".to_owned(),
            did_you_mean,
        ),
    })
}

/// The known broker setting that `key` is a misspelling of, if it looks like one.
pub(crate) fn nearest_broker_key(key: &str) -> Option<String> {
    let key = key.trim();
    match split_listener(key) {
        Some((prefix, rest)) => nearest(rest, &BROKER_KEYS).map(|found| format!("{prefix}{found}")),
        None => nearest(key, &BROKER_KEYS).map(str::to_owned),
    }
}

/// Whether the broker, or a plug-in of Apache's, reads a setting of this name.
pub(crate) fn is_broker_key(key: &str) -> bool {
    BROKER_KEYS.contains(key)
        || PLUGIN_PREFIXES
            .iter()
            .any(|prefix| key.len() > prefix.len() && key.starts_with(prefix))
        || split_listener(key).is_some_and(|(_, rest)| is_listener_key(rest))
}

/// `listener.name.NAME.KEY` as (`listener.name.NAME.`, `KEY`).
fn split_listener(key: &str) -> Option<(&str, &str)> {
    let name = key.strip_prefix("listener.name.")?;
    let dot = name.find('.').filter(|dot| *dot > 0)?;
    Some(key.split_at("listener.name.".len() + dot + 1))
}

/// A listener's setting is a broker setting, or one of SASL after the name of a mechanism
/// (`scram-sha-256.sasl.jaas.config`).
fn is_listener_key(key: &str) -> bool {
    let is_mechanism_key = || {
        key.split_once('.').is_some_and(|(mechanism, rest)| {
            !mechanism.is_empty()
                && (rest.starts_with("sasl.") || rest == "connections.max.reauth.ms")
                && BROKER_KEYS.contains(rest)
        })
    };
    BROKER_KEYS.contains(key) || is_mechanism_key()
}

fn broker_hint(key: &str) -> String {
    if key.starts_with("zookeeper.") {
        return "Kafka 4 has no ZooKeeper, leave it out".to_owned();
    }
    nearest_broker_key(key).map_or_else(
        || "a plug-in's own setting goes with `--set-unchecked`".to_owned(),
        |found| did_you_mean(&found),
    )
}

fn did_you_mean(key: &str) -> String {
    format!("did you mean `{key}`?")
}

fn nearest<'a>(key: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let lowered = key.to_ascii_lowercase().replace(['_', '-'], ".");
    known
        .iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(&lowered, candidate),
                *candidate,
            )
        })
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_refused_with_the_right_one() {
        for (wrong, right) in [
            ("advertized.listeners", "advertised.listeners"),
            ("advertised.listener", "advertised.listeners"),
            ("log.retention.hour", "log.retention.hours"),
            ("NUM_PARTITIONS", "num.partitions"),
            ("auto.create.topic.enable", "auto.create.topics.enable"),
            (
                "listener.name.internal.ssl.keystore.locaton",
                "listener.name.internal.ssl.keystore.location",
            ),
        ] {
            let error = check_broker_key(wrong).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("Kafka 4.3 has no broker setting `{wrong}`, did you mean `{right}`?")
            );
        }
    }

    #[test]
    fn what_resembles_nothing_gets_no_wrong_advice() {
        let error = check_broker_key("opa.authorizer.url").unwrap_err().to_string();
        assert!(error.ends_with("goes with `--set-unchecked`"), "{error}");
        let error = check_broker_key("zookeeper.connect").unwrap_err().to_string();
        assert!(error.ends_with("has no ZooKeeper, leave it out"), "{error}");
    }

    #[test]
    fn names_with_a_prefix_are_known() {
        for key in [
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config",
            "listener.name.internal.ssl.keystore.location",
            "listener.name.internal.max.connections",
            "config.providers.file.class",
            "rsm.config.bucket",
            "super.users",
        ] {
            assert!(is_broker_key(key), "{key} was refused");
        }
        for key in [
            "listener.name.internal",
            "listener.name..num.partitions",
            "listener.name.x.plain.num.partitions",
            "config.providers.",
            "",
            " num.partitions",
        ] {
            assert!(!is_broker_key(key), "{key:?} was taken");
        }
    }

    #[test]
    fn a_topics_setting_is_not_a_brokers() {
        assert!(check_topic_key("t", "retention.ms").is_ok());
        let error = check_topic_key("t", "retention_ms").unwrap_err().to_string();
        assert_eq!(
            error,
            "Kafka 4.3 has no topic setting `retention_ms` (topic t), did you mean `retention.ms`?"
        );
        assert!(check_topic_key("t", "log.retention.hours").is_err());
    }

    #[test]
    fn the_lists_are_sorted_and_hold_each_name_once() {
        for list in [
            include_str!("keys/broker_keys.txt"),
            include_str!("keys/topic_keys.txt"),
        ] {
            let names: Vec<&str> = list.lines().collect();
            assert!(names.is_sorted_by(|a, b| a < b));
        }
    }
}
