//! What to ask for next. Pure: the time comes in as a value, and what was answered too.
//!
//! Symbols that are answered stand in rounds, many to a call. One that is refused leaves them and is asked for
//! alone, at intervals that double: a refusal that passes costs seconds, one that stays a credit a day. Where the
//! vendor refuses a call for one symbol in it without saying which, the call is asked again in halves.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use twelve_data::{ApiError, Endpoint, Instrument, SymbolError};

/// First wait before a refused symbol is asked for again; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait for a symbol that the vendor does not know or have in the plan.
const LASTING_WAIT_MAX: Duration = Duration::from_hours(24);

/// Position of an instrument in the list that was given.
pub(crate) type Member = usize;

/// One call that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) members: Vec<Member>,
    pub(crate) errand: Errand,
}

/// Why a call is made, which decides when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Part of the round, at its pace.
    Round,
    /// Half of a call that was refused as a whole.
    Half,
    /// A symbol that was refused, to see whether it still is.
    Retry,
}

/// What came of one member of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered,
    Refused(SymbolError),
    /// Nothing was said of it, and it is to be asked for again in this round.
    Unanswered,
}

#[derive(Debug)]
pub(crate) struct Agenda {
    instruments: Vec<Instrument>,
    standings: Vec<Standing>,
    /// Members that the round has still to ask for.
    round: VecDeque<Member>,
    halves: VecDeque<Call>,
}

/// How the vendor takes a symbol.
#[derive(Clone, Debug, Default)]
enum Standing {
    /// Answered, or never asked for.
    #[default]
    Good,
    Refused(Refusal),
}

/// A symbol without a quote.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) error: SymbolError,
    pub(crate) since: Duration,
    pub(crate) times: u32,
    due: Duration,
}

/// A refusal that lasts, to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefusalState {
    kind: RefusalKind,
    code: u16,
    message: String,
    times: u32,
    due_in_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefusalKind {
    Unknown,
    NotInPlan,
    Refused,
}

impl Agenda {
    pub(crate) fn new(instruments: Vec<Instrument>) -> Self {
        Self {
            standings: vec![Standing::default(); instruments.len()],
            instruments,
            round: VecDeque::new(),
            halves: VecDeque::new(),
        }
    }

    pub(crate) fn instrument(&self, member: Member) -> &Instrument {
        &self.instruments[member]
    }

    pub(crate) fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Members that stand in rounds.
    pub(crate) fn good(&self) -> impl Iterator<Item = Member> {
        let standings = self.standings.iter().enumerate();
        standings.filter_map(|(member, standing)| matches!(standing, Standing::Good).then_some(member))
    }

    /// Members that are refused, and how.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&Instrument, &Refusal)> {
        let standings = self.instruments.iter().zip(&self.standings);
        standings.filter_map(|(instrument, standing)| match standing {
            Standing::Good => None,
            Standing::Refused(refusal) => Some((instrument, refusal)),
        })
    }

    /// Whoever of these does not stand in line does so now, after the others; whoever is none of them leaves it.
    pub(crate) fn line_up(&mut self, members: &[Member]) {
        self.round.retain(|member| members.contains(member));
        for member in members {
            if !self.round.contains(member) {
                self.round.push_back(*member);
            }
        }
    }

    /// Those of the call stand in line again.
    pub(crate) fn stand_again(&mut self, call: &Call) {
        for member in &call.members {
            self.stand_in_line(*member);
        }
    }

    /// Only the first ones stay in line.
    pub(crate) fn cut_line(&mut self, length: usize) {
        self.round.truncate(length);
    }

    /// Members that the round has still to ask for.
    pub(crate) fn left_of_round(&self) -> usize {
        self.round.len()
    }

    /// Symbols that the round has still to ask for.
    pub(crate) fn names_left_of_round(&self) -> impl Iterator<Item = String> {
        self.round
            .iter()
            .map(|member| self.instruments[*member].to_string())
    }

    /// Goes on with a round of which these symbols are left; tells how many of them there are.
    pub(crate) fn resume_round(&mut self, left: &[String]) -> usize {
        let members = left.iter().filter_map(|name| self.member(name));
        self.round = members.collect();
        self.round.len()
    }

    fn member(&self, name: &str) -> Option<Member> {
        let is_named = |instrument: &Instrument| instrument.to_string() == name;
        self.instruments.iter().position(is_named)
    }

    /// The refusals that last, to be kept.
    pub(crate) fn refusal_states(&self, now: Duration) -> BTreeMap<String, RefusalState> {
        let states = self.refused().filter_map(|(instrument, refusal)| {
            let (kind, error) = match &refusal.error {
                SymbolError::Unknown(error) => (RefusalKind::Unknown, error),
                SymbolError::NotInPlan(error) => (RefusalKind::NotInPlan, error),
                SymbolError::Refused(error) => (RefusalKind::Refused, error),
                _ => return None,
            };
            let due_in = refusal.due.saturating_sub(now);
            let state = RefusalState {
                kind,
                code: error.code,
                message: error.message.clone(),
                times: refusal.times,
                due_in_ms: u64::try_from(due_in.as_millis()).unwrap_or(u64::MAX),
            };
            Some((instrument.to_string(), state))
        });
        states.collect()
    }

    /// Takes the refusals that another process met with, `age` ago.
    pub(crate) fn restore(&mut self, refused: &BTreeMap<String, RefusalState>, age: Duration, now: Duration) {
        for (name, state) in refused {
            let Some(member) = self.member(name) else {
                continue;
            };
            let error = ApiError {
                code: state.code,
                message: state.message.clone(),
            };
            let due_in = Duration::from_millis(state.due_in_ms).min(LASTING_WAIT_MAX);
            self.standings[member] = Standing::Refused(Refusal {
                error: match state.kind {
                    RefusalKind::Unknown => SymbolError::Unknown(error),
                    RefusalKind::NotInPlan => SymbolError::NotInPlan(error),
                    RefusalKind::Refused => SymbolError::Refused(error),
                },
                // this process gives up no sooner for what another one met with
                since: now,
                times: state.times,
                due: now + due_in.saturating_sub(age),
            });
        }
    }

    /// How many symbols the next call outside of the round has, if one is due.
    pub(crate) fn errand_due(&self, now: Duration) -> Option<usize> {
        match self.halves.front() {
            Some(half) => Some(half.members.len()),
            None => self.refused().any(|(_, refusal)| refusal.due <= now).then_some(1),
        }
    }

    /// The next call outside of the round, if one is due, of at most so many symbols.
    pub(crate) fn next_errand(&mut self, endpoint: Endpoint, most: usize, now: Duration) -> Option<Call> {
        if let Some(half) = self.halves.front_mut() {
            let rest = half.members.split_off(most.min(half.members.len()));
            let members = std::mem::replace(&mut half.members, rest);
            let call = Call {
                members,
                ..half.clone()
            };
            if half.members.is_empty() {
                self.halves.pop_front();
            }
            return Some(call);
        }
        let member = self.standings.iter().position(|standing| match standing {
            Standing::Good => false,
            Standing::Refused(refusal) => refusal.due <= now,
        })?;
        if let Some(Standing::Refused(refusal)) = self.standings.get_mut(member) {
            // should the call fail, it is not made again at once
            refusal.due = now + wait_after(refusal.times);
        }
        Some(Call {
            endpoint,
            members: vec![member],
            errand: Errand::Retry,
        })
    }

    /// Whether parts of a call that was refused as a whole are still to be asked for.
    pub(crate) fn has_halves(&self) -> bool {
        !self.halves.is_empty()
    }

    /// When the next refused symbol is to be asked for again.
    pub(crate) fn next_retry(&self) -> Option<Duration> {
        self.refused().map(|(_, refusal)| refusal.due).min()
    }

    /// Of how many members the round's next call may be.
    pub(crate) fn together(&self, endpoint: impl Fn(Member) -> Endpoint) -> usize {
        self.next_members(usize::MAX, &endpoint).len()
    }

    fn next_members(&self, most: usize, endpoint: &impl Fn(Member) -> Endpoint) -> Vec<Member> {
        let Some(first) = self.round.front().copied() else {
            return Vec::new();
        };
        let (filter, asked_at) = (&self.instruments[first].filter, endpoint(first));
        let is_together =
            |member: &Member| self.instruments[*member].filter == *filter && endpoint(*member) == asked_at;
        self.round
            .iter()
            .copied()
            .filter(is_together)
            .take(most)
            .collect()
    }

    /// The round's next call, of at most so many members that can be asked for together.
    pub(crate) fn next_of_round(
        &mut self,
        most: usize,
        endpoint: impl Fn(Member) -> Endpoint,
    ) -> Option<Call> {
        let members = self.next_members(most, &endpoint);
        let endpoint = endpoint(*members.first()?);
        self.round.retain(|member| !members.contains(member));
        Some(Call {
            endpoint,
            members,
            errand: Errand::Round,
        })
    }

    /// The vendor refused the whole call for its symbols. Tells whether it was for one alone, who is refused now.
    pub(crate) fn call_refused(
        &mut self,
        call: &Call,
        error: SymbolError,
        wait_max: Duration,
        now: Duration,
    ) -> bool {
        if let [member] = call.members[..] {
            self.note(member, Outcome::Refused(error), wait_max, now);
            return true;
        }
        self.round.retain(|member| !call.members.contains(member));
        let (first, second) = call.members.split_at(call.members.len() / 2);
        for half in [first, second] {
            self.halves.push_back(Call {
                endpoint: call.endpoint,
                members: half.to_vec(),
                errand: Errand::Half,
            });
        }
        false
    }

    /// The call brought nothing, by no fault of its symbols: it is to be made again, after those that wait.
    pub(crate) fn call_failed(&mut self, call: Call) {
        match call.errand {
            Errand::Round => {
                for member in call.members {
                    self.stand_in_line(member);
                }
            }
            Errand::Half => self.halves.push_back(call),
            // it has its next time
            Errand::Retry => {}
        }
    }

    /// What a reply says of one member. A refusal that may pass has waits of `wait_max` at most.
    pub(crate) fn note(&mut self, member: Member, outcome: Outcome, wait_max: Duration, now: Duration) {
        let Some(standing) = self.standings.get_mut(member) else {
            return;
        };
        match outcome {
            Outcome::Answered => *standing = Standing::Good,
            Outcome::Unanswered => {
                if matches!(standing, Standing::Good) {
                    self.stand_in_line(member);
                }
            }
            Outcome::Refused(error) => {
                let (since, times) = match standing {
                    Standing::Good => (now, 1),
                    Standing::Refused(before) => (before.since, before.times.saturating_add(1)),
                };
                let wait_max = if error.is_lasting() {
                    LASTING_WAIT_MAX
                } else {
                    wait_max
                };
                let wait = wait_after(times).min(wait_max.max(FIRST_WAIT));
                *standing = Standing::Refused(Refusal {
                    error,
                    since,
                    times,
                    due: now + wait,
                });
                self.round.retain(|other| *other != member);
            }
        }
    }

    fn stand_in_line(&mut self, member: Member) {
        if !self.round.contains(&member) {
            self.round.push_back(member);
        }
    }
}

/// The wait after so many refusals in a row.
fn wait_after(times: u32) -> Duration {
    let doublings = times.saturating_sub(1).min(20);
    (FIRST_WAIT * (1 << doublings)).min(LASTING_WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use twelve_data::ApiError;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn unknown() -> SymbolError {
        SymbolError::Unknown(ApiError {
            code: 404,
            message: "**symbol** is missing or invalid".to_owned(),
        })
    }

    fn agenda(symbols: usize) -> Agenda {
        let instruments = (0..symbols).map(|at| format!("S{at}").parse().unwrap());
        Agenda::new(instruments.collect())
    }

    /// One round against a vendor that refuses each call that holds one of `bad`. Gives who was answered, and how
    /// many symbols were asked for.
    fn round(agenda: &mut Agenda, bad: &BTreeSet<Member>, now: Duration) -> (BTreeSet<Member>, usize) {
        let good: Vec<_> = agenda.good().collect();
        agenda.line_up(&good);
        let (mut answered, mut asked) = (BTreeSet::new(), 0);
        loop {
            let next = agenda.next_errand(Endpoint::Price, 120, now);
            let Some(call) = next.or_else(|| agenda.next_of_round(120, |_| Endpoint::Price)) else {
                return (answered, asked);
            };
            asked += call.members.len();
            if call.members.iter().any(|member| bad.contains(member)) {
                agenda.call_refused(&call, unknown(), INTERVAL, now);
            } else {
                for member in call.members {
                    agenda.note(member, Outcome::Answered, INTERVAL, now);
                    answered.insert(member);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn whoever_is_good_is_answered_however_many_are_bad(
            symbols in 1_usize..150,
            bad in proptest::collection::btree_set(0_usize..150, 0..8),
        ) {
            let bad: BTreeSet<_> = bad.into_iter().filter(|member| *member < symbols).collect();
            let mut agenda = agenda(symbols);
            let good: BTreeSet<_> = (0..symbols).filter(|member| !bad.contains(member)).collect();
            let (answered, asked) = round(&mut agenda, &bad, Duration::ZERO);
            prop_assert_eq!(&answered, &good);
            prop_assert!(asked <= symbols * (1 + bad.len() * 2) + 8 * bad.len(), "{} asked for", asked);
            // from then on the good ones cost what they would alone
            let (answered, asked) = round(&mut agenda, &bad, Duration::from_millis(500));
            prop_assert_eq!(&answered, &good);
            prop_assert_eq!(asked, good.len());
        }
    }

    #[test]
    fn a_symbol_that_never_answers_costs_a_credit_a_day_in_the_end() {
        let mut agenda = agenda(1);
        agenda.note(0, Outcome::Refused(unknown()), INTERVAL, Duration::ZERO);
        let mut asked = Vec::new();
        while let Some(due) = agenda
            .next_retry()
            .filter(|due| *due < Duration::from_hours(24 * 7))
        {
            assert_eq!(
                agenda.next_errand(Endpoint::Price, 1, due.saturating_sub(Duration::from_millis(1))),
                None
            );
            let call = agenda.next_errand(Endpoint::Price, 1, due).unwrap();
            assert!(agenda.call_refused(&call, unknown(), INTERVAL, due));
            asked.push(due.as_secs());
        }
        assert_eq!(asked[..5], [1, 3, 7, 15, 31]);
        assert!(
            asked.iter().filter(|at| **at > 2 * 86_400).count() <= 5,
            "{asked:?}"
        );
    }

    #[test]
    fn what_passes_is_seen_to_pass_within_the_interval() {
        let mut agenda = agenda(2);
        for second in 0..60 {
            agenda.note(
                1,
                Outcome::Refused(SymbolError::Missing),
                INTERVAL,
                Duration::from_secs(second),
            );
        }
        assert!(agenda.next_retry().unwrap() <= Duration::from_secs(59) + INTERVAL);
        assert_eq!(agenda.good().collect::<Vec<_>>(), [0]);
        let call = agenda
            .next_errand(Endpoint::Price, 1, Duration::from_mins(3))
            .unwrap();
        agenda.note(
            call.members[0],
            Outcome::Answered,
            INTERVAL,
            Duration::from_mins(3),
        );
        assert_eq!(agenda.good().count(), 2);
        assert_eq!(agenda.next_retry(), None);
    }

    #[test]
    fn a_failed_call_is_made_again_after_those_that_wait() {
        let mut agenda = agenda(4);
        agenda.line_up(&[0, 1, 2, 3]);
        let failed = agenda.next_of_round(2, |_| Endpoint::Price).unwrap();
        agenda.call_failed(failed);
        let next = agenda.next_of_round(2, |_| Endpoint::Price).unwrap();
        assert_eq!(next.members, [2, 3]);
        assert_eq!(
            agenda.next_of_round(9, |_| Endpoint::Price).unwrap().members,
            [0, 1]
        );
        assert_eq!(agenda.left_of_round(), 0);
    }

    #[test]
    fn only_what_has_the_same_parameters_is_asked_for_together() {
        let instruments = ["A", "B;exchange=TSX", "C", "D;exchange=TSX"];
        let mut agenda = Agenda::new(instruments.map(|text| text.parse().unwrap()).to_vec());
        agenda.line_up(&[0, 1, 2, 3]);
        let endpoint = |member| {
            if member == 2 {
                Endpoint::Quote
            } else {
                Endpoint::Price
            }
        };
        let mut calls = Vec::new();
        while let Some(call) = agenda.next_of_round(9, endpoint) {
            calls.push(call.members);
        }
        assert_eq!(calls, [vec![0], vec![1, 3], vec![2]]);
    }
}
