//! The desk against a vendor that is played: time is a value, replies are the vendor's own JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::Error;
use crate::http::{CallError, Reply, ReplyFacts};

pub(super) const UNKNOWN: &str =
    "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol";

/// The session of an exchange in New York: its clock, its holidays, its hours on half days.
#[derive(Clone)]
pub(super) struct NewYork {
    zone: TimeZone,
    holidays: Vec<Date>,
    half_days: Vec<Date>,
}

impl NewYork {
    pub(super) fn new(holidays: &[&str], half_days: &[&str]) -> Self {
        let dates = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Self {
            zone: TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(),
            holidays: dates(holidays),
            half_days: dates(half_days),
        }
    }

    fn session(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        if is_weekend || self.holidays.contains(&date) {
            return None;
        }
        let closes = if self.half_days.contains(&date) { 13 } else { 16 };
        let at = |hour, minute| self.zone.to_timestamp(date.at(hour, minute, 0, 0)).unwrap();
        Some((at(9, 30), at(closes, 0)))
    }

    pub(super) fn is_open(&self, utc: Timestamp) -> bool {
        let date = self.zone.to_datetime(utc).date();
        self.session(date)
            .is_some_and(|(opens, closes)| (opens..closes).contains(&utc))
    }

    fn state(&self, utc: Timestamp) -> Value {
        let mut date = self.zone.to_datetime(utc).date();
        let is_open = self.is_open(utc);
        let turn = loop {
            if let Some((opens, closes)) = self.session(date)
                && let Some(turn) = if is_open { Some(closes) } else { Some(opens) }
                && turn > utc
            {
                break turn;
            }
            date = date.tomorrow().unwrap();
        };
        let seconds = turn.duration_since(utc).as_secs();
        let time = format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        let (to_open, to_close) = if is_open {
            ("00:00:00", time.as_str())
        } else {
            (time.as_str(), "00:00:00")
        };
        json!({"name": "NASDAQ", "code": "XNGS", "country": "United States", "is_market_open": is_open,
            "time_after_open": "00:00:00", "time_to_open": to_open, "time_to_close": to_close})
    }
}

/// What the vendor answers out of the ordinary: a status and a body.
type Hook = Box<dyn FnMut(&Request) -> Option<(u16, String)>>;

/// A call as the vendor sees it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) symbols: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) at: Timestamp,
    /// Calls before this one.
    pub(super) number: usize,
}

pub(super) struct World {
    pub(super) desk: Desk,
    pub(super) now: Moment,
    pub(super) per_minute: u32,
    pub(super) per_day: Option<u32>,
    pub(super) new_york: NewYork,
    pub(super) hook: Hook,
    pub(super) has_market_state: bool,
    used: u32,
    minute: i64,
    pub(super) days: BTreeMap<i64, u32>,
    pub(super) requests: Vec<Request>,
    pub(super) refused_for_credits: usize,
    /// What came, and when.
    pub(super) ticks: Vec<(Timestamp, String)>,
}

pub(super) fn orders(symbols: &str, interval: Duration, market_hours: Policy) -> Orders {
    Orders {
        endpoint: Endpoint::Price,
        instruments: symbols.split(',').map(|text| text.parse().unwrap()).collect(),
        interval,
        samples: None,
        market_hours,
        is_prepost: false,
        give_up_after: Duration::from_mins(3),
    }
}

impl World {
    /// A free plan's key, at this time.
    pub(super) fn new(orders: Orders, utc: &str) -> Self {
        let now = Moment {
            monotonic: Duration::from_hours(1),
            utc: utc.parse().unwrap(),
        };
        Self {
            desk: Desk::new(orders, now),
            now,
            per_minute: 8,
            per_day: Some(800),
            new_york: NewYork::new(&[], &[]),
            hook: Box::new(|_| None),
            has_market_state: true,
            used: 0,
            minute: 0,
            days: BTreeMap::new(),
            requests: Vec::new(),
            refused_for_credits: 0,
            ticks: Vec::new(),
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.utc += time;
    }

    /// Lets so much time pass.
    pub(super) fn run(&mut self, time: Duration) -> Result<(), Error> {
        let end = self.now.monotonic + time;
        while self.now.monotonic < end {
            match self.desk.task_at(self.now) {
                Ok(task) => self.make(task)?,
                Err(wait) => self.pass(wait.wait.clamp(Duration::from_millis(1), MAX_WAIT)),
            }
        }
        Ok(())
    }

    /// Sends the call and takes its reply.
    pub(super) fn make(&mut self, task: Task) -> Result<(), Error> {
        let reply = self.send(&task);
        self.pass(Duration::from_millis(300));
        let quotes = self.desk.take(task, reply, self.now)?;
        let at = quotes.ts_recv;
        self.ticks.extend(
            quotes
                .by_symbol
                .into_iter()
                .map(|(symbol, _)| (at, symbol.to_string())),
        );
        Ok(())
    }

    pub(super) fn send(&mut self, task: &Task) -> Result<Reply, CallError> {
        let (path, query) = self.desk.request(&task.ask);
        let query: BTreeMap<_, _> = query
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let list = query.get("symbol").map(String::as_str).unwrap_or_default();
        let request = Request {
            path: path.to_owned(),
            symbols: list
                .split(',')
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect(),
            query: query.clone(),
            at: self.now.utc,
            number: self.requests.len(),
        };
        let reply = self.reply(&request);
        self.requests.push(request);
        reply
    }

    fn reply(&mut self, request: &Request) -> Result<Reply, CallError> {
        let (status, body) = match (self.hook)(request) {
            Some(answer) => answer,
            None => self.body(request),
        };
        if status == 0 {
            return Err(CallError::Transport(body));
        }
        if status == 1 {
            return Err(CallError::NotSent(body));
        }
        let facts = ReplyFacts {
            status,
            date: Some(self.now.utc),
            credits: twelve_data::CreditHeaders {
                used: Some(self.used),
                left: Some(self.per_minute.saturating_sub(self.used)),
            },
            retry_after: None,
        };
        Ok(Reply {
            facts,
            body: body.into_bytes(),
        })
    }

    fn body(&mut self, request: &Request) -> (u16, String) {
        let credits = u32::try_from(request.symbols.len().max(1)).unwrap();
        if let Some(refused) = self.charge(credits) {
            self.refused_for_credits += 1;
            return (429, refused);
        }
        let at = self.now.utc;
        let is_open = self.new_york.is_open(at);
        let one = |symbol: &String| match request.path.as_str() {
            "price" => json!({"price": "1.00000"}),
            _ if symbol.contains('/') => {
                let exchange = if symbol.starts_with("BTC") {
                    "Binance"
                } else {
                    "FOREX"
                };
                json!({"symbol": symbol, "close": "1", "exchange": exchange, "currency_base": "x", "currency_quote": "y"})
            }
            _ => {
                json!({"symbol": symbol, "exchange": "NASDAQ", "mic_code": "XNGS", "currency": "USD", "close": "1",
                "last_quote_at": at.as_second(), "is_market_open": is_open})
            }
        };
        let body = match (request.path.as_str(), request.symbols.as_slice()) {
            ("api_usage", _) => {
                let today = at.as_second() / 86_400;
                json!({"current_usage": self.used, "plan_limit": self.per_minute,
                    "daily_usage": self.per_day.map(|_| self.days.get(&today)), "plan_daily_limit": self.per_day})
            }
            ("market_state", _) if self.has_market_state => json!([self.new_york.state(at)]),
            ("market_state", _) => {
                return (
                    200,
                    error(403, "/market_state is available exclusively with pro plans"),
                );
            }
            (_, [symbol]) => one(symbol),
            (_, symbols) => symbols
                .iter()
                .map(|symbol| (symbol.clone(), one(symbol)))
                .collect(),
        };
        (200, body.to_string())
    }

    fn charge(&mut self, credits: u32) -> Option<String> {
        let second = self.now.utc.as_second();
        if second / 60 != self.minute {
            (self.minute, self.used) = (second / 60, 0);
        }
        let today = self.days.entry(second / 86_400).or_default();
        if self.per_day.is_some_and(|per_day| *today + credits > per_day) {
            return Some(error(429, "You have run out of API credits for the day."));
        }
        if self.used + credits > self.per_minute {
            return Some(error(
                429,
                "You have run out of API credits for the current minute.",
            ));
        }
        *today += credits;
        self.used += credits;
        None
    }
}

/// The vendor's error.
pub(super) fn error(code: u16, message: &str) -> String {
    json!({"code": code, "message": message, "status": "error"}).to_string()
}
