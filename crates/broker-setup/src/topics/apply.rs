use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::sleep;
use tracing::{info, warn};

use super::plan::{Plan, Step, plan_with};
use super::{REQUEST_TIMEOUT, TopicFile};
use crate::admin::{Admin, Mode, Request};
use crate::{Connection, Error, Finding, Verdict};

/// The brokers hear of a change from the controller a moment after it was made.
const VERIFY_TRIES: usize = 12;

/// Makes the cluster as the file says and gives what was done: `created` and `changed`, `ok` for what was so before,
/// `manual` for what is left to people. All is checked by the controller before anything is changed, and the
/// outcome is read back.
///
/// # Errors
///
/// As [`plan`](super::plan), and if the file wants what cannot be done, the controller refuses a change, or the
/// cluster is not as the file says in the end.
pub async fn apply(connection: &Connection, file: &TopicFile) -> Result<Vec<Finding>, Error> {
    let admin = Admin::new(connection)?;
    let plan = plan_with(&admin, file).await?;
    if let Some(refused) = plan.refused() {
        return Err(Error::CannotApply {
            topic: refused.subject.clone(),
            difference: refused.detail.clone(),
        });
    }
    let requests = joined_requests(plan.steps());
    for request in &requests {
        admin
            .send(request.clone(), Mode::Validate, REQUEST_TIMEOUT)
            .await?;
    }
    for request in &requests {
        if let Request::CreatePartitions { topic, total } = request {
            warn!(
                topic,
                total, "more partitions: keys move, so a key's order breaks once"
            );
        }
        info!(topic = request.topic(), "applying");
        admin.send(request.clone(), Mode::Make, REQUEST_TIMEOUT).await?;
    }
    if !requests.is_empty() {
        verify(&admin, file).await?;
    }
    Ok(done(&plan))
}

/// The requests in the plan's order, those for one topic's settings joined into one.
fn joined_requests(steps: &[Step]) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for request in steps.iter().filter_map(|step| step.request.as_ref()) {
        if let Request::SetConfig { topic, config } = request
            && let Some(Request::SetConfig {
                topic: last,
                config: joined,
            }) = requests.last_mut()
            && last == topic
        {
            joined.extend_from_slice(config);
        } else {
            requests.push(request.clone());
        }
    }
    requests
}

async fn verify(admin: &Admin, file: &TopicFile) -> Result<(), Error> {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(VERIFY_TRIES)
        .build();
    let mut plan = plan_with(admin, file).await?;
    for pause in pauses {
        if plan.is_applied() {
            return Ok(());
        }
        sleep(pause).await;
        plan = plan_with(admin, file).await?;
    }
    match plan.steps().iter().find(|step| step.request.is_some()) {
        None => Ok(()),
        Some(step) => Err(Error::NotApplied {
            topic: step.finding.subject.clone(),
            difference: step.finding.detail.clone(),
        }),
    }
}

fn done(plan: &Plan) -> Vec<Finding> {
    let mut findings = plan.findings();
    for finding in &mut findings {
        finding.verdict = match finding.verdict {
            Verdict::Create => Verdict::Created,
            Verdict::Change => Verdict::Changed,
            other => other,
        };
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(topic: &str, key: &str) -> Step {
        Step {
            finding: Finding::new(Verdict::Change, topic, ""),
            request: Some(Request::SetConfig {
                topic: topic.to_owned(),
                config: vec![(key.to_owned(), "1".to_owned())],
            }),
        }
    }

    #[test]
    fn a_topics_settings_change_in_one_request() {
        let steps = [change("t", "a"), change("t", "b"), change("u", "a")];
        let requests = joined_requests(&steps);
        assert_eq!(requests.len(), 2);
        let Request::SetConfig { config, .. } = &requests[0] else {
            panic!("{requests:?}");
        };
        assert_eq!(config.len(), 2);
    }
}
