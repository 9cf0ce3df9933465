use std::time::Duration;

use twelve_data::MarketState;

use super::state::{self, millis, when};
use super::{AFTER_TURN, ASK_GAP, ASK_GAP_MAX, LOOK_GAP, Turn};

/// Before an exchange opens and after it closes its shares trade for so long, in the US.
const BEFORE_HOURS: Duration = Duration::from_mins(330);
const AFTER_HOURS: Duration = Duration::from_hours(4);

/// How long a market is taken to be open in a day until it was seen.
const SESSION: Duration = Duration::from_mins(390);

const DAY: Duration = Duration::from_hours(24);

/// An exchange.
#[derive(Clone, Debug)]
pub(super) struct Market {
    exchange: Option<String>,
    mic_code: Option<String>,
    state: State,
    /// When to ask `/market_state` for it.
    ask_at: Duration,
    /// The wait after an answer that does not say when it turns, or that a quote contradicts; it doubles.
    ask_gap: Duration,
    /// When to look by a quote, where nothing else says whether it is open.
    look_due: Option<Duration>,
    /// How long it was open when it last was.
    session: Duration,
    opened: Option<Duration>,
}

/// What is known of it; times are by the clock that never jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Open {
        closes: Option<Duration>,
    },
    Closed {
        since: Duration,
        opens: Option<Duration>,
    },
}

impl Market {
    pub(super) fn new(exchange: Option<String>, mic_code: Option<String>) -> Self {
        Self {
            exchange,
            mic_code,
            state: State::Unknown,
            ask_at: Duration::ZERO,
            ask_gap: ASK_GAP,
            look_due: None,
            session: SESSION,
            opened: None,
        }
    }

    pub(super) fn is(&self, exchange: Option<&str>, mic_code: Option<&str>) -> bool {
        self.exchange.as_deref() == exchange && self.mic_code.as_deref() == mic_code
    }

    fn name(&self) -> String {
        let name = self.exchange.as_deref().or(self.mic_code.as_deref());
        name.unwrap_or_default().to_owned()
    }

    pub(super) fn turn(&self, now: Duration) -> Turn {
        let (is_open, turns) = match self.state {
            State::Unknown => (true, None),
            State::Open { closes } => (true, closes),
            State::Closed { opens, .. } => (false, opens),
        };
        Turn {
            market: self.name(),
            is_open,
            turns_in: turns.map(|turns| turns.saturating_sub(now)),
        }
    }

    /// The state by now, of what was last heard.
    fn state_by(&self, now: Duration) -> State {
        match self.state {
            State::Open { closes: Some(closes) } if closes <= now => State::Closed {
                since: closes,
                opens: None,
            },
            State::Closed {
                opens: Some(opens), ..
            } if opens <= now => State::Open { closes: None },
            state => state,
        }
    }

    pub(super) fn is_open(&self, is_extended: bool, now: Duration) -> bool {
        match self.state_by(now) {
            State::Unknown | State::Open { .. } => true,
            State::Closed { since, opens } => {
                is_extended
                    && (now < since + AFTER_HOURS || opens.is_some_and(|opens| now + BEFORE_HOURS >= opens))
            }
        }
    }

    /// For how long it is closed.
    pub(super) fn closed_for(&self, now: Duration) -> Option<Duration> {
        match self.state_by(now) {
            State::Closed { since, .. } => Some(now.saturating_sub(since)),
            State::Unknown | State::Open { .. } => None,
        }
    }

    /// A quote says whether it is open. Tells whether that is news.
    pub(super) fn hear(&mut self, is_open: bool, now: Duration) -> bool {
        if self.look_due.is_some() {
            self.look_due = Some(now + LOOK_GAP);
        }
        let was_open = match self.state_by(now) {
            State::Unknown => None,
            State::Open { .. } => Some(true),
            State::Closed { .. } => Some(false),
        };
        if was_open == Some(is_open) {
            return false;
        }
        if was_open.is_some() {
            self.ask_at = now + self.wider_gap();
        }
        self.set(
            if is_open {
                State::Open { closes: None }
            } else {
                State::Closed {
                    since: now,
                    opens: None,
                }
            },
            now,
        );
        true
    }

    /// `/market_state` answered. Tells whether what it says of this market is news.
    pub(super) fn learn(&mut self, states: &[MarketState], now: Duration) -> bool {
        let is_same = |known: &Option<String>, said: &str| {
            known
                .as_ref()
                .is_some_and(|known| known.eq_ignore_ascii_case(said))
        };
        let by_code = states.iter().find(|state| is_same(&self.mic_code, &state.code));
        let Some(said) = by_code.or_else(|| states.iter().find(|state| is_same(&self.exchange, &state.name)))
        else {
            // it has no line there
            self.ask_at = now + DAY;
            self.not_answered(now);
            return false;
        };
        self.look_due = None;
        let before = self.state_by(now);
        let (state, turns) = if said.is_open {
            let closes = said.time_to_close.map(|time| now + time);
            (State::Open { closes }, closes)
        } else {
            let since = match before {
                State::Closed { since, .. } => since,
                State::Unknown | State::Open { .. } => now,
            };
            let opens = said.time_to_open.map(|time| now + time);
            (State::Closed { since, opens }, opens)
        };
        self.ask_at = match turns {
            Some(turns) => {
                self.ask_gap = ASK_GAP;
                turns + AFTER_TURN
            }
            None => now + self.wider_gap(),
        };
        self.set(state, now);
        !matches!(
            (before, state),
            (State::Open { closes: Some(_) }, State::Open { .. })
                | (State::Closed { opens: Some(_), .. }, State::Closed { .. })
        )
    }

    /// The gap, of which the next one is twice as long.
    fn wider_gap(&mut self) -> Duration {
        let gap = self.ask_gap;
        self.ask_gap = (gap * 2).min(ASK_GAP_MAX);
        gap
    }

    pub(super) fn not_answered(&mut self, now: Duration) {
        self.look_due.get_or_insert(now + LOOK_GAP);
    }

    fn set(&mut self, state: State, now: Duration) {
        match (self.state, state) {
            (State::Closed { opens, .. }, State::Open { .. }) => self.opened = opens.or(Some(now)),
            (State::Open { closes }, State::Closed { .. }) => {
                if let Some(opened) = self.opened.take() {
                    self.session = closes
                        .unwrap_or(now)
                        .saturating_sub(opened)
                        .clamp(AFTER_TURN, DAY);
                }
            }
            _ => {}
        }
        self.state = state;
    }

    pub(super) fn ask_at(&self) -> Duration {
        self.ask_at
    }

    pub(super) fn look_due(&self) -> Option<Duration> {
        self.look_due
    }

    pub(super) fn next_turn(&self, is_extended: bool, now: Duration) -> Option<Duration> {
        let turns = match self.state {
            State::Unknown | State::Open { closes: None } => return None,
            State::Open { closes: Some(closes) } => vec![closes, closes + AFTER_HOURS],
            State::Closed { since, opens } => {
                let before_hours = opens
                    .filter(|_| is_extended)
                    .map(|opens| opens.saturating_sub(BEFORE_HOURS));
                let after_hours = Some(since + AFTER_HOURS).filter(|_| is_extended);
                [opens, before_hours, after_hours].into_iter().flatten().collect()
            }
        };
        turns.into_iter().filter(|turn| *turn > now).min()
    }

    /// For how long of the next `span` it is open, as far as can be told.
    pub(super) fn open_time(&self, is_extended: bool, span: Duration, now: Duration) -> Duration {
        let (before, after) = if is_extended {
            (BEFORE_HOURS, AFTER_HOURS)
        } else {
            (Duration::ZERO, Duration::ZERO)
        };
        let end = now + span;
        // where it opens again within the span, as it did the day before
        let session = before + self.session + after;
        let next_session = |closes: Duration| {
            let opens = closes + DAY.saturating_sub(session);
            end.saturating_sub(opens).min(session)
        };
        match self.state_by(now) {
            State::Unknown | State::Open { closes: None } => span,
            State::Open { closes: Some(closes) } => {
                let closes = closes + after;
                closes.saturating_sub(now).min(span) + next_session(closes)
            }
            State::Closed {
                opens: Some(opens), ..
            } => end
                .saturating_sub(opens.saturating_sub(before).max(now))
                .min(session),
            State::Closed { since, opens: None } => next_session((since + after).max(now)),
        }
    }

    /// How often it turns in the next `span`.
    pub(super) fn turns_within(&self, span: Duration, now: Duration) -> u32 {
        let end = now + span;
        match self.state_by(now) {
            State::Unknown => 2,
            State::Open { closes } => u32::from(closes.is_none_or(|closes| closes < end)),
            State::Closed { opens, .. } => {
                let is_opening = opens.is_none_or(|opens| opens < end);
                let is_closing = opens.is_some_and(|opens| opens + self.session < end);
                u32::from(is_opening) + u32::from(is_closing)
            }
        }
    }

    /// What is known, to be kept.
    pub(super) fn kept(&self, now: Duration) -> state::MarketState {
        let (is_open, since, turns) = match self.state {
            State::Unknown => (None, None, None),
            State::Open { closes } => (Some(true), None, closes),
            State::Closed { since, opens } => (Some(false), Some(since), opens),
        };
        let in_ms = |at: Duration| millis(at.saturating_sub(now));
        state::MarketState {
            exchange: self.exchange.clone(),
            mic_code: self.mic_code.clone(),
            is_open,
            closed_for_ms: since.map_or(0, |since| millis(now.saturating_sub(since))),
            turns_in_ms: turns.map(in_ms),
            ask_in_ms: in_ms(self.ask_at),
            look_in_ms: self.look_due.map(in_ms),
            session_ms: millis(self.session),
        }
    }

    /// As another process knew it, `age` ago.
    pub(super) fn restore(kept: &state::MarketState, age: Duration, now: Duration) -> Self {
        let turns = kept.turns_in_ms.map(|turns_in| when(turns_in, age, now));
        let closed_for = Duration::from_millis(kept.closed_for_ms).saturating_add(age);
        Self {
            state: match kept.is_open {
                None => State::Unknown,
                Some(true) => State::Open { closes: turns },
                Some(false) => State::Closed {
                    since: now.saturating_sub(closed_for),
                    opens: turns,
                },
            },
            ask_at: when(kept.ask_in_ms, age, now),
            look_due: kept.look_in_ms.map(|look_in| when(look_in, age, now)),
            session: Duration::from_millis(kept.session_ms).clamp(AFTER_TURN, DAY),
            ..Self::new(kept.exchange.clone(), kept.mic_code.clone())
        }
    }
}
