//! The hours as they outlive the process. Times are relative to the moment at which the state was taken.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use twelve_data::Instrument;

use super::market::Market;
use super::{Hours, MemberHours, Venue};

/// What is known of the hours, to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HoursState {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    venues: BTreeMap<String, VenueState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    markets: Vec<MarketState>,
    #[serde(default)]
    ask_after_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct VenueState {
    venue: VenueKind,
    #[serde(default)]
    is_last_price_due: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum VenueKind {
    Always,
    Forex,
    /// Position of the market.
    Exchange(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MarketState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exchange: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mic_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) is_open: Option<bool>,
    /// For how long it has been closed.
    #[serde(default)]
    pub(super) closed_for_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) turns_in_ms: Option<u64>,
    #[serde(default)]
    pub(super) ask_in_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) look_in_ms: Option<u64>,
    pub(super) session_ms: u64,
}

impl Hours {
    /// What is known, to be kept.
    pub(crate) fn state(&self, instruments: &[Instrument], now: Duration) -> HoursState {
        let known = instruments.iter().zip(&self.members);
        let venues = known.filter_map(|(instrument, member)| {
            let venue = match member.venue? {
                Venue::Always => VenueKind::Always,
                Venue::Forex => VenueKind::Forex,
                Venue::Exchange(at) => VenueKind::Exchange(at),
            };
            let state = VenueState {
                venue,
                is_last_price_due: member.is_last_price_due,
            };
            Some((instrument.to_string(), state))
        });
        HoursState {
            venues: venues.collect(),
            markets: self.markets.iter().map(|market| market.kept(now)).collect(),
            ask_after_ms: millis(self.ask_after.saturating_sub(now)),
        }
    }

    /// Takes what another process knew, `age` ago.
    pub(crate) fn restore(
        &mut self,
        state: &HoursState,
        instruments: &[Instrument],
        age: Duration,
        now: Duration,
    ) {
        self.ask_after = when(state.ask_after_ms, age, now);
        self.markets = state
            .markets
            .iter()
            .map(|market| Market::restore(market, age, now))
            .collect();
        for (instrument, member) in instruments.iter().zip(&mut self.members) {
            let Some(known) = state.venues.get(&instrument.to_string()) else {
                continue;
            };
            let venue = match known.venue {
                VenueKind::Always => Some(Venue::Always),
                VenueKind::Forex => Some(Venue::Forex),
                VenueKind::Exchange(at) => (at < self.markets.len()).then_some(Venue::Exchange(at)),
            };
            *member = MemberHours {
                venue,
                is_last_price_due: known.is_last_price_due,
            };
        }
    }
}

/// No market stays closed for longer; what claims to is not believed.
const TURNS_MAX: Duration = Duration::from_hours(24 * 14);

/// When it is that was so far off `age` ago.
pub(super) fn when(in_ms: u64, age: Duration, now: Duration) -> Duration {
    (now + Duration::from_millis(in_ms).min(TURNS_MAX)).saturating_sub(age)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
