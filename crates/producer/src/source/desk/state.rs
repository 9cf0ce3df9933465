//! The desk as it outlives the process.

use std::collections::BTreeMap;

use credit_account::{Account, AccountState, Moment, Schedule, ScheduleState};
use serde::{Deserialize, Serialize};

use super::{Desk, Orders, Round};
use crate::source::agenda::RefusalState;
use crate::source::hours::HoursState;

/// What is kept before each call and after each reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeskState {
    account: AccountState,
    schedule: ScheduleState,
    /// The round that is under way: those that it has still to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    round: Option<RoundState>,
    /// Symbols that the vendor refuses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    refused: BTreeMap<String, RefusalState>,
    #[serde(default)]
    hours: HoursState,
    /// Of a run that has an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    samples: Option<SamplesState>,
}

/// How far a run with an end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SamplesState {
    /// Of what was asked for, as other samples of other symbols begin anew.
    orders_check: u32,
    /// Samples that are wholly in Kafka.
    in_kafka: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RoundState {
    members: usize,
    left: Vec<String>,
    /// How many were asked for, where all stand in line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_in_line: Option<usize>,
}

impl Desk {
    pub(in crate::source) fn state(&self, now: Moment) -> DeskState {
        let round = self.round.map(|round| RoundState {
            members: round.members,
            left: self.agenda.names_left_of_round().collect(),
            asked_in_line: round.asked_in_line,
        });
        DeskState {
            account: self.account.state(now),
            schedule: self.schedule.state(now),
            round,
            refused: self.agenda.refusal_states(now.monotonic),
            hours: self.hours.state(self.agenda.instruments(), now.monotonic),
            samples: self.samples.map(|_| SamplesState {
                orders_check: self.orders_check,
                in_kafka: self.polls_in_kafka,
            }),
        }
    }

    /// Goes on where another process ended.
    pub(in crate::source) fn restore(orders: Orders, state: &DeskState, now: Moment) -> Self {
        let age = state.account.age(now);
        let mut desk = Self::new(orders, now);
        desk.account = Account::restore(&state.account, now);
        desk.schedule = Schedule::restore(state.schedule, &state.account, now);
        desk.agenda.restore(&state.refused, age, now.monotonic);
        desk.hours
            .restore(&state.hours, desk.agenda.instruments(), age, now.monotonic);
        if let Some(samples) = state.samples
            && desk.samples.is_some()
            && samples.orders_check == desk.orders_check
        {
            desk.counts.polls = samples.in_kafka;
            desk.polls_in_kafka = samples.in_kafka;
        }
        if let Some(round) = &state.round {
            let left = desk.agenda.resume_round(&round.left);
            if left > 0 {
                desk.round = Some(Round {
                    members: round.members.max(left),
                    quotes: 0,
                    asked_in_line: round.asked_in_line,
                });
            }
        }
        desk
    }

    /// Begins where another process ended whose state is lost: nothing is spent for a minute.
    pub(in crate::source) fn of_unknown_use(orders: Orders, now: Moment) -> Self {
        Self {
            account: Account::of_unknown_use(now),
            ..Self::new(orders, now)
        }
    }

    /// Whether what is kept must survive a loss of power: a day's credits, not a minute's.
    pub(in crate::source) fn has_credits_of_a_day(&self) -> bool {
        self.account.plan().per_day.is_some()
    }
}
