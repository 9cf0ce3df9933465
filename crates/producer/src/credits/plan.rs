//! What the plan allows and what of it is used, asked of `/api_usage` at the start.

use tracing::{info, warn};
use twelve_data::{Refusal, Usage};

use super::governor::Plan;
use super::pacer::Pacer;
use crate::Error;
use crate::http::TwelveData;

/// Tells the governor what `/api_usage` says; asks again until Twelve Data answers.
pub(crate) async fn learn_plan(api: &TwelveData, pacer: &mut Pacer) -> Result<(), Error> {
    loop {
        pacer.credits(1).await;
        let reply = api.get("api_usage", None).await;
        let now = pacer.now();
        let facts = reply.as_ref().map(|reply| reply.facts).unwrap_or_default();
        pacer.governor.settle(1, facts.credits, now);
        match reply.and_then(|reply| Ok(Usage::read(&reply.body, reply.facts.status)?)) {
            Ok(Some(usage)) => {
                pacer.governor.learn(usage, now);
                pacer.recovered();
                info!(
                    credits_per_minute = usage.plan_limit,
                    credits_per_day = usage.plan_daily_limit,
                    used_this_minute = usage.current_usage,
                    used_today = usage.daily_usage,
                    "plan known from Twelve Data"
                );
                return Ok(());
            }
            Ok(None) => {
                assume("its reply does not say");
                return Ok(());
            }
            Err(error) => {
                let error = api.redacted(error);
                match error.judge(false) {
                    Refusal::Key { message } => return Err(Error::KeyRefused { message }),
                    Refusal::Endpoint { .. } | Refusal::Request { .. } => {
                        assume(&error.to_string());
                        return Ok(());
                    }
                    Refusal::Credits(exhausted) => {
                        pacer.governor.refuse(exhausted, facts.retry_after, now);
                        warn!("`/api_usage` refused for want of credits: {error}");
                    }
                    Refusal::Passing => {
                        warn!("Twelve Data cannot be asked for the plan, to be tried again: {error}");
                        pacer.after_failure().await;
                    }
                }
            }
        }
    }
}

fn assume(reason: &str) {
    let Plan { per_minute, per_day } = Plan::BASIC;
    warn!(
        credits_per_minute = per_minute,
        credits_per_day = per_day,
        "the plan is not known from `/api_usage`, the free plan is assumed: {reason}"
    );
}
