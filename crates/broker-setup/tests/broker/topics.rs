use std::fs;
use std::path::PathBuf;
use std::process::Output;

use crate::kafka::{Kafka, stderr, stdout};

const CONFIG: &str = "kafka.admin.ConfigCommand";

/// One test's own topic and file.
struct Bench {
    kafka: &'static Kafka,
    topic: &'static str,
    file: PathBuf,
}

impl Bench {
    fn new(topic: &'static str) -> Self {
        let kafka = Kafka::shared();
        let file = kafka.folder.join(format!("{topic}.toml"));
        Self { kafka, topic, file }
    }

    fn write(&self, partitions: u16, replication: u16, config: &str) -> &Self {
        let text = format!(
            "[[topic]]\nname = \"{}\"\npartitions = {partitions}\nreplication = {replication}\n\
             [topic.config]\n{config}\n",
            self.topic
        );
        fs::write(&self.file, text).unwrap();
        self
    }

    fn run(&self, command: &str) -> Output {
        self.kafka
            .setup(&["topics", command, "--file", self.file.to_str().unwrap()])
    }

    fn plan(&self) -> (Option<i32>, String) {
        let output = self.run("plan");
        (output.status.code(), stdout(&output))
    }

    fn apply(&self) -> String {
        let output = self.run("apply");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        stdout(&output)
    }

    /// The settings that Kafka's own tool shows for the topic.
    fn settings(&self) -> String {
        let arguments = [
            "--describe",
            "--entity-type",
            "topics",
            "--entity-name",
            self.topic,
        ];
        self.kafka.tool(CONFIG, &arguments)
    }
}

#[test]
fn a_topic_is_made_once_and_then_is_as_planned() {
    let bench = Bench::new("made-once");
    bench.write(
        2,
        1,
        "\"retention.ms\" = 604800000\n\"segment.ms\" = \"86400000\"",
    );
    let (status, plan) = bench.plan();
    assert_eq!(status, Some(3));
    assert_eq!(
        plan,
        "create  made-once  partitions 2, replication 1, retention.ms = 604800000, segment.ms = 86400000\n"
    );
    assert!(bench.apply().starts_with("created made-once"));
    assert_eq!(bench.plan(), (Some(0), "ok      made-once\n".to_owned()));
    assert_eq!(bench.apply(), "ok      made-once\n");
    let settings = bench.settings();
    assert!(settings.contains("segment.ms=86400000"), "{settings}");
}

#[test]
fn a_setting_that_the_file_does_not_name_is_left_alone() {
    let bench = Bench::new("foreign-setting");
    bench.write(1, 1, "\"retention.ms\" = 1000000").apply();
    bench.kafka.tool(
        CONFIG,
        &[
            "--alter",
            "--entity-type",
            "topics",
            "--entity-name",
            bench.topic,
            "--add-config",
            "delete.retention.ms=12345",
        ],
    );
    bench.write(
        1,
        1,
        "\"retention.ms\" = 2000000\n\"cleanup.policy\" = \"compact\"",
    );
    assert_eq!(
        bench.plan(),
        (
            Some(3),
            "change  foreign-setting  cleanup.policy: delete (default) -> compact\n\
             change  foreign-setting  retention.ms: 1000000 (topic) -> 2000000\n"
                .to_owned()
        )
    );
    assert!(bench.apply().starts_with("changed foreign-setting"));
    let settings = bench.settings();
    for setting in [
        "delete.retention.ms=12345",
        "retention.ms=2000000",
        "cleanup.policy=compact",
    ] {
        assert!(settings.contains(setting), "{settings}");
    }
    assert_eq!(bench.apply(), "ok      foreign-setting\n");
}

#[test]
fn partitions_grow_but_never_shrink() {
    let bench = Bench::new("growing");
    bench.write(1, 1, "").apply();
    let applied = bench.write(3, 1, "").apply();
    assert!(applied.contains("partitions: 1 -> 3 (keys move"), "{applied}");
    assert_eq!(bench.plan().0, Some(0));
    let (status, plan) = bench.write(2, 1, "\"retention.ms\" = 77").plan();
    assert_eq!(status, Some(3));
    assert!(plan.starts_with("refuse  growing  partitions: 3 -> 2"), "{plan}");
    let refused = bench.run("apply");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(stderr(&refused).contains("nothing was changed"), "{refused:?}");
    assert!(!bench.settings().contains("retention.ms=77"));
}

#[test]
fn another_number_of_copies_is_left_to_people() {
    let bench = Bench::new("copies");
    bench.write(1, 1, "").apply();
    bench.write(1, 3, "\"retention.ms\" = 5000000");
    let output = bench.run("apply");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let applied = stdout(&output);
    assert!(
        applied.starts_with("manual  copies  replication: 1 -> 3"),
        "{applied}"
    );
    assert!(applied.contains("changed copies  retention.ms"), "{applied}");
}

#[test]
fn a_value_that_kafka_refuses_is_refused_in_its_words_before_anything_is_done() {
    let bench = Bench::new("refused-value");
    let text = "[[topic]]\nname = \"refused-first\"\npartitions = 1\nreplication = 1\n\
                [[topic]]\nname = \"refused-value\"\npartitions = 1\nreplication = 1\n\
                [topic.config]\n\"cleanup.policy\" = \"compakt\"\n";
    fs::write(&bench.file, text).unwrap();
    let output = bench.run("apply");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr(&output);
    assert!(
        said.contains("refused-value") && said.contains("compakt") && said.contains("cleanup.policy"),
        "{said}"
    );
    let (_, plan) = bench.plan();
    assert!(plan.starts_with("create  refused-first"), "{plan}");
}

#[test]
fn a_file_for_another_cluster_or_with_a_misspelt_name_is_refused() {
    let bench = Bench::new("guarded");
    bench.write(1, 1, "\"retention.mss\" = 5");
    let output = bench.run("plan");
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert!(
        stderr(&output).contains("did you mean `retention.ms`?"),
        "{output:?}"
    );
    bench.write(1, 1, "");
    let text = fs::read_to_string(&bench.file).unwrap();
    fs::write(
        &bench.file,
        format!("cluster_id = \"MkU3OEVBNTcwNTJENDM2Qg\"\n{text}"),
    )
    .unwrap();
    let output = bench.run("apply");
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert!(
        stderr(&output).contains("the file is for cluster MkU3OEVBNTcwNTJENDM2Qg"),
        "{output:?}"
    );
}
