//! The desk: decides which call comes next and when, and takes what was answered. It sends nothing and waits for
//! nothing, so a week of it is simulated in a second.

mod state;
mod taking;
mod telling;

use std::num::NonZeroU64;
use std::time::Duration;

use credit_account::{Account, Demand, Moment, Pace, PaceSetter, Reservation, Schedule, Wait, WaitReason};
use twelve_data::{Endpoint, Instrument};

use super::Counts;
use super::agenda::{Agenda, Call};
use super::facts::Facts;
use super::hours::{Hours, Policy};
use super::outage::Outage;
use super::patience::Patience;
use super::troubles::Troubles;

/// Symbols that the vendor takes in one call.
const MAX_SYMBOLS_PER_CALL: usize = 120;

/// All the decimals that the vendor has; without it 0.00001234 comes as 0.00001.
const DECIMALS: &str = "11";

/// With nothing to do, the clocks are read again after so long.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(10);

/// What to poll, and how.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) endpoint: Endpoint,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) interval: Duration,
    /// Polls to do; without it there is no end.
    pub(crate) samples: Option<NonZeroU64>,
    pub(crate) market_hours: Policy,
    pub(crate) is_prepost: bool,
    /// For how long a refusal must last to be final.
    pub(crate) give_up_after: Duration,
}

/// All that is known of polls.
#[derive(Debug)]
pub(super) struct Desk {
    opened: Moment,
    endpoint: Endpoint,
    interval: Duration,
    samples: Option<NonZeroU64>,
    is_prepost: bool,
    give_up_after: Duration,
    account: Account,
    schedule: Schedule,
    agenda: Agenda,
    hours: Hours,
    patience: Patience,
    outage: Outage,
    troubles: Troubles,
    facts: Facts,
    round: Option<Round>,
    counts: Counts,
    /// Polls whose ticks are all in Kafka.
    polls_in_kafka: u64,
    orders_check: u32,
    /// No call before this, as the last one failed.
    paused_until: Duration,
    told_wait: Option<WaitReason>,
    told_pace: Option<Pace>,
}

/// The round that is under way.
#[derive(Clone, Copy, Debug)]
struct Round {
    members: usize,
    quotes: usize,
    /// How many were asked for, where rounds follow each other as fast as the minute's credits allow: whoever was asked for stands in
    /// line again, so that one call may end a round and begin the next one, and calls are not split for it.
    asked_in_line: Option<usize>,
}

/// A call that is due, its credits taken.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) ask: Ask,
    reservation: Reservation,
}

#[derive(Debug)]
pub(super) enum Ask {
    Usage,
    MarketState,
    Prices(Call),
}

impl Orders {
    /// Tells orders of samples from others.
    fn check(&self) -> u32 {
        let names = self.instruments.iter().map(ToString::to_string);
        let words = [self.endpoint.path().to_owned(), format!("{:?}", self.samples)];
        words.into_iter().chain(names).fold(0, |check, word| {
            crc32c::crc32c_append(check, format!("{word}\n").as_bytes())
        })
    }
}

impl Desk {
    pub(super) fn new(orders: Orders, now: Moment) -> Self {
        let members = orders.instruments.len();
        let orders_check = orders.check();
        Self {
            opened: now,
            endpoint: orders.endpoint,
            interval: orders.interval,
            samples: orders.samples,
            is_prepost: orders.is_prepost,
            give_up_after: orders.give_up_after,
            account: Account::new(now),
            schedule: Schedule::new(now),
            hours: Hours::new(members, orders.market_hours, orders.is_prepost),
            agenda: Agenda::new(orders.instruments),
            patience: Patience::new(orders.give_up_after),
            outage: Outage::default(),
            troubles: Troubles::default(),
            facts: Facts::default(),
            round: None,
            counts: Counts::default(),
            polls_in_kafka: 0,
            orders_check,
            paused_until: Duration::ZERO,
            told_wait: None,
            told_pace: None,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            oddities: self.facts.counts(),
            ..self.counts
        }
    }

    /// All ticks of the polls so far are in Kafka.
    pub(super) fn all_in_kafka(&mut self) {
        self.polls_in_kafka = self.counts.polls;
    }

    /// Whether the last sample is there.
    pub(super) fn is_done(&self) -> bool {
        self.samples
            .is_some_and(|samples| self.counts.polls >= samples.get())
    }

    /// Whether no quote is there although no operator is needed: the vendor has no credits for one at present, or
    /// it refused nothing for so long that it is the vendor's trouble.
    pub(super) fn needs_no_operator(&self, now: Moment) -> bool {
        let at = now.monotonic;
        let is_long_ago = at.saturating_sub(self.opened.monotonic) >= self.give_up_after
            && !self.patience.is_refused()
            && self.agenda.good().next().is_some();
        self.account.refused_for(at).is_some() || is_long_ago
    }

    /// The path and the query of a call.
    pub(super) fn request(&self, ask: &Ask) -> (&'static str, Vec<(&'static str, String)>) {
        let call = match ask {
            Ask::Usage => return ("api_usage", Vec::new()),
            Ask::MarketState => return ("market_state", Vec::new()),
            Ask::Prices(call) => call,
        };
        let instruments = call.members.iter().map(|member| self.agenda.instrument(*member));
        let symbols: Vec<_> = instruments
            .clone()
            .map(|instrument| instrument.symbol.as_str())
            .collect();
        let mut query = vec![("symbol", symbols.join(",")), ("dp", DECIMALS.to_owned())];
        let parameters = instruments
            .take(1)
            .flat_map(|instrument| instrument.filter.parameters());
        query.extend(parameters.map(|(name, value)| (name, value.to_owned())));
        if self.is_prepost {
            query.push(("prepost", "true".to_owned()));
        }
        (call.endpoint.path(), query)
    }

    /// The next call if one is due, or how long to wait for one.
    pub(super) fn task_at(&mut self, now: Moment) -> Result<Task, Wait> {
        if now.monotonic < self.paused_until {
            return Err(until(self.paused_until, WaitReason::Pace, now));
        }
        if self.account.is_usage_due(now) {
            return Ok(Task {
                ask: Ask::Usage,
                reservation: self.account.reserve_usage(now)?,
            });
        }
        if self.hours.ask_due().is_some_and(|due| due <= now.monotonic) {
            let reservation = self.account.reserve(1, now)?;
            self.hours.asked(now);
            return Ok(Task {
                ask: Ask::MarketState,
                reservation,
            });
        }
        if let Some(size) = self.agenda.errand_due(now.monotonic) {
            let reservation = self.account.reserve_up_to(credits(size), 0, now)?;
            if let Some(call) = self
                .agenda
                .next_errand(self.endpoint, at_most(&reservation), now.monotonic)
            {
                return Ok(Task {
                    ask: Ask::Prices(call),
                    reservation,
                });
            }
            self.account.unsend(reservation);
        }
        self.round_call(now)
    }

    /// The round's next call, or how long to wait for one.
    fn round_call(&mut self, now: Moment) -> Result<Task, Wait> {
        let wait = self.schedule.due_in(now);
        if self.round.is_none() && wait.is_zero() {
            let members: Vec<_> = self
                .agenda
                .good()
                .filter(|member| self.hours.wants(*member, now))
                .collect();
            if !members.is_empty() {
                self.round = Some(Round {
                    members: members.len(),
                    quotes: 0,
                    asked_in_line: None,
                });
                // in the order in which they stand, where some do
                self.agenda.line_up(&members);
            }
        }
        let demand = self.demand(now);
        self.form_line(&demand, now);
        let (hours, endpoint) = (&self.hours, self.endpoint);
        let endpoint_for = |member| hours.endpoint_for(member, endpoint, now);
        let most = self.agenda.together(endpoint_for).min(MAX_SYMBOLS_PER_CALL);
        if most > 0 {
            let next = self
                .schedule
                .next_call(&mut self.account, &demand, credits(most), now);
            let refused = match next {
                Ok(reservation) => {
                    if let Some(call) = self.agenda.next_of_round(at_most(&reservation), endpoint_for) {
                        if let Some(asked) =
                            self.round.as_mut().and_then(|round| round.asked_in_line.as_mut())
                        {
                            *asked += call.members.len();
                            self.agenda.stand_again(&call);
                        }
                        self.tell_pace(&demand, now);
                        return Ok(Task {
                            ask: Ask::Prices(call),
                            reservation,
                        });
                    }
                    self.account.unsend(reservation);
                    until(now.monotonic + MAX_WAIT, WaitReason::Pace, now)
                }
                Err(wait) => wait,
            };
            return Err(self.or_sooner(refused, now));
        }
        let next = Wait {
            reason: WaitReason::Pace,
            // all rest or are refused: something else comes first
            wait: if wait.is_zero() { MAX_WAIT } else { wait },
        };
        Err(self.or_sooner(next, now))
    }

    /// The wait, or what comes before its end.
    fn or_sooner(&self, wait: Wait, now: Moment) -> Wait {
        let sooner = [self.agenda.next_retry(), self.hours.next_turn(now)]
            .into_iter()
            .flatten()
            .map(|at| at.saturating_sub(now.monotonic))
            .filter(|sooner| !sooner.is_zero() && *sooner < wait.wait)
            .min();
        sooner.map_or(wait, |wait| Wait {
            reason: WaitReason::Pace,
            wait,
        })
    }

    fn demand(&self, now: Moment) -> Demand {
        let until_midnight = self.account.until_midnight(now);
        let members = self.round.map_or_else(
            || {
                self.agenda
                    .good()
                    .filter(|member| self.hours.wants(*member, now))
                    .count()
            },
            |round| round.members,
        );
        let left = self.left_of_round();
        Demand {
            interval: self.interval,
            symbols: credits(members),
            asked: credits(self.round.map_or(0, |round| round.members.saturating_sub(left))),
            rounds_left: self
                .samples
                .map(|samples| samples.get().saturating_sub(self.counts.polls)),
            open_time: self.hours.open_time(self.agenda.good(), until_midnight, now),
            kept_back: self.hours.asks_within(until_midnight, now),
        }
    }

    fn left_of_round(&self) -> usize {
        match self.round {
            Some(Round {
                members,
                asked_in_line: Some(asked),
                ..
            }) => members.saturating_sub(asked),
            _ => self.agenda.left_of_round(),
        }
    }

    /// Has the round's symbols stand in line, or no longer, as its pace is.
    fn form_line(&mut self, demand: &Demand, now: Moment) {
        let is_line = self.samples.is_none() && self.account.pace(demand, now).set_by == PaceSetter::Minute;
        let left = self.left_of_round();
        let Some(round) = &mut self.round else {
            return;
        };
        match round.asked_in_line {
            None if is_line => {
                round.asked_in_line = Some(round.members.saturating_sub(left));
                let hours = &self.hours;
                let members: Vec<_> = self
                    .agenda
                    .good()
                    .filter(|member| hours.wants(*member, now))
                    .collect();
                self.agenda.line_up(&members);
            }
            Some(_) if !is_line => {
                round.asked_in_line = None;
                self.agenda.cut_line(left);
                self.conclude_round();
            }
            _ => {}
        }
    }

    /// Counts the round once nothing of it is left.
    fn conclude_round(&mut self) {
        if let Some(round) = self.round
            && self.left_of_round() == 0
            && !self.agenda.has_halves()
        {
            self.round = None;
            if round.quotes > 0 {
                self.counts.polls += 1;
            } else {
                self.counts.failed_polls += 1;
            }
        }
    }

    /// The longest wait for what fails but may pass: no longer than from one round to the next.
    fn wait_max(&self, now: Moment) -> Duration {
        self.account.pace(&self.demand(now), now).round
    }
}

fn until(at: Duration, reason: WaitReason, now: Moment) -> Wait {
    Wait {
        reason,
        wait: at.saturating_sub(now.monotonic),
    }
}

fn credits(symbols: usize) -> u32 {
    u32::try_from(symbols).unwrap_or(u32::MAX)
}

fn at_most(reservation: &Reservation) -> usize {
    usize::try_from(reservation.credits()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod restarts;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
