//! When a refusal is final. Pure.

use std::time::Duration;

use twelve_data::SymbolError;

use crate::Error;
use crate::source::agenda::Agenda;

/// A refusal is final only after so many in a row.
const LEAST_TIMES: u32 = 3;

/// Weighs refusals in the vendor's own words. Final is one that came again and again for as long as the user has
/// patience, before anything was ever answered; what was answered once may be answered again, so from then on
/// nothing is final.
#[derive(Debug)]
pub(crate) struct Patience {
    give_up_after: Duration,
    /// Whether a quote came.
    is_proven: bool,
    /// The refusal of all calls that holds now.
    refused: Option<Refused>,
}

#[derive(Clone, Debug)]
struct Refused {
    what: What,
    since: Duration,
    times: u32,
}

/// What the vendor refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Key,
    Endpoint(&'static str),
}

impl Patience {
    pub(crate) fn new(give_up_after: Duration) -> Self {
        Self {
            give_up_after,
            is_proven: false,
            refused: None,
        }
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.is_proven
    }

    /// Whether the vendor refuses all calls at present.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// A quote came.
    pub(crate) fn answered(&mut self) {
        self.is_proven = true;
        self.refused = None;
    }

    /// Something else came than this refusal.
    pub(crate) fn interrupted(&mut self) {
        self.refused = None;
    }

    /// The vendor refuses a call. Gives the error if that is final.
    pub(crate) fn refused(&mut self, what: What, message: &str, now: Duration) -> Option<Error> {
        let refused = match self.refused.take().filter(|before| before.what == what) {
            Some(before) => Refused {
                times: before.times.saturating_add(1),
                ..before
            },
            None => Refused {
                what,
                since: now,
                times: 1,
            },
        };
        let is_final = self.is_final(refused.since, refused.times, now);
        let message = message.to_owned();
        let error = is_final.then(|| match refused.what {
            What::Key => Error::KeyRefused { message },
            What::Endpoint(endpoint) => Error::EndpointRefused { endpoint, message },
        });
        self.refused = Some(refused);
        error
    }

    /// The vendor refused one more symbol. Gives the error if it refuses all of them for good.
    pub(crate) fn symbols_refused(
        &self,
        agenda: &Agenda,
        endpoint: &'static str,
        now: Duration,
    ) -> Option<Error> {
        if agenda.good().next().is_some() {
            return None;
        }
        let is_final = |since, times| self.is_final(since, times, now);
        let mut refused = agenda.refused();
        let all_final =
            refused.all(|(_, refusal)| refusal.error.is_lasting() && is_final(refusal.since, refusal.times));
        if !all_final {
            return None;
        }
        let reasons: Vec<_> = agenda
            .refused()
            .map(|(instrument, refusal)| format!("{instrument}: {}", refusal.error))
            .collect();
        let is_all_403 = agenda.refused().all(|(_, refusal)| {
            matches!(&refusal.error, SymbolError::NotInPlan(error) | SymbolError::Refused(error) if error.code == 403)
        });
        Some(match reasons.first() {
            Some(first) if is_all_403 => Error::EndpointRefused {
                endpoint,
                message: first.clone(),
            },
            _ => Error::NoUsableSymbol { reasons },
        })
    }

    fn is_final(&self, since: Duration, times: u32, now: Duration) -> bool {
        !self.is_proven && times >= LEAST_TIMES && now.saturating_sub(since) >= self.give_up_after
    }
}

#[cfg(test)]
mod tests {
    use twelve_data::ApiError;

    use super::*;
    use crate::source::agenda::Outcome;

    const LIMIT: Duration = Duration::from_mins(3);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_refusal_is_final_after_minutes_and_several_times() {
        let mut patience = Patience::new(LIMIT);
        assert!(patience.refused(What::Key, "x", at(0)).is_none());
        assert!(patience.refused(What::Key, "x", at(200)).is_none(), "twice only");
        let error = patience.refused(What::Key, "x", at(201));
        assert!(matches!(error, Some(Error::KeyRefused { .. })));

        let mut patience = Patience::new(LIMIT);
        for second in 0..180 {
            assert!(patience.refused(What::Key, "x", at(second)).is_none());
        }
        assert!(patience.refused(What::Key, "x", at(180)).is_some());
    }

    #[test]
    fn what_interrupts_a_refusal_begins_its_time_anew() {
        let mut patience = Patience::new(LIMIT);
        for second in 0..179 {
            assert!(patience.refused(What::Key, "x", at(second)).is_none());
        }
        patience.interrupted();
        for second in 179..300 {
            assert!(
                patience
                    .refused(What::Endpoint("price"), "x", at(second))
                    .is_none()
            );
        }
    }

    #[test]
    fn after_one_answer_nothing_is_final() {
        let mut patience = Patience::new(LIMIT);
        patience.answered();
        for hour in 0..100 {
            assert!(patience.refused(What::Key, "x", at(hour * 3600)).is_none());
        }
        assert!(patience.is_refused());
    }

    #[test]
    fn symbols_are_given_up_all_together_or_not_at_all() {
        let patience = Patience::new(LIMIT);
        let mut agenda = Agenda::new(vec!["A".parse().unwrap(), "B".parse().unwrap()]);
        let unknown = || {
            Outcome::Refused(SymbolError::Unknown(ApiError {
                code: 404,
                message: "x".to_owned(),
            }))
        };
        for second in [0, 100, 200] {
            agenda.note(0, unknown(), LIMIT, at(second));
        }
        assert!(patience.symbols_refused(&agenda, "price", at(200)).is_none());
        for second in [200, 300] {
            agenda.note(1, unknown(), LIMIT, at(second));
        }
        assert!(patience.symbols_refused(&agenda, "price", at(300)).is_none());
        agenda.note(1, unknown(), LIMIT, at(400));
        let error = patience.symbols_refused(&agenda, "price", at(400));
        assert!(matches!(error, Some(Error::NoUsableSymbol { reasons }) if reasons.len() == 2));
    }
}
