//! When each symbol's price can move, as far as the vendor says: of exchanges by `is_market_open` of a quote and by
//! `/market_state`, which knows holidays and half days; of currencies by their week; of coins always. What is not
//! known counts as open, as a price that is not asked for cannot be had again.
//!
//! Pure: the time comes in as a value. The vendor tells how long it is until a market opens or closes, and that is
//! measured by the clock that never jumps.

mod forex_week;
mod market;
mod state;

use std::time::Duration;

use twelve_data::{AssetClass, Endpoint, Instrument, MarketState, Quote};

use super::agenda::Member;
use crate::clock::Moment;
use forex_week::ForexWeek;
use market::Market;
pub(crate) use state::HoursState;

/// Shortest time from one call of `/market_state` to the next one, which doubles while it brings nothing.
const ASK_GAP: Duration = Duration::from_mins(5);
const ASK_GAP_MAX: Duration = Duration::from_hours(1);

/// After a market's time to open or close, before the vendor is asked whether it did.
const AFTER_TURN: Duration = Duration::from_secs(30);

/// After a close, before the last price is asked for: by then the closing auction is in it.
const LAST_PRICE_AFTER: Duration = Duration::from_mins(2);

/// From one look at a closed market of which nobody says when it opens to the next one.
const LOOK_GAP: Duration = Duration::from_hours(1);

/// Which symbols are polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Those whose prices can move.
    #[default]
    Open,
    /// All, always.
    Always,
}

/// What a symbol's hours are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Venue {
    Always,
    Forex,
    /// Position of the market.
    Exchange(usize),
}

/// Hours of all symbols.
#[derive(Debug)]
pub(crate) struct Hours {
    policy: Policy,
    /// Whether prices before and after hours count.
    is_extended: bool,
    week: ForexWeek,
    members: Vec<MemberHours>,
    markets: Vec<Market>,
    /// When `/market_state` may be asked again, and the wait after the next call in vain.
    ask_after: Duration,
    ask_gap: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct MemberHours {
    /// Not known before the first quote.
    venue: Option<Venue>,
    /// Whether the last price is one of open hours, so that one more is to be had after the close.
    is_last_price_due: bool,
}

/// A market that opened or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) market: String,
    pub(crate) is_open: bool,
    /// Until it turns again.
    pub(crate) turns_in: Option<Duration>,
}

impl Hours {
    pub(crate) fn new(members: usize, policy: Policy, is_extended: bool) -> Self {
        Self {
            policy,
            is_extended,
            week: ForexWeek::new(),
            members: vec![MemberHours::default(); members],
            markets: Vec::new(),
            ask_after: Duration::ZERO,
            ask_gap: ASK_GAP,
        }
    }

    /// Whether the member is to be polled now.
    pub(crate) fn wants(&self, member: Member, now: Moment) -> bool {
        if self.policy == Policy::Always {
            return true;
        }
        let MemberHours {
            venue: Some(venue),
            is_last_price_due,
        } = self.members[member]
        else {
            return true;
        };
        match venue {
            Venue::Always => true,
            Venue::Forex => self.week.is_open(now.utc) || is_last_price_due,
            Venue::Exchange(at) => {
                let market = &self.markets[at];
                let is_last_price_time = || {
                    market
                        .closed_for(now.monotonic)
                        .is_none_or(|closed| closed >= LAST_PRICE_AFTER)
                };
                market.is_open(self.is_extended, now.monotonic)
                    || is_last_price_due && is_last_price_time()
                    || self.is_to_be_looked_at(member, at, now.monotonic)
            }
        }
    }

    /// One member looks whether its market is open, where nothing else says so.
    fn is_to_be_looked_at(&self, member: Member, at: usize, now: Duration) -> bool {
        let is_first = |other: &MemberHours| other.venue == Some(Venue::Exchange(at));
        self.markets[at].look_due().is_some_and(|due| due <= now)
            && self.members.iter().position(is_first) == Some(member)
    }

    /// Where to ask for the member: a quote tells the exchange and whether it is open, a price does not.
    pub(crate) fn endpoint_for(&self, member: Member, endpoint: Endpoint, now: Moment) -> Endpoint {
        let is_look = self.policy == Policy::Open
            && match self.members[member].venue {
                None => true,
                Some(Venue::Always | Venue::Forex) => false,
                Some(Venue::Exchange(at)) => self.is_to_be_looked_at(member, at, now.monotonic),
            };
        if is_look { Endpoint::Quote } else { endpoint }
    }

    /// The member was answered.
    pub(crate) fn answered(
        &mut self,
        member: Member,
        instrument: &Instrument,
        quote: &Quote,
        now: Moment,
    ) -> Option<Turn> {
        if self.policy == Policy::Always {
            return None;
        }
        if self.members[member].venue.is_none() {
            self.members[member].venue = self.venue_of(instrument, quote);
        }
        let mut turn = None;
        if let (Some(Venue::Exchange(at)), Some(is_open)) = (self.members[member].venue, quote.is_market_open)
        {
            let market = &mut self.markets[at];
            if market.hear(is_open, now.monotonic) {
                turn = Some(market.turn(now.monotonic));
            }
        }
        let is_open = match self.members[member].venue {
            None | Some(Venue::Always) => false,
            Some(Venue::Forex) => self.week.is_open(now.utc),
            Some(Venue::Exchange(at)) => self.markets[at].is_open(self.is_extended, now.monotonic),
        };
        self.members[member].is_last_price_due = is_open;
        turn
    }

    /// The member's first look brought no quote: its hours stay unknown, and it is polled always.
    pub(crate) fn look_failed(&mut self, member: Member) {
        self.members[member].venue.get_or_insert(Venue::Always);
    }

    fn venue_of(&mut self, instrument: &Instrument, quote: &Quote) -> Option<Venue> {
        let text =
            |text: &Option<quote_model::Text<'static>>| text.as_ref().map(|text| text.as_str().to_owned());
        match quote.class? {
            AssetClass::Forex if forex_week::is_pair(instrument.ticker()) => Some(Venue::Forex),
            AssetClass::Crypto | AssetClass::Forex => Some(Venue::Always),
            AssetClass::Listed => {
                let (exchange, mic_code) = (text(&quote.exchange), text(&quote.mic_code));
                if exchange.is_none() && mic_code.is_none() {
                    return Some(Venue::Always);
                }
                Some(self.exchange(exchange, mic_code))
            }
        }
    }

    fn exchange(&mut self, exchange: Option<String>, mic_code: Option<String>) -> Venue {
        let known = self
            .markets
            .iter()
            .position(|market| market.is(exchange.as_deref(), mic_code.as_deref()));
        Venue::Exchange(known.unwrap_or_else(|| {
            self.markets.push(Market::new(exchange, mic_code));
            self.markets.len() - 1
        }))
    }

    /// When `/market_state` is to be asked, if it is.
    pub(crate) fn ask_due(&self) -> Option<Duration> {
        if self.policy == Policy::Always {
            return None;
        }
        let due = self.markets.iter().map(Market::ask_at).min()?;
        Some(due.max(self.ask_after))
    }

    /// `/market_state` is being asked, and is asked again later should it not answer.
    pub(crate) fn asked(&mut self, now: Moment) {
        self.ask_after = now.monotonic + self.ask_gap;
    }

    /// `/market_state` answered.
    pub(crate) fn learn(&mut self, states: &[MarketState], now: Moment) -> Vec<Turn> {
        let at = now.monotonic;
        self.ask_gap = ASK_GAP;
        self.ask_after = at + ASK_GAP;
        let mut turns = Vec::new();
        for market in &mut self.markets {
            if market.learn(states, at) {
                turns.push(market.turn(at));
            }
        }
        turns
    }

    /// `/market_state` did not answer.
    pub(crate) fn not_answered(&mut self, now: Moment) {
        self.ask_after = now.monotonic + self.ask_gap;
        self.ask_gap = (self.ask_gap * 2).min(ASK_GAP_MAX);
        for market in &mut self.markets {
            market.not_answered(now.monotonic);
        }
    }

    /// For how long the prices of these members can still move within `span`, added up.
    pub(crate) fn open_time(
        &self,
        members: impl Iterator<Item = Member>,
        span: Duration,
        now: Moment,
    ) -> Duration {
        let of_member = |member: Member| match (self.policy, self.members[member].venue) {
            (Policy::Always, _) | (_, None | Some(Venue::Always)) => span,
            (_, Some(Venue::Forex)) => self.week.open_time(now.utc, span),
            (_, Some(Venue::Exchange(at))) => {
                self.markets[at].open_time(self.is_extended, span, now.monotonic)
            }
        };
        members.map(of_member).sum()
    }

    /// Calls that are kept for what it takes to know when markets turn, of `span`.
    pub(crate) fn asks_within(&self, span: Duration, now: Moment) -> u32 {
        if self.policy == Policy::Always {
            return 0;
        }
        let turns = self
            .markets
            .iter()
            .map(|market| market.turns_within(span, now.monotonic))
            .sum::<u32>();
        turns.min(12)
    }

    /// When next something changes by the hours alone.
    pub(crate) fn next_turn(&self, now: Moment) -> Option<Duration> {
        if self.policy == Policy::Always {
            return None;
        }
        let turns = self.members.iter().filter_map(|member| match member.venue? {
            Venue::Always => None,
            Venue::Forex => Some(now.monotonic + self.week.until_turn(now.utc)),
            Venue::Exchange(at) => {
                let market = &self.markets[at];
                let last_price = market
                    .closed_for(now.monotonic)
                    .filter(|closed| member.is_last_price_due && *closed < LAST_PRICE_AFTER)
                    .map(|closed| now.monotonic + LAST_PRICE_AFTER.saturating_sub(closed));
                [
                    last_price,
                    market.next_turn(self.is_extended, now.monotonic),
                    market.look_due(),
                ]
                .into_iter()
                .flatten()
                .min()
            }
        });
        turns.chain(self.ask_due()).min()
    }

    /// Members that are not polled, as their market is closed.
    pub(crate) fn resting(&self, members: impl Iterator<Item = Member>, now: Moment) -> usize {
        members.filter(|member| !self.wants(*member, now)).count()
    }
}

#[cfg(test)]
mod tests;
