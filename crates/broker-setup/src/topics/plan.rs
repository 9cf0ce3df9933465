use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{REQUEST_TIMEOUT, Topic, TopicFile};
use crate::admin::{Admin, Cluster, Request, Shape, Value};
use crate::{Connection, Error, Finding, Verdict};

/// How the cluster differs from a file.
#[derive(Debug)]
pub struct Plan {
    steps: Vec<Step>,
}

/// One difference, or a topic without any.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) finding: Finding,
    /// What mends it, if anything does.
    pub(super) request: Option<Request>,
}

impl Plan {
    /// One line for each difference and for each topic that has none, in the file's order.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.steps.iter().map(|step| step.finding.clone()).collect()
    }

    /// Whether the cluster is as the file says.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.steps.iter().all(|step| step.finding.verdict == Verdict::Ok)
    }

    /// Whether all is done that can be done by `apply`.
    pub(super) fn is_applied(&self) -> bool {
        self.steps.iter().all(|step| step.request.is_none())
    }

    pub(super) fn refused(&self) -> Option<&Finding> {
        self.steps
            .iter()
            .map(|step| &step.finding)
            .find(|finding| finding.verdict == Verdict::Refuse)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Compares the cluster with the file. Changes nothing.
///
/// # Errors
///
/// If the cluster cannot be reached, is not the one that the file is for, or hides a topic's settings.
pub async fn plan(connection: &Connection, file: &TopicFile) -> Result<Plan, Error> {
    plan_with(&Admin::new(connection)?, file).await
}

pub(super) async fn plan_with(admin: &Admin, file: &TopicFile) -> Result<Plan, Error> {
    let cluster = admin.cluster(REQUEST_TIMEOUT).await?;
    if let Some(wanted) = &file.cluster_id
        && cluster.id.as_ref() != Some(wanted)
    {
        return Err(Error::WrongCluster {
            wanted: wanted.clone(),
            found: cluster.id.unwrap_or_else(|| "unknown".to_owned()),
        });
    }
    let existing = file
        .topics
        .iter()
        .map(|topic| topic.name.as_str())
        .filter(|name| cluster.topics.contains_key(*name))
        .collect();
    let settings = admin.settings_of(&existing, REQUEST_TIMEOUT).await?;
    Ok(compare(file, &cluster, &settings))
}

fn compare(
    file: &TopicFile,
    cluster: &Cluster,
    settings: &BTreeMap<String, BTreeMap<String, Value>>,
) -> Plan {
    let mut steps = Vec::new();
    for topic in &file.topics {
        let before = steps.len();
        let name = topic.name.as_str();
        match (cluster.topics.get(name), settings.get(name)) {
            (Some(shape), Some(settings)) => {
                steps.extend(partitions_step(topic, *shape));
                steps.extend(replication_step(topic, *shape));
                steps.extend(config_steps(topic, settings));
            }
            _ => steps.push(creation(topic)),
        }
        if steps.len() == before {
            steps.push(step(Verdict::Ok, topic, String::new(), None));
        }
    }
    Plan { steps }
}

fn creation(topic: &Topic) -> Step {
    let mut config = topic.config.clone();
    for setting in topic.required {
        config
            .entry(setting.key.to_owned())
            .or_insert_with(|| setting.value.to_set());
    }
    let config: Vec<(String, String)> = config.into_iter().collect();
    let mut facts = vec![
        format!("partitions {}", topic.partitions),
        format!("replication {}", topic.replication),
    ];
    facts.extend(config.iter().map(|(key, value)| format!("{key} = {value}")));
    let request = Request::CreateTopic {
        topic: topic.name.to_string(),
        partitions: topic.partitions.get().into(),
        replication: topic.replication.get().into(),
        config,
    };
    step(Verdict::Create, topic, facts.join(", "), Some(request))
}

fn partitions_step(topic: &Topic, shape: Shape) -> Option<Step> {
    let (old, new) = (shape.partitions, usize::from(topic.partitions.get()));
    let detail = format!("partitions: {old} -> {new}");
    match new.cmp(&old) {
        Ordering::Equal => None,
        Ordering::Greater => {
            let request = Request::CreatePartitions {
                topic: topic.name.to_string(),
                total: new,
            };
            let detail = format!("{detail} (keys move to other partitions, so a key's order breaks once)");
            Some(step(Verdict::Change, topic, detail, Some(request)))
        }
        Ordering::Less => {
            let detail = format!("{detail} (Kafka cannot take partitions away; make another topic)");
            Some(step(Verdict::Refuse, topic, detail, None))
        }
    }
}

fn replication_step(topic: &Topic, shape: Shape) -> Option<Step> {
    let (old, new) = (shape.replication, usize::from(topic.replication.get()));
    let detail = format!("replication: {old} -> {new} (move the copies with kafka-reassign-partitions.sh)");
    (new != old).then(|| step(Verdict::Manual, topic, detail, None))
}

/// What the file sets, and what it leaves open but must be.
fn config_steps(topic: &Topic, settings: &BTreeMap<String, Value>) -> Vec<Step> {
    let now = |key: &str| settings.get(key).and_then(|value| value.text.as_deref());
    let set = topic
        .config
        .iter()
        .filter(|(key, new)| now(key).is_none_or(|old| !is_same(old, new)))
        .map(|(key, new)| config_step(topic, settings, key, new.clone()));
    let required = topic
        .required
        .iter()
        .filter(|setting| !topic.config.contains_key(setting.key))
        .filter(|setting| now(setting.key).is_none_or(|old| !setting.value.is_met_by(old)))
        .map(|setting| config_step(topic, settings, setting.key, setting.value.to_set()));
    set.chain(required).collect()
}

fn config_step(topic: &Topic, settings: &BTreeMap<String, Value>, key: &str, new: String) -> Step {
    let (old, source) = match settings.get(key) {
        Some(Value { text, source }) => (text.as_deref().unwrap_or("hidden"), *source),
        None => ("unset", "unset"),
    };
    let detail = format!("{key}: {old} ({source}) -> {new}");
    let request = Request::SetConfig {
        topic: topic.name.to_string(),
        config: vec![(key.to_owned(), new)],
    };
    step(Verdict::Change, topic, detail, Some(request))
}

/// `0.50` is `0.5` and `TRUE` is `true`, as Kafka reads them.
fn is_same(old: &str, new: &str) -> bool {
    if let (Ok(old), Ok(new)) = (old.parse::<i64>(), new.parse::<i64>()) {
        return old == new;
    }
    if let (Ok(old), Ok(new)) = (old.parse::<f64>(), new.parse::<f64>()) {
        return old.total_cmp(&new).is_eq();
    }
    let is_truth = |text: &str| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    old == new || (is_truth(old) && old.eq_ignore_ascii_case(new))
}

fn step(verdict: Verdict, topic: &Topic, detail: String, request: Option<Request>) -> Step {
    Step {
        finding: Finding::new(verdict, &topic.name, detail),
        request,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plan_of(file: &str, shape: Option<Shape>, settings: &[(&str, &str)]) -> Plan {
        let file = TopicFile::parse(file, Path::new("topics.toml")).unwrap();
        let topics = shape.map(|shape| ("t".to_owned(), shape)).into_iter().collect();
        let cluster = Cluster {
            id: None,
            brokers: BTreeMap::new(),
            topics,
        };
        let values = settings
            .iter()
            .map(|(key, text)| {
                let value = Value {
                    text: Some((*text).to_owned()),
                    source: "topic",
                };
                ((*key).to_owned(), value)
            })
            .collect();
        let settings = shape.map(|_| ("t".to_owned(), values)).into_iter().collect();
        compare(&file, &cluster, &settings)
    }

    fn lines(plan: &Plan) -> Vec<(Verdict, String)> {
        plan.findings()
            .into_iter()
            .map(|finding| (finding.verdict, finding.detail))
            .collect()
    }

    const FILE: &str = "[[topic]]\nname = \"t\"\npartitions = 2\nreplication = 2\n\
                        [topic.config]\n\"retention.ms\" = 5\n\"min.cleanable.dirty.ratio\" = 0.5\n";
    const SHAPE: Shape = Shape {
        partitions: 2,
        replication: 2,
    };

    #[test]
    fn a_missing_topic_is_made_with_all_its_settings() {
        let plan = plan_of(FILE, None, &[]);
        let detail = "partitions 2, replication 2, min.cleanable.dirty.ratio = 0.5, retention.ms = 5";
        assert_eq!(lines(&plan), [(Verdict::Create, detail.to_owned())]);
        assert!(!plan.is_settled());
    }

    #[test]
    fn a_topic_as_it_should_be_is_ok_whatever_else_is_set() {
        let settings = [
            ("retention.ms", "5"),
            ("min.cleanable.dirty.ratio", "0.50"),
            ("cleanup.policy", "compact"),
        ];
        let plan = plan_of(FILE, Some(SHAPE), &settings);
        assert_eq!(lines(&plan), [(Verdict::Ok, String::new())]);
        assert!(plan.is_settled() && plan.is_applied());
    }

    #[test]
    fn each_difference_has_its_own_verdict() {
        let settings = [("retention.ms", "7"), ("min.cleanable.dirty.ratio", "0.5")];
        let shape = Shape {
            partitions: 1,
            replication: 1,
        };
        let plan = plan_of(FILE, Some(shape), &settings);
        let lines = lines(&plan);
        assert_eq!(lines[0].0, Verdict::Change);
        assert!(lines[0].1.starts_with("partitions: 1 -> 2 (keys move"));
        assert_eq!(lines[1].0, Verdict::Manual);
        assert!(lines[1].1.starts_with("replication: 1 -> 2"));
        assert_eq!(
            lines[2],
            (Verdict::Change, "retention.ms: 7 (topic) -> 5".to_owned())
        );
        assert!(plan.refused().is_none());
    }

    #[test]
    fn what_the_ticks_need_is_set_where_it_is_not_so() {
        let file = "[[topic]]\nname = \"t\"\ncarries_ticks = true\npartitions = 2\nreplication = 2\n";
        let new = plan_of(file, None, &[]);
        assert!(
            lines(&new)[0].1.ends_with(
                "cleanup.policy = delete, max.message.bytes = 1048588, message.timestamp.type = CreateTime"
            ),
            "{new:?}"
        );
        let as_needed = [
            ("cleanup.policy", "delete"),
            ("max.message.bytes", "5242880"),
            ("message.timestamp.type", "CreateTime"),
        ];
        assert!(plan_of(file, Some(SHAPE), &as_needed).is_settled());
        let mut otherwise = as_needed;
        otherwise[2].1 = "LogAppendTime";
        assert_eq!(
            lines(&plan_of(file, Some(SHAPE), &otherwise)),
            [(
                Verdict::Change,
                "message.timestamp.type: LogAppendTime (topic) -> CreateTime".to_owned()
            )]
        );
    }

    #[test]
    fn fewer_partitions_are_refused() {
        let shape = Shape {
            partitions: 3,
            replication: 2,
        };
        let settings = [("retention.ms", "5"), ("min.cleanable.dirty.ratio", "0.5")];
        let plan = plan_of(FILE, Some(shape), &settings);
        assert!(plan.refused().unwrap().detail.starts_with("partitions: 3 -> 2"));
        assert!(plan.is_applied() && !plan.is_settled());
    }

    #[test]
    fn values_are_compared_as_kafka_reads_them() {
        assert!(is_same("true", "TRUE"));
        assert!(is_same("0.5", "0.50"));
        assert!(!is_same("9007199254740993", "9007199254740992"));
        assert!(!is_same("compact", "delete"));
        assert!(!is_same("kafka.X", "kafka.x"));
    }
}
