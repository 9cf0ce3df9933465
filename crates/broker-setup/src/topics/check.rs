use std::collections::{BTreeMap, BTreeSet};

use pipeline_runtime::kafka::TopicName;
use quote_model::topic::{REQUIRED_SETTINGS, RequiredSetting};

use super::REQUEST_TIMEOUT;
use crate::admin::{Admin, Shape, Value};
use crate::{Connection, Error, Finding, Verdict};

/// Looks whether a topic that exists is one that ticks can go by, whoever made it and with how many partitions.
/// Changes nothing.
///
/// # Errors
///
/// If the cluster cannot be reached, or hides the topic's settings.
pub async fn check(connection: &Connection, topic: &TopicName) -> Result<Vec<Finding>, Error> {
    let admin = Admin::new(connection)?;
    let cluster = admin.cluster(REQUEST_TIMEOUT).await?;
    let Some(shape) = cluster.topics.get(topic.as_str()) else {
        let detail = "there is no such topic, `broker-setup topics apply` makes it";
        return Ok(vec![Finding::new(Verdict::Failed, topic, detail)]);
    };
    let settings = admin
        .settings_of(&BTreeSet::from([topic.as_str()]), REQUEST_TIMEOUT)
        .await?;
    Ok(judge(topic, *shape, settings.get(topic.as_str())))
}

fn judge(topic: &TopicName, shape: Shape, settings: Option<&BTreeMap<String, Value>>) -> Vec<Finding> {
    let Shape {
        partitions,
        replication,
    } = shape;
    let there = format!("partitions {partitions}, replication {replication}");
    let mut findings = vec![Finding::new(Verdict::Ok, topic, there)];
    findings.extend(REQUIRED_SETTINGS.iter().map(|setting| {
        let value = settings.and_then(|settings| settings.get(setting.key));
        judge_setting(topic, *setting, value)
    }));
    findings
}

fn judge_setting(topic: &TopicName, setting: RequiredSetting, value: Option<&Value>) -> Finding {
    let RequiredSetting {
        key,
        value: wanted,
        reason,
    } = setting;
    let (text, source) = match value {
        Some(Value { text, source }) => (text.as_deref().unwrap_or("hidden"), *source),
        None => ("unset", "unset"),
    };
    let there = format!("{key} = {text} ({source})");
    if wanted.is_met_by(text) {
        return Finding::new(Verdict::Ok, topic, there);
    }
    let mend = wanted.to_set();
    let detail =
        format!("{there}, but {reason}; set it to {mend}, or have `broker-setup topics apply` do it");
    Finding::new(Verdict::Failed, topic, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_loses_ticks_is_told_with_the_reason() {
        let topic = "t".parse().unwrap();
        let shape = Shape {
            partitions: 3,
            replication: 1,
        };
        let value = |text: &str| Value {
            text: Some(text.to_owned()),
            source: "topic",
        };
        let settings = BTreeMap::from([
            ("cleanup.policy".to_owned(), value("compact")),
            ("max.message.bytes".to_owned(), value("2000000")),
        ]);
        let findings = judge(&topic, shape, Some(&settings));
        let verdicts: Vec<Verdict> = findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(
            verdicts,
            [Verdict::Ok, Verdict::Failed, Verdict::Ok, Verdict::Failed],
            "{findings:?}"
        );
        assert_eq!(
            findings[1].detail,
            "cleanup.policy = compact (topic), but compaction keeps no more than the last tick of each symbol; set it \
             to delete, or have `broker-setup topics apply` do it"
        );
    }
}
