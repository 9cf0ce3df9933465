use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use twelve_data::{CreditHeaders, Exhausted, Usage};

use super::*;

/// 14:00:00 UTC of some day, and so many milliseconds later.
fn after(milliseconds: u64) -> Moment {
    let elapsed = Duration::from_millis(milliseconds);
    Moment {
        monotonic: Duration::from_mins(5) + elapsed,
        utc: Timestamp::from_second(1_795_442_400).unwrap() + elapsed,
    }
}

const MIDNIGHT: u64 = 10 * 3_600_000;

fn usage(per_minute: u32, per_day: Option<u32>, used_today: u32) -> Usage {
    Usage {
        current_usage: 0,
        plan_limit: per_minute,
        daily_usage: per_day.map(|_| used_today),
        plan_daily_limit: per_day,
    }
}

fn fresh(per_minute: u32, per_day: Option<u32>) -> Account {
    let mut account = Account::new(after(0));
    account.learn(usage(per_minute, per_day, 0), after(0));
    account
}

/// A reply at this time, with these headers.
fn heard(used: u32, left: u32, at: u64) -> Heard {
    Heard {
        credits: CreditHeaders {
            used: Some(used),
            left: Some(left),
        },
        date: Some(after(at).utc),
        refused: None,
    }
}

fn refused(of: Exhausted, limit: Option<u32>) -> Heard {
    Heard {
        refused: Some(Refused {
            of,
            limit,
            retry_after: None,
        }),
        ..Heard::default()
    }
}

fn spend(account: &mut Account, credits: u32, heard: Heard, sent: u64) {
    let reservation = account.reserve(credits, after(sent)).unwrap();
    account.settle(reservation, heard, after(sent + 100));
}

fn reason(account: &mut Account, credits: u32, at: u64) -> WaitReason {
    account.reserve(credits, after(at)).unwrap_err().reason
}

fn plan(per_minute: u32, per_day: Option<u32>) -> Plan {
    Plan { per_minute, per_day }
}

#[test]
fn credits_come_back_sixty_seconds_after_the_call_ended() {
    let mut account = fresh(8, None);
    spend(&mut account, 5, Heard::default(), 0);
    spend(&mut account, 3, Heard::default(), 10_000);
    let wait = account.reserve(4, after(20_000)).unwrap_err();
    assert_eq!(wait.reason, WaitReason::Minute);
    assert!(account.reserve(4, after(60_099)).is_err());
    assert!((40_100..40_200).contains(&wait.wait.as_millis()), "{wait:?}");
    assert!(account.reserve(4, after(60_200)).is_ok());
}

#[test]
fn a_call_in_flight_counts_and_one_that_never_left_does_not() {
    let mut account = fresh(8, Some(800));
    let call = account.reserve(8, after(0)).unwrap();
    assert_eq!(reason(&mut account, 1, 90_000), WaitReason::Minute);
    account.unsend(call);
    assert_eq!(
        (account.left_this_minute(), account.left_today(after(1))),
        (8, Some(800))
    );
}

#[test]
fn the_vendors_midnight_counts_not_this_hosts() {
    // the vendor's clock is 20 minutes behind
    let behind = 20 * 60_000;
    let mut account = fresh(8, Some(10));
    let call = account.reserve(8, after(0)).unwrap();
    let date = after(0).utc.checked_sub(Duration::from_millis(behind)).unwrap();
    account.settle(
        call,
        Heard {
            date: Some(date),
            ..Heard::default()
        },
        after(100),
    );
    assert_eq!(reason(&mut account, 3, MIDNIGHT + 60_000), WaitReason::Day);
    assert_eq!(
        reason(&mut account, 3, MIDNIGHT + behind - 60_000),
        WaitReason::Day
    );
    assert!(account.reserve(3, after(MIDNIGHT + behind + 5000)).is_ok());
}

#[test]
fn a_wall_clock_that_jumps_moves_no_midnight_and_no_wait() {
    for jump in [-365 * 86_400, -86_400, -1200, 1200, 86_400, 365 * 86_400] {
        let mut account = fresh(8, Some(10));
        spend(&mut account, 2, heard(2, 6, 0), 0);
        spend(&mut account, 1, refused(Exhausted::Minute, Some(8)), 1000);
        let jumped = |milliseconds| Moment {
            utc: Timestamp::from_second(after(milliseconds).utc.as_second() + jump).unwrap(),
            ..after(milliseconds)
        };
        let wait = account.reserve(1, jumped(2000)).unwrap_err();
        assert_eq!(wait.reason, WaitReason::MinuteRefused, "{jump}");
        assert!(wait.wait <= Duration::from_secs(61), "{jump}");
        assert!(account.reserve(7, jumped(62_200)).is_ok(), "{jump}");
        assert_eq!(account.left_today(jumped(62_300)), Some(0), "{jump}");
        let wait = account.reserve(1, jumped(130_000)).unwrap_err();
        assert_eq!(wait.reason, WaitReason::Day, "{jump}");
        assert!(account.reserve(1, jumped(MIDNIGHT + 5000)).is_ok(), "{jump}");
    }
}

#[test]
fn a_call_over_midnight_counts_in_both_days() {
    let mut account = fresh(8, Some(10));
    spend(&mut account, 1, heard(1, 7, 0), 0);
    let call = account.reserve(8, after(MIDNIGHT - 500)).unwrap();
    account.settle(call, heard(8, 0, MIDNIGHT), after(MIDNIGHT + 500));
    assert_eq!(account.left_today(after(MIDNIGHT + 60_000)), Some(2));
}

#[test]
fn a_refusal_for_the_day_waits_for_the_vendors_midnight() {
    let mut account = fresh(8, Some(800));
    spend(&mut account, 1, heard(1, 7, 0), 0);
    spend(&mut account, 1, refused(Exhausted::Day, Some(800)), 1000);
    let wait = account.reserve(1, after(120_000)).unwrap_err();
    assert_eq!(wait.reason, WaitReason::DayRefused);
    assert!(!account.is_usage_due(after(120_000)));
    assert!(account.reserve(1, after(MIDNIGHT - 2000)).is_err());
    assert!(account.reserve(1, after(MIDNIGHT + 5000)).is_ok());

    // so soon after midnight it may speak of yesterday
    let call = account.reserve(1, after(MIDNIGHT + 70_000)).unwrap();
    account.settle(call, refused(Exhausted::Day, Some(800)), after(MIDNIGHT + 70_100));
    assert!(account.reserve(1, after(MIDNIGHT + 132_000)).is_ok());
}

#[test]
fn retry_after_is_waited_for() {
    let mut account = fresh(8, None);
    let call = account.reserve(1, after(0)).unwrap();
    let mut heard = refused(Exhausted::Minute, None);
    heard.refused.as_mut().unwrap().retry_after = Some(Duration::from_mins(5));
    account.settle(call, heard, after(100));
    assert_eq!(reason(&mut account, 1, 299_000), WaitReason::MinuteRefused);
    assert!(account.reserve(1, after(300_200)).is_ok());
}

#[test]
fn a_smaller_plan_is_learned_from_a_refusal_and_confirmed() {
    let mut account = fresh(610, None);
    spend(&mut account, 12, heard(12, 598, 0), 0);
    assert!(!account.is_usage_due(after(500)));
    spend(&mut account, 12, refused(Exhausted::Minute, Some(8)), 1000);
    assert_eq!(account.plan(), plan(8, None));
    assert!(!account.is_usage_due(after(2000)), "no call while refused");
    assert!(account.is_usage_due(after(63_000)));
    let call = account.reserve(1, after(63_000)).unwrap();
    account.settle(call, heard(1, 7, 63_000), after(63_100));
    account.learn(usage(8, Some(800), 25), after(63_100));
    assert_eq!(account.plan(), Plan::FREE);
    assert_eq!(account.left_today(after(64_000)), Some(775));
    assert_eq!(account.plan_source(), PlanSource::Asked);
}

#[test]
fn a_larger_plan_is_learned_from_headers_and_confirmed() {
    let mut account = fresh(8, Some(800));
    spend(&mut account, 4, heard(4, 606, 0), 0);
    assert_eq!(account.plan(), plan(610, Some(800)));
    assert!(account.is_usage_due(after(200)));
    account.learn(usage(610, None, 0), after(300));
    assert_eq!(account.plan(), plan(610, None));
    assert!(!account.is_usage_due(after(400)));
}

#[test]
fn without_api_usage_what_replies_say_holds() {
    let mut paid = Account::new(after(0));
    assert_eq!(paid.plan(), Plan::FREE);
    let not_answered = |account: &mut Account, at| {
        let call = account.reserve_usage(after(at)).unwrap();
        account.settle(call, Heard::default(), after(at + 100));
        account.usage_not_answered(after(at + 100));
    };
    not_answered(&mut paid, 0);
    assert_eq!(
        (paid.plan(), paid.is_usage_due(after(59_000))),
        (Plan::FREE, false)
    );
    assert!(paid.is_usage_due(after(60_100)));
    // one good reply, and the free plan's pace is over
    spend(&mut paid, 2, heard(2, 608, 1000), 1000);
    assert_eq!(paid.plan(), plan(610, None));
    // asked for ever, and ever less often
    let (mut at, mut asked) = (0, 0);
    while at < 10 * 86_400_000 {
        if paid.is_usage_due(after(at)) {
            not_answered(&mut paid, at);
            asked += 1;
        }
        at += 30_000;
    }
    assert!((15..25).contains(&asked), "{asked}");

    let mut downgraded = fresh(610, None);
    spend(&mut downgraded, 12, refused(Exhausted::Minute, Some(8)), 0);
    not_answered(&mut downgraded, 62_000);
    assert_eq!(downgraded.plan(), Plan::FREE);

    let mut upgraded = fresh(8, Some(800));
    spend(&mut upgraded, 2, heard(2, 53, 0), 0);
    not_answered(&mut upgraded, 1000);
    assert_eq!(upgraded.plan(), plan(55, None));
}

#[test]
fn replies_that_contradict_api_usage_for_ever_do_not_make_it_asked_for_ever() {
    let mut account = fresh(8, Some(800));
    let mut asked = 0;
    for minute in 0..120 {
        let at = minute * 61_000;
        spend(&mut account, 1, heard(1, 609, at), at);
        if account.is_usage_due(after(at + 200)) {
            account.learn(usage(8, Some(800), 0), after(at + 200));
            asked += 1;
        }
        assert_eq!(account.plan(), Plan::FREE);
    }
    assert!(asked <= 3, "{asked}");

    // and a refusal is believed against it
    let mut account = fresh(610, None);
    spend(&mut account, 8, refused(Exhausted::Minute, Some(8)), 0);
    account.learn(usage(610, None, 0), after(62_000));
    assert_eq!(account.plan().per_minute, 8);
    spend(&mut account, 1, heard(1, 609, 63_000), 63_000);
    assert_eq!(account.plan().per_minute, 610);
}

#[test]
fn a_state_of_another_start_of_the_host_holds_credits_no_shorter() {
    let mut before = fresh(8, Some(800));
    spend(&mut before, 5, heard(5, 3, 0), 0);
    let _died = before.reserve(3, after(1000)).unwrap();
    let text = serde_json::to_string(&before.state(after(1000))).unwrap();
    let state: AccountState = serde_json::from_str(&text).unwrap();
    let started_again = |since_start: u64, since_kept: u64| Moment {
        monotonic: Duration::from_secs(since_start),
        utc: after(1000 + since_kept * 1000).utc,
    };
    for (since_start, since_kept) in [(20, 20), (301, 20), (350, 20), (20, 0)] {
        let now = started_again(since_start, since_kept);
        let mut account = Account::restore(&state, now);
        assert_eq!(account.spent_today(now), 8);
        assert!(account.reserve(1, now).is_err(), "{since_start} {since_kept}");
        let later = started_again(since_start + 62, since_kept + 62);
        assert!(account.reserve(5, later).is_ok(), "{since_start} {since_kept}");
        let later = started_again(since_start + 102, since_kept + 102);
        assert!(account.reserve(3, later).is_ok(), "{since_start} {since_kept}");
    }
    // a clock that is a day ahead meanwhile gives no second day once the vendor was heard
    let now = started_again(20, 86_400);
    let mut account = Account::restore(&state, now);
    let call = account.reserve(1, now).unwrap();
    account.settle(call, heard(1, 7, 30_000), now);
    assert!(account.left_today(now) <= Some(791));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_process_costs_at_most_one_refused_call_a_minute(
        per_minute in 4_u32..60,
        is_sliding in any::<bool>(),
        others in proptest::collection::vec((1_u64..30_000, 1_u32..20), 50..400),
    ) {
        let mut charges: Vec<(u64, u32)> = Vec::new();
        let mut charge = |credits: u32, at: u64| {
            let oldest = if is_sliding { (at + 1).saturating_sub(60_000) } else { at - at % 60_000 };
            let used: u32 = charges.iter().filter(|(when, _)| *when >= oldest).map(|(_, credits)| credits).sum();
            if used + credits > per_minute {
                return Err(used);
            }
            charges.push((at, credits));
            Ok(heard(used + credits, per_minute - used - credits, at))
        };
        let mut account = fresh(per_minute, None);
        let mut schedule = Schedule::new(after(0));
        let demand = Demand {
            interval: Duration::ZERO,
            symbols: 3,
            asked: 0,
            rounds_left: None,
            open_time: Duration::from_hours(24),
            kept_back: 0,
        };
        let (mut now, mut refusals) = (0, Vec::new());
        for (pause, credits) in others {
            let until = now + pause;
            while now < until {
                match schedule.next_call(&mut account, &demand, 120, after(now)) {
                    Ok(call) => {
                        let reply = charge(call.credits(), now).unwrap_or_else(|_| {
                            refusals.push(now);
                            refused(Exhausted::Minute, Some(per_minute))
                        });
                        account.settle(call, reply, after(now + 1));
                        now += 1;
                    }
                    Err(wait) => now += u64::try_from(wait.wait.as_millis()).unwrap() + 1,
                }
            }
            let _by_somebody_else = charge(credits, now);
        }
        prop_assert!(refusals.windows(2).all(|two| two[1] - two[0] >= 60_000), "{:?}", refusals);
    }
}

#[test]
fn what_others_spend_is_counted_by_minute_and_day() {
    let mut account = fresh(8, Some(800));
    spend(&mut account, 2, heard(5, 3, 0), 0);
    assert_eq!(
        (account.left_this_minute(), account.left_today(after(200))),
        (3, Some(795))
    );
    // a window that has just begun anew gives nothing back that the last 60 s used
    spend(&mut account, 1, heard(1, 7, 10_000), 10_000);
    assert_eq!(
        (account.left_this_minute(), account.left_today(after(10_200))),
        (2, Some(794))
    );
}

#[test]
fn a_wall_clock_that_jumps_between_two_processes_frees_no_credits() {
    let mut before = fresh(8, None);
    spend(&mut before, 8, Heard::default(), 0);
    let state = before.state(after(1000));
    for jump in [-1200, 1200] {
        let now = Moment {
            utc: Timestamp::from_second(after(11_000).utc.as_second() + jump).unwrap(),
            ..after(11_000)
        };
        assert!(Account::restore(&state, now).reserve(1, now).is_err(), "{jump}");
    }
}
