//! When the next poll is due: as asked, or as slow as the plan's credits demand.

use std::time::Duration;

use super::governor::Plan;

const MINUTE: Duration = Duration::from_mins(1);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) interval: Duration,
    pub(crate) credits_per_poll: u32,
    /// Polls still to do, if there is an end.
    pub(crate) polls_left: Option<u64>,
}

/// What can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) plan: Plan,
    pub(crate) left_this_minute: u32,
    pub(crate) left_today: Option<u32>,
    pub(crate) until_midnight: Duration,
}

/// Time from one poll's start to the next one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) interval: Duration,
    pub(crate) set_by: PaceSetter,
}

/// What the pace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaceSetter {
    /// `--interval`.
    User,
    /// The plan's credits a minute.
    Minute,
    /// The plan's credits a day, spread evenly over what is left of it.
    Day,
}

impl Pace {
    pub(crate) fn of(demand: Demand, budget: Budget) -> Self {
        let paces = [
            (demand.interval, PaceSetter::User),
            (minute_pace(demand, budget), PaceSetter::Minute),
            (day_pace(demand, budget), PaceSetter::Day),
        ];
        // of equal ones the first: the user's wish is no restraint
        let (interval, set_by) = paces
            .into_iter()
            .reduce(|slowest, pace| if pace.0 > slowest.0 { pace } else { slowest })
            .unwrap_or(paces[0]);
        Self { interval, set_by }
    }
}

fn minute_pace(demand: Demand, budget: Budget) -> Duration {
    if all_polls_fit(demand, budget.left_this_minute) {
        return Duration::ZERO;
    }
    let credits = demand.credits_per_poll.max(1);
    match budget.plan.per_minute / credits {
        0 => MINUTE * credits.div_ceil(budget.plan.per_minute.max(1)),
        polls_per_minute => MINUTE / polls_per_minute,
    }
}

fn day_pace(demand: Demand, budget: Budget) -> Duration {
    match budget.left_today {
        Some(left_today) if !all_polls_fit(demand, left_today) => {
            let polls_today = left_today / demand.credits_per_poll.max(1);
            budget.until_midnight / polls_today.max(1)
        }
        _ => Duration::ZERO,
    }
}

fn all_polls_fit(demand: Demand, credits: u32) -> bool {
    demand
        .polls_left
        .is_some_and(|polls| polls.saturating_mul(demand.credits_per_poll.into()) <= credits.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(interval: u64, symbols: u32, polls_left: Option<u64>, plan: Plan) -> (u64, PaceSetter) {
        let demand = Demand {
            interval: Duration::from_secs(interval),
            credits_per_poll: symbols,
            polls_left,
        };
        let budget = Budget {
            plan,
            left_this_minute: plan.per_minute,
            left_today: plan.per_day,
            until_midnight: Duration::from_hours(24),
        };
        let pace = Pace::of(demand, budget);
        (pace.interval.as_secs(), pace.set_by)
    }

    const GROW: Plan = Plan {
        per_minute: 377,
        per_day: None,
    };

    #[test]
    fn the_interval_holds_where_the_plan_has_the_credits() {
        assert_eq!(pace(10, 2, None, GROW), (10, PaceSetter::User));
        assert_eq!(pace(60, 377, None, GROW), (60, PaceSetter::User));
        assert_eq!(pace(600, 2, None, Plan::BASIC), (600, PaceSetter::User));
    }

    #[test]
    fn a_minutes_credits_are_spread_over_the_minute() {
        assert_eq!(pace(10, 100, None, GROW), (20, PaceSetter::Minute));
        assert_eq!(pace(0, 120, None, GROW), (20, PaceSetter::Minute));
        assert_eq!(pace(10, 378, None, GROW), (120, PaceSetter::Minute));
    }

    #[test]
    fn without_an_end_the_days_credits_are_spread_over_the_day() {
        assert_eq!(pace(10, 2, None, Plan::BASIC), (216, PaceSetter::Day));
        assert_eq!(pace(10, 8, None, Plan::BASIC), (864, PaceSetter::Day));
    }

    #[test]
    fn samples_that_fit_in_the_day_go_at_the_minutes_pace() {
        assert_eq!(pace(10, 2, Some(400), Plan::BASIC), (15, PaceSetter::Minute));
        assert_eq!(pace(10, 2, Some(401), Plan::BASIC), (216, PaceSetter::Day));
    }

    #[test]
    fn samples_that_fit_in_the_minute_go_as_asked() {
        assert_eq!(pace(0, 2, Some(4), Plan::BASIC), (0, PaceSetter::User));
        assert_eq!(pace(0, 2, Some(5), Plan::BASIC), (15, PaceSetter::Minute));
    }

    #[test]
    fn a_day_without_credits_is_waited_out() {
        let demand = Demand {
            interval: Duration::ZERO,
            credits_per_poll: 3,
            polls_left: None,
        };
        let budget = Budget {
            plan: Plan::BASIC,
            left_this_minute: 8,
            left_today: Some(2),
            until_midnight: Duration::from_secs(1000),
        };
        assert_eq!(Pace::of(demand, budget).interval, Duration::from_secs(1000));
    }
}
