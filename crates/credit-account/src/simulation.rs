//! A month with the account: a vendor that counts, calls that take time, and a process that is killed every few
//! minutes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use twelve_data::{CreditHeaders, Exhausted, Usage};

use crate::{Account, AccountState, Demand, Heard, Moment, Plan, Refused, Schedule, ScheduleState};

const MINUTE_MS: i64 = 60_000;
/// What the clock of a host may be off that has not heard the vendor's yet.
const MIDNIGHT_MS: i64 = 10_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    Stands,
    Slides,
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
struct Case {
    seed: u64,
    plan: Plan,
    window: Window,
    symbols: u32,
    interval: Duration,
    days: i64,
    /// By how much the vendor's clock is ahead of this host's.
    vendor_ahead_ms: i64,
    latency_ms: (i64, i64),
    /// How long a process lives, if not for ever.
    life_ms: Option<(i64, i64)>,
    has_date: bool,
    has_headers: bool,
}

/// A way in which the account could be wrong, each of which the property must find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    /// A call holds its credits for one and a half seconds more.
    WastesMinutes,
    /// Of each day's credits 2 % are left.
    WastesDays,
    /// A restart remembers nothing but the plan.
    Forgets,
    /// A call that was under way when the process died is not counted.
    LosesCallsInFlight,
}

#[derive(Debug)]
struct Vendor {
    plan: Plan,
    window: Window,
    charges: VecDeque<(i64, u32)>,
    minute_used: u32,
    days: BTreeMap<i64, u32>,
    refused: Vec<(i64, Exhausted)>,
    /// Credits of calls that never came, as their process died, by day.
    lost: BTreeMap<i64, u32>,
    /// For how long no process lived, by day, in milliseconds.
    down: BTreeMap<i64, i64>,
}

impl Vendor {
    /// So near to midnight the account cannot know on which side a call was counted, and must take it for both days.
    fn doubt(&mut self, credits: u32, now: i64) {
        let day = now.div_euclid(DAY_MS);
        for other in [now - MIDNIGHT_MS, now + MIDNIGHT_MS].map(|now| now.div_euclid(DAY_MS)) {
            if other != day {
                *self.lost.entry(other).or_default() += credits;
            }
        }
    }

    /// Counts a call at `now`, by the vendor's clock.
    fn charge(&mut self, credits: u32, now: i64) -> Result<CreditHeaders, Exhausted> {
        let oldest = match self.window {
            Window::Stands => now - now.rem_euclid(MINUTE_MS),
            Window::Slides => now - MINUTE_MS + 1,
        };
        while let Some((at, credits)) = self.charges.front()
            && *at < oldest
        {
            self.minute_used -= credits;
            self.charges.pop_front();
        }
        let today = self.days.entry(now.div_euclid(DAY_MS)).or_default();
        let refused = if self
            .plan
            .per_day
            .is_some_and(|per_day| *today + credits > per_day)
        {
            Some(Exhausted::Day)
        } else if self.minute_used + credits > self.plan.per_minute {
            Some(Exhausted::Minute)
        } else {
            None
        };
        if let Some(refused) = refused {
            self.refused.push((now, refused));
            return Err(refused);
        }
        *today += credits;
        self.minute_used += credits;
        self.charges.push_back((now, credits));
        Ok(CreditHeaders {
            used: Some(self.minute_used),
            left: Some(self.plan.per_minute - self.minute_used),
        })
    }

    fn usage(&self, now: i64) -> Usage {
        Usage {
            current_usage: self.minute_used,
            plan_limit: self.plan.per_minute,
            daily_usage: self.plan.per_day.map(|_| self.days[&now.div_euclid(DAY_MS)]),
            plan_daily_limit: self.plan.per_day,
        }
    }
}

/// The host, its process and the vendor.
struct World {
    case: Case,
    fault: Fault,
    rng: ChaCha8Rng,
    /// The time, in milliseconds since 1970.
    now: i64,
    booted: i64,
    dies: i64,
    vendor: Vendor,
    account: Account,
    schedule: Schedule,
    asked: u32,
    /// When the state was kept last.
    kept_at: Moment,
    /// The state as it was kept when the call was sent during which the process died.
    kept: Option<Kept>,
}

struct Kept {
    account: AccountState,
    schedule: ScheduleState,
    asked: u32,
}

impl World {
    fn new(case: Case, fault: Fault) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(case.seed);
        let now = 1_795_392_000_000 + rng.random_range(0..DAY_MS);
        let booted = now - 100_000;
        let moment = moment(now, booted);
        let (account, schedule) = (Account::new(moment), Schedule::new(moment));
        let mut world = Self {
            case,
            fault,
            rng,
            now,
            booted,
            dies: i64::MAX,
            vendor: Vendor {
                plan: case.plan,
                window: case.window,
                charges: VecDeque::new(),
                minute_used: 0,
                days: BTreeMap::new(),
                refused: Vec::new(),
                lost: BTreeMap::new(),
                down: BTreeMap::new(),
            },
            account,
            schedule,
            asked: 0,
            kept_at: moment,
            kept: None,
        };
        world.live();
        world
    }

    fn moment(&self) -> Moment {
        moment(self.now, self.booted)
    }

    fn live(&mut self) {
        if let Some((from, to)) = self.case.life_ms {
            self.dies = self.now + self.rng.random_range(from..=to);
        }
    }

    /// The state as it was kept at `at`; nothing has changed since then.
    fn keep(&self, at: Moment) -> Kept {
        Kept {
            account: self.account.state(at),
            schedule: self.schedule.state(at),
            asked: self.asked,
        }
    }

    /// The process is gone, and after a while there is another one, perhaps on a host that was restarted.
    fn restart(&mut self) {
        self.now = self.dies + self.rng.random_range(500..8000);
        if self.rng.random_bool(0.01) {
            self.now += 20_000;
            self.booted = self.now - self.rng.random_range(2000..20_000);
        }
        let day = (self.now + self.case.vendor_ahead_ms).div_euclid(DAY_MS);
        *self.vendor.down.entry(day).or_default() += self.now - self.dies;
        let kept = self.kept.take().unwrap_or_else(|| self.keep(self.kept_at));
        let text = serde_json::to_string(&kept.account).unwrap();
        let mut state: AccountState = serde_json::from_str(&text).unwrap();
        if self.fault == Fault::LosesCallsInFlight {
            state.forget_calls_in_flight();
        }
        let now = self.moment();
        self.account = if self.fault == Fault::Forgets {
            let mut account = Account::new(now);
            account.learn(
                Usage {
                    current_usage: 0,
                    plan_limit: self.case.plan.per_minute,
                    daily_usage: None,
                    plan_daily_limit: self.case.plan.per_day,
                },
                now,
            );
            account
        } else {
            Account::restore(&state, now)
        };
        self.schedule = Schedule::restore(kept.schedule, &state, now);
        self.asked = kept.asked;
        self.kept_at = now;
        self.live();
    }

    fn wait(&mut self, wait: Duration) {
        self.now += i64::try_from(wait.as_micros().div_ceil(1000)).unwrap().max(1);
    }

    fn run(mut self) -> Vendor {
        let ends = self.now + self.case.days * DAY_MS;
        while self.now < ends {
            if self.now >= self.dies {
                self.restart();
                continue;
            }
            self.step();
        }
        self.vendor
    }

    fn step(&mut self) {
        let now = self.moment();
        if self.account.is_usage_due(now) {
            match self.account.reserve_usage(now) {
                Ok(reservation) => {
                    if let Some(heard) = self.call(reservation.credits()) {
                        let answered = heard.refused.is_none();
                        let now = self.moment();
                        self.account.settle(reservation, heard, now);
                        if answered {
                            let vendor_now = self.now + self.case.vendor_ahead_ms;
                            self.account.learn(self.vendor.usage(vendor_now), now);
                        } else {
                            self.account.usage_not_answered(now);
                        }
                        self.kept_at = self.moment();
                    }
                }
                Err(wait) => self.wait(wait.wait),
            }
            return;
        }
        let demand = Demand {
            interval: self.case.interval,
            symbols: self.case.symbols,
            asked: self.asked,
            rounds_left: None,
            open_time: self.account.until_midnight(now) * self.case.symbols,
            kept_back: if self.fault == Fault::WastesDays { 16 } else { 0 },
        };
        match self.schedule.next_call(&mut self.account, &demand, 120, now) {
            Ok(reservation) => {
                self.asked = demand.after(reservation.credits()).asked;
                if let Some(heard) = self.call(reservation.credits()) {
                    let now = self.moment();
                    self.account.settle(reservation, heard, now);
                    self.kept_at = self.moment();
                }
            }
            Err(wait) => self.wait(wait.wait),
        }
    }

    /// The call and its reply, if the process lives until then.
    fn call(&mut self, credits: u32) -> Option<Heard> {
        let (from, to) = self.case.latency_ms;
        let took = self.rng.random_range(from..=to);
        let counted = self.now + self.rng.random_range(0..=took);
        let ahead = self.case.vendor_ahead_ms;
        self.vendor.doubt(credits, counted + ahead);
        if self.now + took >= self.dies {
            self.kept = Some(self.keep(self.moment()));
            // it may reach the vendor after the process's death, too
            if self.rng.random_bool(0.5) {
                let _refused = self.vendor.charge(credits, counted + ahead);
            } else {
                *self
                    .vendor
                    .lost
                    .entry((counted + ahead).div_euclid(DAY_MS))
                    .or_default() += credits;
            }
            self.now = self.dies;
            return None;
        }
        let charged = self.vendor.charge(credits, counted + ahead);
        if self.fault == Fault::WastesMinutes {
            self.now += 1500;
        }
        self.now += took;
        let date = Timestamp::from_second((counted + ahead).div_euclid(1000)).unwrap();
        Some(Heard {
            credits: charged.ok().filter(|_| self.case.has_headers).unwrap_or_default(),
            date: self.case.has_date.then_some(date),
            refused: charged.err().map(|of| Refused {
                of,
                limit: None,
                retry_after: None,
            }),
        })
    }
}

fn moment(now: i64, booted: i64) -> Moment {
    Moment {
        monotonic: Duration::from_millis((now - booted).unsigned_abs()),
        utc: Timestamp::from_millisecond(now).unwrap(),
    }
}

/// No call is refused, and of each whole day's credits at least 99 % are used: of those of its minutes in which a
/// process lived, if the plan has none for the day.
fn holds(case: Case, fault: Fault) -> Result<(), String> {
    let mut vendor = World::new(case, fault).run();
    if let Some((at, of)) = vendor.refused.first() {
        let times = vendor.refused.len();
        let at = Timestamp::from_millisecond(*at).unwrap();
        return Err(format!("{times} calls refused, the first at {at} for the {of:?}"));
    }
    vendor.days.pop_first();
    vendor.days.pop_last();
    for (day, used) in vendor.days {
        let used = used + vendor.lost.get(&day).unwrap_or(&0);
        let lived = DAY_MS - vendor.down.get(&day).unwrap_or(&0);
        let by_minutes = i64::from(case.plan.per_minute) * lived / MINUTE_MS;
        let to_use = by_minutes.min(case.plan.per_day.unwrap_or(u32::MAX).into());
        if i64::from(used) * 100 < to_use * 99 {
            return Err(format!("day {day} used {used} of {to_use}"));
        }
    }
    Ok(())
}

fn a_case() -> impl Strategy<Value = Case> {
    let plan = prop_oneof![
        4 => Just(Plan::FREE),
        1 => Just(Plan { per_minute: 55, per_day: None }),
        1 => Just(Plan { per_minute: 144, per_day: None }),
        1 => Just(Plan { per_minute: 610, per_day: None }),
        1 => (1_u32..50, 50_u32..3000).prop_map(|(per_minute, per_day)| Plan { per_minute, per_day: Some(per_day) }),
    ];
    let life_ms = prop_oneof![
        1 => Just(None),
        3 => Just(Some((60_000, 400_000))),
    ];
    (
        any::<u64>(),
        plan,
        prop_oneof![Just(Window::Stands), Just(Window::Slides)],
        prop_oneof![1_u32..12, 12_u32..300],
        -3_600_000_i64..3_600_000,
        life_ms,
        any::<bool>(),
    )
        .prop_map(
            |(seed, plan, window, symbols, vendor_ahead_ms, life_ms, has_headers)| {
                // one call at a time: calls for too few symbols cannot use a large plan
                let symbols = symbols.max(plan.per_minute / 30);
                let a_day = plan.per_day.unwrap_or(u32::MAX).min(plan.per_minute * 24 * 60);
                let calls_a_day = (a_day / symbols.min(120)).max(1);
                Case {
                    seed,
                    plan,
                    window,
                    symbols,
                    interval: Duration::from_secs(1),
                    days: i64::from(100_000 / calls_a_day).clamp(3, 31),
                    vendor_ahead_ms,
                    latency_ms: (20, 400),
                    life_ms,
                    has_date: true,
                    has_headers,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_is_refused_and_no_day_wasted(case in a_case()) {
        prop_assert_eq!(holds(case, Fault::None), Ok(()), "{:?}", case);
    }
}

fn a_month(plan: Plan, symbols: u32, window: Window) -> Case {
    Case {
        seed: 11,
        plan,
        window,
        symbols,
        interval: Duration::from_secs(1),
        days: 31,
        vendor_ahead_ms: -90_000,
        latency_ms: (20, 400),
        life_ms: Some((60_000, 400_000)),
        has_date: true,
        has_headers: true,
    }
}

#[test]
fn a_month_of_each_plan_is_used_to_the_last_credit() {
    for (per_minute, per_day, symbols, window) in [
        (8, Some(800), 1, Window::Stands),
        (8, Some(800), 2, Window::Slides),
        (8, Some(800), 12, Window::Stands),
        (8, Some(800), 1000, Window::Slides),
        (55, None, 7, Window::Slides),
        (55, None, 120, Window::Stands),
        (144, None, 50, Window::Slides),
        (610, None, 120, Window::Slides),
        (610, None, 1000, Window::Stands),
    ] {
        let case = a_month(Plan { per_minute, per_day }, symbols, window);
        assert_eq!(holds(case, Fault::None), Ok(()), "{case:?}");
    }
}

#[test]
fn what_wastes_or_overspends_is_found() {
    let month = |per_minute, per_day| a_month(Plan { per_minute, per_day }, 2, Window::Slides);
    let (free, paid) = (month(8, Some(800)), month(55, None));
    let large_calls = Case { symbols: 50, ..paid };
    for (fault, case, words) in [
        (Fault::WastesMinutes, paid, "used"),
        (Fault::WastesDays, free, "used"),
        (Fault::Forgets, free, "refused"),
        (Fault::Forgets, paid, "refused"),
        (Fault::LosesCallsInFlight, large_calls, "refused"),
    ] {
        let case = Case { days: 4, ..case };
        assert_eq!(holds(case, Fault::None), Ok(()), "{case:?}");
        let found = holds(case, fault)
            .err()
            .unwrap_or_else(|| panic!("{fault:?} is not found"));
        assert!(found.contains(words), "{fault:?}: {found}");
    }
}

/// Found by the property: a reply counted what the account had forgotten while the call was under way.
#[test]
fn what_comes_free_during_a_call_is_nobody_elses() {
    let case = Case {
        seed: 17_473_774_577_263_535_292,
        plan: Plan {
            per_minute: 23,
            per_day: Some(186),
        },
        symbols: 144,
        vendor_ahead_ms: -3_431_727,
        life_ms: None,
        ..a_month(Plan::FREE, 1, Window::Slides)
    };
    assert_eq!(holds(case, Fault::None), Ok(()));
}
