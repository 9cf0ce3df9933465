use std::collections::BTreeSet;

use crate::kafka::java;

/// Limits that can be set on a running broker only, with kafka-configs: the documentation lists them, a file of
/// them is passed over.
const DYNAMIC_ONLY: [&str; 3] = [
    "follower.replication.throttled.rate",
    "leader.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

/// Kafka's classes of settings print their own documentation as HTML.
fn documented(class: &str) -> BTreeSet<String> {
    let output = java(class).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let html = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<String> = html
        .split("<h4><a id=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(names.len() > 30, "{html}");
    names
}

fn list(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_list_of_broker_settings_is_that_of_the_jars() {
    let listed = list(include_str!("../../src/keys/broker_keys.txt"));
    let mut documented = documented("kafka.server.KafkaConfig");
    for name in DYNAMIC_ONLY {
        assert!(documented.remove(name), "{name}");
    }
    let missing: Vec<_> = documented.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the list: {missing:?}");
    let undocumented: Vec<&str> = listed.difference(&documented).map(String::as_str).collect();
    // Kafka's own internal settings: it reads them and leaves them out of its documentation.
    assert_eq!(
        undocumented,
        include_str!("internal_broker_keys.txt")
            .lines()
            .collect::<Vec<_>>()
    );
}

#[test]
fn the_list_of_topic_settings_is_that_of_the_jars() {
    let listed = list(include_str!("../../src/keys/topic_keys.txt"));
    let documented = documented("org.apache.kafka.storage.internals.log.LogConfig");
    let missing: Vec<_> = documented.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the list: {missing:?}");
    let undocumented: Vec<_> = listed.difference(&documented).collect();
    assert_eq!(undocumented, ["internal.segment.bytes"]);
}
