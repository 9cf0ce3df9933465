//! When the next call is due.

use core::time::Duration;

use crate::{Account, Demand, Moment, PaceSetter, Reservation, Wait, WaitReason};

/// What was missed of the minute's credits may be caught up with for so long: the window sees to the rest.
const CAUGHT_UP: Duration = Duration::from_secs(5);

/// Rounds of calls. A round asks for each symbol once, by one call or several.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// When the next call is due.
    pub(crate) due: Duration,
    /// When the round that is under way was due.
    pub(crate) round_due: Option<Duration>,
}

impl Schedule {
    /// The first call is due now.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self {
            due: now.monotonic,
            round_due: None,
        }
    }

    /// Takes the credits of the round's next call, up to `most`, if it is due; the reservation's size is the
    /// number of symbols to ask for.
    ///
    /// # Errors
    ///
    /// The [`Wait`], after which to ask again.
    pub fn next_call(
        &mut self,
        account: &mut Account,
        demand: &Demand,
        most: u32,
        now: Moment,
    ) -> Result<Reservation, Wait> {
        if now.monotonic < self.due {
            return Err(Wait {
                reason: WaitReason::Pace,
                wait: self.due.saturating_sub(now.monotonic),
            });
        }
        let want = account.pace(demand, now).whole_call(demand);
        let reservation = account.reserve_up_to(want.min(most), demand.kept_back, now)?;
        self.sent(account, demand, reservation.credits(), now);
        Ok(reservation)
    }

    fn sent(&mut self, account: &Account, demand: &Demand, credits: u32, now: Moment) {
        let after = demand.after(credits);
        let pace = account.pace(&after, now);
        let now = now.monotonic;
        let due = match pace.set_by {
            PaceSetter::Minute => self.due.max(now.saturating_sub(CAUGHT_UP)),
            // a little late is no delay of all that follows; more than that is not made up
            PaceSetter::User if now.saturating_sub(self.due) < pace.round => self.due,
            // what was not spent is spread over the rest of the day
            PaceSetter::User | PaceSetter::Day => now,
        };
        let round_due = *self.round_due.get_or_insert(due);
        let next = due.saturating_add(pace.credit * credits);
        let is_round_over = credits >= demand.rest();
        if is_round_over {
            self.round_due = (after.asked > 0).then_some(due);
        }
        self.due = if is_round_over && !pace.is_continuous {
            round_due.saturating_add(pace.round).max(now)
        } else {
            next
        };
    }

    /// The call failed and is to be tried again after `delay`, whatever the round's pace.
    pub fn try_again(&mut self, delay: Duration, now: Moment) {
        self.due = now.monotonic.saturating_add(delay);
    }

    /// Until the next call is due.
    #[must_use]
    pub fn due_in(&self, now: Moment) -> Duration {
        self.due.saturating_sub(now.monotonic)
    }

    /// The next call is due no later than so: what was known when it was set has changed.
    pub fn hasten(&mut self, within: Duration, now: Moment) {
        self.due = self.due.min(now.monotonic.saturating_add(within));
    }
}
