//! The plan, and how it is known.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use twelve_data::{CreditHeaders, Usage};

/// What the plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Credits a minute, at least one.
    pub per_minute: u32,
    /// Credits a UTC day; only the free plan has such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
}

impl Plan {
    /// The free plan.
    pub const FREE: Self = Self {
        per_minute: 8,
        per_day: Some(800),
    };
}

/// How the plan is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanSource {
    /// Nothing was heard yet; the free plan is the smallest there is.
    #[default]
    Assumed,
    /// From the headers of a reply, or the words of a refusal.
    Heard,
    /// From `/api_usage`.
    Asked,
}

/// After `/api_usage` did not answer it is asked again, each time after twice as long.
const ASK_AGAIN_FIRST: Duration = Duration::from_mins(1);
const ASK_AGAIN_MAX: Duration = Duration::from_hours(24);

/// For how long one source of the plan is believed against another that contradicts it.
const BELIEVED: Duration = Duration::from_hours(1);

#[derive(Clone, Debug)]
pub(crate) struct PlanBook {
    pub(crate) plan: Plan,
    pub(crate) source: PlanSource,
    /// When `/api_usage` is to be asked, if it is.
    pub(crate) ask_at: Option<Duration>,
    pub(crate) ask_delay: Duration,
    /// A limit for the minute that headers claimed and `/api_usage` denied, and until when it is not believed.
    pub(crate) denied: Option<(u32, Duration)>,
    /// A limit for the minute by which a call was refused, and until when `/api_usage` does not raise it.
    stated: Option<(u32, Duration)>,
    /// Whether the plan changed and the new one's limit for the day is not known.
    is_day_in_doubt: bool,
}

impl PlanBook {
    pub(crate) fn unknown(now: Duration) -> Self {
        Self::known(Plan::FREE, PlanSource::Assumed, Some(now))
    }

    pub(crate) fn known(plan: Plan, source: PlanSource, ask_at: Option<Duration>) -> Self {
        Self {
            plan,
            source,
            ask_at,
            ask_delay: Duration::ZERO,
            denied: None,
            stated: None,
            is_day_in_doubt: source == PlanSource::Assumed,
        }
    }

    pub(crate) fn is_ask_due(&self, now: Duration) -> bool {
        self.ask_at.is_some_and(|at| now >= at)
    }

    /// What the headers of a reply say of the minute's limit. With nothing left they do not say it: `used` may be
    /// more than the limit.
    pub(crate) fn hear_headers(&mut self, headers: CreditHeaders, now: Duration) {
        let CreditHeaders {
            used: Some(used),
            left: Some(left @ 1..),
        } = headers
        else {
            return;
        };
        let per_minute = used.saturating_add(left);
        let is_denied = self
            .denied
            .is_some_and(|(limit, until)| limit == per_minute && now < until);
        if per_minute != self.plan.per_minute && !is_denied {
            self.stated = None;
            self.change_minute(per_minute, now);
        }
    }

    /// A refusal stated the minute's limit.
    pub(crate) fn hear_minute(&mut self, per_minute: u32, now: Duration) {
        if per_minute > 0 {
            self.stated = Some((per_minute, now + BELIEVED));
            self.change_minute(per_minute, now);
        }
    }

    /// A refusal stated the day's limit.
    pub(crate) fn hear_day(&mut self, per_day: u32, now: Duration) {
        self.is_day_in_doubt = false;
        if self.plan.per_day != Some(per_day) {
            self.plan.per_day = Some(per_day);
            self.contradicted(now);
        }
    }

    fn change_minute(&mut self, per_minute: u32, now: Duration) {
        if per_minute == self.plan.per_minute {
            return;
        }
        self.plan.per_minute = per_minute;
        self.is_day_in_doubt = true;
        if self.source == PlanSource::Assumed {
            self.settle_doubt();
        }
        self.contradicted(now);
    }

    fn contradicted(&mut self, now: Duration) {
        self.source = PlanSource::Heard;
        self.ask_at = Some(now);
        self.ask_delay = Duration::ZERO;
    }

    /// Only the free plan has a limit for the day; should another have one, a refusal would state it.
    fn settle_doubt(&mut self) {
        if core::mem::take(&mut self.is_day_in_doubt) {
            let is_free = self.plan.per_minute <= Plan::FREE.per_minute;
            self.plan.per_day = Plan::FREE.per_day.filter(|_| is_free);
        }
    }

    /// `/api_usage` answered. Tells whether the plan is another than was known.
    pub(crate) fn learn(&mut self, usage: Usage, now: Duration) -> bool {
        let mut plan = Plan {
            per_minute: usage.plan_limit.max(1),
            per_day: usage.plan_daily_limit,
        };
        if let Some((limit, until)) = self.stated
            && now < until
        {
            plan.per_minute = plan.per_minute.min(limit);
        }
        if self.source == PlanSource::Heard && plan.per_minute != self.plan.per_minute {
            self.denied = Some((self.plan.per_minute, now + BELIEVED));
        }
        let is_new = self.source != PlanSource::Asked || plan != self.plan;
        self.plan = plan;
        self.source = PlanSource::Asked;
        self.ask_at = None;
        self.ask_delay = Duration::ZERO;
        self.is_day_in_doubt = false;
        is_new
    }

    /// `/api_usage` did not answer: what replies say holds meanwhile.
    pub(crate) fn not_answered(&mut self, now: Duration) {
        if self.source == PlanSource::Heard {
            self.settle_doubt();
        }
        self.ask_at = Some(now + self.ask_delay);
    }

    /// `/api_usage` is being asked, and is asked again later should it not answer.
    pub(crate) fn asked(&mut self, now: Duration) {
        self.ask_delay = (self.ask_delay * 2).clamp(ASK_AGAIN_FIRST, ASK_AGAIN_MAX);
        self.ask_at = Some(now + self.ask_delay);
    }
}
