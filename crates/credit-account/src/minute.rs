//! The credits of the last 60 s.
//!
//! Whether the vendor counts by the clock's minute or by the last 60 s is not documented; what holds in any 60 s
//! holds in both. A call counts from before it is sent until 60 s after it ended, as nobody outside can know when
//! in between the vendor counted it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

pub(crate) const WINDOW: Duration = Duration::from_mins(1);

/// Added to the window's end: the vendor's clock may run a little slower than this host's.
pub(crate) const PAST_WINDOW: Duration = Duration::from_millis(10);

/// Calls that end so close together are one entry, which bounds the entries of a minute. A second is a multiple.
pub(crate) const GRAIN: Duration = Duration::from_millis(25);

#[derive(Debug, Default)]
pub(crate) struct Minute {
    in_flight: Vec<InFlight>,
    /// Calls that ended, by when the window has room again for what they took.
    ended: VecDeque<Ended>,
    /// All of both.
    spent: u32,
}

/// A call that was sent, or is about to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    pub(crate) call: u64,
    pub(crate) credits: u32,
    pub(crate) sent: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) free_at: Duration,
    pub(crate) credits: u32,
}

impl Minute {
    pub(crate) fn spent(&self) -> u32 {
        self.spent
    }

    pub(crate) fn in_flight(&self) -> &[InFlight] {
        &self.in_flight
    }

    pub(crate) fn ended(&self) -> impl ExactSizeIterator<Item = Ended> {
        self.ended.iter().copied()
    }

    pub(crate) fn send(&mut self, call: u64, credits: u32, now: Duration) {
        self.in_flight.push(InFlight {
            call,
            credits,
            sent: now,
        });
        self.spent = self.spent.saturating_add(credits);
    }

    /// The call ended, in whatever way: it may have been counted until this very moment.
    pub(crate) fn end(&mut self, call: u64, now: Duration) {
        let credits = self.take(call);
        self.count(credits, now);
    }

    /// The call never left this host.
    pub(crate) fn unsend(&mut self, call: u64) {
        self.take(call);
    }

    /// Counts credits that were used just now.
    pub(crate) fn count(&mut self, credits: u32, now: Duration) {
        self.hold(credits, now + WINDOW + PAST_WINDOW);
    }

    /// Counts credits until `free_at`, which is no earlier than any other's.
    pub(crate) fn hold(&mut self, credits: u32, free_at: Duration) {
        if credits == 0 {
            return;
        }
        self.spent = self.spent.saturating_add(credits);
        let free_at = round_up(free_at);
        match self.ended.back_mut() {
            Some(last) if last.free_at >= free_at => last.credits = last.credits.saturating_add(credits),
            _ => self.ended.push_back(Ended { free_at, credits }),
        }
    }

    /// Drops what is in the window no more, nor was when a call that is under way was sent: its reply may count it.
    pub(crate) fn forget_the_past(&mut self, now: Duration) {
        let sent = self.in_flight.iter().map(|call| call.sent).min();
        let now = sent.map_or(now, |sent| sent.min(now));
        while let Some(first) = self.ended.front()
            && now >= first.free_at
        {
            self.spent = self.spent.saturating_sub(first.credits);
            self.ended.pop_front();
        }
    }

    /// How long until the window has room for `credits` beside what stays in it, of `limit`.
    pub(crate) fn room_in(&self, credits: u32, limit: u32, now: Duration) -> Duration {
        let mut spent = self.spent;
        for ended in &self.ended {
            spent = spent.saturating_sub(ended.credits);
            if spent.saturating_add(credits) <= limit {
                return ended.free_at.saturating_sub(now);
            }
        }
        // calls in flight hold the rest, and none of them has ended
        WINDOW + PAST_WINDOW
    }

    fn take(&mut self, call: u64) -> u32 {
        let Some(at) = self.in_flight.iter().position(|flight| flight.call == call) else {
            return 0;
        };
        let credits = self.in_flight.swap_remove(at).credits;
        self.spent = self.spent.saturating_sub(credits);
        credits
    }
}

fn round_up(at: Duration) -> Duration {
    let past_grain = Duration::from_nanos((at.subsec_nanos() % GRAIN.subsec_nanos()).into());
    let to_next = GRAIN.saturating_sub(past_grain);
    if past_grain.is_zero() { at } else { at + to_next }
}
