//! Credits as the vendor counts them: so many per minute, so many per day in UTC.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::vendor_error::VendorError;

const MINUTE_MS: i64 = 60_000;

/// What the plan allows, in credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreditPlan {
    /// What calls may cost in one of its windows.
    pub per_minute: u32,
    /// In a day of UTC; paid plans have no such limit.
    pub per_day: Option<u32>,
    /// Which minute is meant. The vendor does not say, and users report both.
    pub minute_window: MinuteWindow,
    /// Whether a refused request uses up credits too, as reports of `18 credits were used, limit 8` suggest.
    pub charges_refused: bool,
}

impl CreditPlan {
    /// The vendor's free plan.
    pub const BASIC: Self = Self {
        per_minute: 8,
        per_day: Some(800),
        minute_window: MinuteWindow::Fixed,
        charges_refused: false,
    };
}

impl Default for CreditPlan {
    /// More than any plan on sale, so that only a test that asks for it meets the limit.
    fn default() -> Self {
        Self {
            per_minute: 1_000_000,
            per_day: None,
            ..Self::BASIC
        }
    }
}

/// Over which time credits of a minute are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum MinuteWindow {
    /// The minute of the wall clock.
    #[default]
    Fixed,
    /// The last sixty seconds.
    Sliding,
}

/// What the headers `api-credits-used` and `api-credits-left` say: both of the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) used: u64,
    pub(crate) left: u64,
}

/// A request that costs more than is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted {
    pub(crate) span: Span,
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Minute,
    Day,
}

impl From<Exhausted> for VendorError {
    fn from(exhausted: Exhausted) -> Self {
        let Exhausted { span, used, limit } = exhausted;
        let (whole, word) = match span {
            Span::Minute => ("the current minute", "minute"),
            Span::Day => ("the day", "day"),
        };
        Self::new(
            429,
            format!(
                "You have run out of API credits for {whole}. {used} API credits were used, with the current \
                 limit being {limit}. Wait for the next {word} or consider switching to a higher tier plan at \
                 https://twelvedata.com/pricing"
            ),
        )
    }
}

/// The credits used so far.
#[derive(Debug)]
pub(crate) struct CreditMeter {
    plan: CreditPlan,
    /// Charges that still count for the minute, oldest first, as milliseconds since 1970 and credits.
    charges: VecDeque<(i64, u64)>,
    minute_used: u64,
    day: Option<Date>,
    day_used: u64,
}

impl CreditMeter {
    pub(crate) fn new(plan: CreditPlan) -> Self {
        Self {
            plan,
            charges: VecDeque::new(),
            minute_used: 0,
            day: None,
            day_used: 0,
        }
    }

    /// Takes the credits of a whole request, or none of them.
    pub(crate) fn charge(&mut self, now: Timestamp, credits: u64) -> Result<Balance, Exhausted> {
        self.forget_what_is_over(now);
        let verdict = self.verdict(credits);
        if verdict.is_ok() || self.plan.charges_refused {
            self.add(now.as_millisecond(), credits);
        }
        verdict.map(|()| self.minute_balance())
    }

    pub(crate) fn balance(&mut self, now: Timestamp) -> Balance {
        self.forget_what_is_over(now);
        self.minute_balance()
    }

    /// What another client of the same key used.
    pub(crate) fn spend(&mut self, now: Timestamp, credits: u64) {
        self.forget_what_is_over(now);
        self.add(now.as_millisecond(), credits);
    }

    /// From now on another plan holds; what was used stays used.
    pub(crate) fn set_plan(&mut self, plan: CreditPlan) {
        self.plan = plan;
    }

    pub(crate) fn day_used(&self) -> u64 {
        self.day_used
    }

    pub(crate) fn plan(&self) -> &CreditPlan {
        &self.plan
    }

    /// The refusal that a spent minute or day gives, whatever was used.
    pub(crate) fn as_if_exhausted(&mut self, now: Timestamp, span: Span, credits: u64) -> Exhausted {
        self.forget_what_is_over(now);
        let (used, limit) = match span {
            Span::Minute => (self.minute_used, u64::from(self.plan.per_minute)),
            Span::Day => (self.day_used, u64::from(self.plan.per_day.unwrap_or(800))),
        };
        Exhausted {
            span,
            used: used.max(limit) + credits.max(1),
            limit,
        }
    }

    fn verdict(&self, credits: u64) -> Result<(), Exhausted> {
        let over = |span, used: u64, limit: u32| {
            let (used, limit) = (used + credits, u64::from(limit));
            (used > limit).then_some(Exhausted { span, used, limit })
        };
        let day = self
            .plan
            .per_day
            .and_then(|limit| over(Span::Day, self.day_used, limit));
        day.or_else(|| over(Span::Minute, self.minute_used, self.plan.per_minute))
            .map_or(Ok(()), Err)
    }

    fn add(&mut self, now_ms: i64, credits: u64) {
        match self.charges.back_mut() {
            Some((at, sum)) if *at == now_ms => *sum += credits,
            _ => self.charges.push_back((now_ms, credits)),
        }
        self.minute_used += credits;
        self.day_used += credits;
    }

    fn forget_what_is_over(&mut self, now: Timestamp) {
        let now_ms = now.as_millisecond();
        let oldest_that_counts = match self.plan.minute_window {
            MinuteWindow::Fixed => now_ms - now_ms.rem_euclid(MINUTE_MS),
            MinuteWindow::Sliding => now_ms - MINUTE_MS + 1,
        };
        while let Some((at, credits)) = self.charges.front().copied()
            && at < oldest_that_counts
        {
            self.charges.pop_front();
            self.minute_used -= credits;
        }
        let today = TimeZone::UTC.to_datetime(now).date();
        if self.day.replace(today) != Some(today) {
            self.day_used = 0;
        }
    }

    fn minute_balance(&self) -> Balance {
        Balance {
            used: self.minute_used,
            left: u64::from(self.plan.per_minute).saturating_sub(self.minute_used),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-23T{text}Z").parse().unwrap()
    }

    fn meter(minute_window: MinuteWindow) -> CreditMeter {
        CreditMeter::new(CreditPlan {
            minute_window,
            ..CreditPlan::BASIC
        })
    }

    #[test]
    fn a_fixed_window_begins_anew_with_the_minute_of_the_clock() {
        let mut meter = meter(MinuteWindow::Fixed);
        let balance = meter.charge(at("10:00:59"), 8).unwrap();
        assert_eq!(balance, Balance { used: 8, left: 0 });
        let refused = meter.charge(at("10:00:59.999"), 1).unwrap_err();
        assert_eq!(
            refused,
            Exhausted {
                span: Span::Minute,
                used: 9,
                limit: 8
            }
        );
        assert!(meter.charge(at("10:01:00"), 8).is_ok());
    }

    #[test]
    fn a_sliding_window_counts_the_last_sixty_seconds() {
        let mut meter = meter(MinuteWindow::Sliding);
        meter.charge(at("10:00:30"), 8).unwrap();
        assert!(meter.charge(at("10:01:00"), 1).is_err());
        assert!(meter.charge(at("10:01:29.999"), 1).is_err());
        assert!(meter.charge(at("10:01:30"), 8).is_ok());
    }

    #[test]
    fn a_batch_is_refused_whole_and_costs_nothing_unless_the_plan_says_so() {
        let mut lenient = meter(MinuteWindow::Fixed);
        assert_eq!(lenient.charge(at("10:00:00"), 10).unwrap_err().used, 10);
        assert_eq!(lenient.balance(at("10:00:01")).used, 0);
        let mut strict = CreditMeter::new(CreditPlan {
            charges_refused: true,
            ..CreditPlan::BASIC
        });
        assert!(strict.charge(at("10:00:00"), 10).is_err());
        assert_eq!(strict.balance(at("10:00:01")), Balance { used: 10, left: 0 });
    }

    #[test]
    fn the_day_ends_at_midnight_utc() {
        let mut meter = CreditMeter::new(CreditPlan {
            per_minute: 1000,
            ..CreditPlan::BASIC
        });
        meter.charge(at("23:59:59"), 800).unwrap();
        let refused = meter.charge(at("23:59:59"), 1).unwrap_err();
        assert_eq!((refused.span, refused.used, refused.limit), (Span::Day, 801, 800));
        let message = VendorError::from(refused).message;
        assert!(message.starts_with(
            "You have run out of API credits for the day. 801 API credits were used, with the current limit being \
             800. Wait for the next day"
        ));
        assert!(meter.charge("2026-11-24T00:00:00Z".parse().unwrap(), 800).is_ok());
    }
}
