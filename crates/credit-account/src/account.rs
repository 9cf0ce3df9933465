use core::time::Duration;

use jiff::Timestamp;
use twelve_data::{CreditHeaders, Exhausted, Usage};

use crate::day::{DAY, Days, Today, VendorClock};
use crate::minute::{GRAIN, Minute, PAST_WINDOW, WINDOW};
use crate::plan::PlanBook;
use crate::{Moment, Plan, PlanSource};

/// After a refusal for the minute: by then all that was counted before it is over, whichever minute the vendor
/// means.
const REFUSED_FOR: Duration = Duration::from_secs(61);

/// A refusal for the day so soon after midnight may speak of yesterday.
const DAY_IS_YOUNG: Duration = Duration::from_mins(10);

/// A call that takes longer is an exception, to which no pace is set.
const CALL_TIME_MAX: Duration = Duration::from_secs(1);

/// Keeps the credits. Knows no clock: each call is told the time.
#[derive(Debug)]
pub struct Account {
    pub(crate) book: PlanBook,
    pub(crate) minute: Minute,
    pub(crate) days: Days,
    pub(crate) vendor: VendorClock,
    pub(crate) refused: Option<RefusedUntil>,
    /// How long a call takes, on the average of the last ones.
    call_time: Duration,
    next_call: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RefusedUntil {
    pub(crate) of: Exhausted,
    pub(crate) at: Duration,
}

/// Credits that were taken for one call, to be given to [`Account::settle`] or [`Account::unsend`]. One that is
/// dropped counts as spent, and holds the minute's credits as a call without an end.
#[derive(Debug)]
#[must_use = "a reservation that is not settled holds its credits"]
pub struct Reservation {
    call: u64,
    credits: u32,
    sent: Duration,
    /// The days that it was counted in.
    days: Today,
}

impl Reservation {
    /// How many.
    #[must_use]
    pub fn credits(&self) -> u32 {
        self.credits
    }
}

/// What a reply says beside its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    /// The headers that count credits.
    pub credits: CreditHeaders,
    /// The header `Date`.
    pub date: Option<Timestamp>,
    /// The refusal, of the call or of an entry in it.
    pub refused: Option<Refused>,
}

/// A 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which allowance it speaks of.
    pub of: Exhausted,
    /// The limit that it states.
    pub limit: Option<u32>,
    /// The header `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// Why a call may not be sent yet, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Why.
    pub reason: WaitReason,
    /// How long; then to be asked again.
    pub wait: Duration,
}

/// Why a call may not be sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// It is not due.
    Pace,
    /// The last 60 s used the credits up.
    Minute,
    /// This UTC day used the credits up.
    Day,
    /// The vendor refused a call for want of the minute's credits.
    MinuteRefused,
    /// The vendor refused a call for want of the day's credits.
    DayRefused,
}

impl Account {
    /// An account of which nothing is known: the free plan's credits, until a reply tells more.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self::of(PlanBook::unknown(now.monotonic), now)
    }

    /// An account whose last minute is not known, as what was kept of it is lost: nothing is spent for a minute.
    #[must_use]
    pub fn of_unknown_use(now: Moment) -> Self {
        let mut account = Self::new(now);
        account.minute.count(Plan::FREE.per_minute, now.monotonic);
        account
    }

    pub(crate) fn of(book: PlanBook, now: Moment) -> Self {
        Self {
            book,
            minute: Minute::default(),
            days: Days::default(),
            vendor: VendorClock::unheard(now),
            refused: None,
            call_time: Duration::ZERO,
            next_call: 0,
        }
    }

    /// The plan as it is known.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.book.plan
    }

    /// How the plan is known.
    #[must_use]
    pub fn plan_source(&self) -> PlanSource {
        self.book.source
    }

    /// Whether `/api_usage` is to be asked before the next poll.
    #[must_use]
    pub fn is_usage_due(&self, now: Moment) -> bool {
        self.book.is_ask_due(now.monotonic) && self.refused_for(now.monotonic).is_none()
    }

    /// Takes the credit for a call of `/api_usage`, which is asked again later should this one never be answered.
    ///
    /// # Errors
    ///
    /// The [`Wait`], after which to ask again.
    pub fn reserve_usage(&mut self, now: Moment) -> Result<Reservation, Wait> {
        let reservation = self.reserve(1, now)?;
        self.book.asked(now.monotonic);
        Ok(reservation)
    }

    /// Takes exactly so many credits for a call, or says how long to wait.
    ///
    /// # Errors
    ///
    /// The [`Wait`], after which to ask again.
    pub fn reserve(&mut self, credits: u32, now: Moment) -> Result<Reservation, Wait> {
        self.reserve_between(credits, credits, 0, now)
    }

    /// Takes up to `want` credits for a call that can be split; of the day's, `kept_back` are left.
    ///
    /// # Errors
    ///
    /// The [`Wait`], after which to ask again.
    pub fn reserve_up_to(&mut self, want: u32, kept_back: u32, now: Moment) -> Result<Reservation, Wait> {
        self.reserve_between(1, want, kept_back, now)
    }

    fn reserve_between(
        &mut self,
        least: u32,
        want: u32,
        kept_back: u32,
        now: Moment,
    ) -> Result<Reservation, Wait> {
        self.forget_the_past(now);
        if let Some(wait) = self.refused_for(now.monotonic) {
            return Err(wait);
        }
        let today = self
            .left_today(now)
            .map_or(u32::MAX, |left| left.saturating_sub(kept_back));
        // the last credits of a day may be fewer than a call takes otherwise
        let least = if want > least {
            least.min(today.max(1))
        } else {
            least
        };
        if today < least {
            return Err(Wait {
                reason: WaitReason::Day,
                wait: self.vendor.until_midnight(now.monotonic),
            });
        }
        let per_minute = self.plan().per_minute;
        let credits = want.min(today).min(self.left_this_minute());
        if credits < least {
            return Err(Wait {
                reason: WaitReason::Minute,
                wait: self
                    .minute
                    .room_in(least.min(per_minute), per_minute, now.monotonic),
            });
        }
        Ok(self.take(credits, now))
    }

    fn take(&mut self, credits: u32, now: Moment) -> Reservation {
        let call = self.next_call;
        self.next_call += 1;
        self.minute.send(call, credits, now.monotonic);
        let days = self.vendor.days(now.monotonic);
        for day in days.iter() {
            self.days.add(day, credits);
        }
        Reservation {
            call,
            credits,
            sent: now.monotonic,
            days,
        }
    }

    /// The call ended, in whatever way: it counts as spent.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is given back once")]
    pub fn settle(&mut self, reservation: Reservation, heard: Heard, now: Moment) {
        let Reservation {
            call,
            credits,
            sent,
            days,
        } = reservation;
        self.minute.end(call, now.monotonic);
        let took = now.monotonic.saturating_sub(sent).min(CALL_TIME_MAX);
        self.call_time = (self.call_time * 7 + took) / 8;
        if let Some(date) = heard.date {
            self.vendor.hear(date, sent, now);
        }
        // sent yesterday and ended today, or the clock was wrong: counted by either
        for day in self.vendor.days(now.monotonic).iter() {
            if !days.contains(day) {
                self.days.add(day, credits);
            }
        }
        self.book.hear_headers(heard.credits, now.monotonic);
        // before what came free meanwhile is forgotten: the vendor may have counted it still
        self.count_others(heard.credits, now);
        self.forget_the_past(now);
        if let Some(refused) = heard.refused {
            self.refuse(refused, now);
        }
    }

    /// The call never left this host, so it cost nothing.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is given back once")]
    pub fn unsend(&mut self, reservation: Reservation) {
        let Reservation {
            call, credits, days, ..
        } = reservation;
        self.minute.unsend(call);
        for day in days.iter() {
            self.days.take(day, credits);
        }
    }

    /// `/api_usage` answered: the plan, and what was used, by this process and others.
    pub fn learn(&mut self, usage: Usage, now: Moment) {
        let is_new = self.book.learn(usage, now.monotonic);
        self.forget_the_past(now);
        let others = usage.current_usage.saturating_sub(self.minute.spent());
        self.minute.count(others, now.monotonic);
        let Today { first, last } = self.vendor.days(now.monotonic);
        if let Some(used) = usage.daily_usage {
            if is_new && first == last {
                // another plan may count anew
                self.days.set(first, used);
            } else {
                self.days.raise(last, used);
            }
        }
    }

    /// `/api_usage` did not answer, or not with the plan: to be asked again later.
    pub fn usage_not_answered(&mut self, now: Moment) {
        self.book.not_answered(now.monotonic);
    }

    fn refuse(&mut self, refused: Refused, now: Moment) {
        let at = now.monotonic;
        let wait = match refused.of {
            Exhausted::Minute => {
                if let Some(limit) = refused.limit {
                    self.book.hear_minute(limit, at);
                }
                REFUSED_FOR
            }
            Exhausted::Day => {
                let to_midnight = self.vendor.until_midnight(at);
                if DAY.saturating_sub(to_midnight) < DAY_IS_YOUNG {
                    REFUSED_FOR
                } else {
                    if let Some(limit) = refused.limit {
                        self.book.hear_day(limit, at);
                    }
                    to_midnight
                }
            }
        };
        let wait = wait.max(refused.retry_after.unwrap_or_default());
        self.refused = Some(RefusedUntil {
            of: refused.of,
            at: at + wait,
        });
    }

    /// For how long the vendor's refusal holds.
    #[must_use]
    pub fn refused_for(&self, now: Duration) -> Option<Wait> {
        let refused = self.refused.filter(|refused| refused.at > now)?;
        Some(Wait {
            reason: match refused.of {
                Exhausted::Minute => WaitReason::MinuteRefused,
                Exhausted::Day => WaitReason::DayRefused,
            },
            wait: refused.at.saturating_sub(now),
        })
    }

    /// How long a credit is away: from the sending of its call until the window has room again, and as much more
    /// as keeps calls from queueing behind each other, as one is sent at a time.
    pub(crate) fn credit_cycle(&self) -> Duration {
        WINDOW + PAST_WINDOW + GRAIN + self.call_time * 2
    }

    /// Credits that a call could have at once, the day's not regarded.
    #[must_use]
    pub fn left_this_minute(&self) -> u32 {
        self.plan().per_minute.saturating_sub(self.minute.spent())
    }

    /// Credits that the UTC day has left, if the plan has a limit for the day. Around midnight it may be either
    /// day, and both must have them.
    #[must_use]
    pub fn left_today(&self, now: Moment) -> Option<u32> {
        let per_day = self.plan().per_day?;
        let Today { first, last } = self.vendor.days(now.monotonic);
        let spent = self.days.spent(first).max(self.days.spent(last));
        Some(per_day.saturating_sub(spent))
    }

    /// Credits spent in the UTC day, by this key as far as it is known.
    #[must_use]
    pub fn spent_today(&self, now: Moment) -> u32 {
        self.days.spent(self.vendor.days(now.monotonic).last)
    }

    /// Until the vendor's day ends.
    #[must_use]
    pub fn until_midnight(&self, now: Moment) -> Duration {
        self.vendor.until_midnight(now.monotonic)
    }

    /// The vendor's time.
    #[must_use]
    pub fn vendor_utc(&self, now: Moment) -> Timestamp {
        self.vendor.earliest(now.monotonic)
    }

    /// Counts what somebody else used with the same key.
    fn count_others(&mut self, headers: CreditHeaders, now: Moment) {
        let left = match headers {
            CreditHeaders { left: Some(left), .. } => left,
            CreditHeaders { used: Some(used), .. } => self.plan().per_minute.saturating_sub(used),
            CreditHeaders { .. } => return,
        };
        let others = self.left_this_minute().saturating_sub(left);
        self.minute.count(others, now.monotonic);
        self.days.add(self.vendor.days(now.monotonic).last, others);
    }

    fn forget_the_past(&mut self, now: Moment) {
        self.minute.forget_the_past(now.monotonic);
        self.refused = self.refused.filter(|refused| refused.at > now.monotonic);
        let before = self.vendor.days(now.monotonic);
        self.vendor.follow(now);
        let after = self.vendor.days(now.monotonic);
        if after.last < before.first {
            // a wall clock that is set back gives no second allowance
            self.days.raise(after.last, self.days.spent(before.first));
        }
    }
}
