use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NOTHING_SAID: CreditHeaders = CreditHeaders {
    used: None,
    left: None,
};

/// 14:00:00 UTC of some day, and so many milliseconds later.
fn after(milliseconds: u64) -> Moment {
    let elapsed = Duration::from_millis(milliseconds);
    Moment {
        monotonic: Duration::from_secs(3) + elapsed,
        utc: Timestamp::from_second(1_795_442_400).unwrap() + elapsed,
    }
}

fn governor(per_minute: u32, per_day: Option<u32>) -> CreditGovernor {
    let mut governor = CreditGovernor::new(after(0));
    let usage = Usage {
        current_usage: 0,
        plan_limit: per_minute,
        daily_usage: None,
        plan_daily_limit: per_day,
    };
    governor.learn(usage, after(0));
    governor
}

fn spend(governor: &mut CreditGovernor, credits: u32, sent: u64, ended: u64) {
    governor.reserve(credits, after(sent)).unwrap();
    governor.settle(credits, NOTHING_SAID, after(ended));
}

#[test]
fn credits_come_back_sixty_seconds_after_the_call_ended() {
    let mut governor = governor(8, None);
    spend(&mut governor, 5, 0, 700);
    spend(&mut governor, 3, 10_000, 10_100);
    let wait = governor.reserve(4, after(20_000)).unwrap_err();
    assert_eq!(wait.reason, WaitReason::Minute);
    assert_eq!(wait.wait, Duration::from_millis(40_701));
    assert!(governor.reserve(4, after(60_700)).is_err());
    assert_eq!(governor.reserve(4, after(60_701)), Ok(()));
}

#[test]
fn a_call_in_flight_counts() {
    let mut governor = governor(8, None);
    governor.reserve(8, after(0)).unwrap();
    assert!(governor.reserve(1, after(90_000)).is_err());
}

#[test]
fn the_day_ends_at_midnight_utc() {
    let mut governor = governor(8, Some(10));
    spend(&mut governor, 8, 0, 100);
    let wait = governor.reserve(3, after(120_000)).unwrap_err();
    assert_eq!(wait.reason, WaitReason::Day);
    assert_eq!(
        wait.wait,
        Duration::from_hours(10) - Duration::from_mins(2) + PAST_DAY
    );
    assert_eq!(governor.reserve(2, after(120_000)), Ok(()));
    governor.settle(2, NOTHING_SAID, after(120_100));
    assert_eq!(governor.reserve(3, after(10 * 3_600_000 + 5000)), Ok(()));
}

#[test]
fn a_call_over_midnight_counts_in_both_days() {
    let mut governor = governor(8, Some(10));
    let midnight = 10 * 3_600_000;
    spend(&mut governor, 8, midnight - 500, midnight + 500);
    assert_eq!(governor.left_today(), Some(2));
}

#[test]
fn a_wall_clock_set_back_gives_no_second_day() {
    let mut governor = governor(8, Some(10));
    let midnight = 10 * 3_600_000;
    spend(&mut governor, 8, midnight + 500, midnight + 600);
    let mut earlier = after(midnight + 120_000);
    earlier.utc = after(midnight - 60_000).utc;
    assert!(governor.reserve(8, earlier).is_err());
    assert!(governor.reserve(8, after(midnight + 240_000)).is_err());
}

#[test]
fn what_was_used_before_the_start_is_known_from_api_usage() {
    let mut governor = CreditGovernor::new(after(0));
    spend(&mut governor, 1, 0, 200);
    let usage = Usage {
        current_usage: 6,
        plan_limit: 8,
        daily_usage: Some(120),
        plan_daily_limit: Some(800),
    };
    governor.learn(usage, after(200));
    assert_eq!(governor.left_this_minute(), 2);
    assert_eq!(governor.left_today(), Some(680));
}

#[test]
fn the_headers_correct_the_count_downwards_only() {
    let headers = |used, left| CreditHeaders { used, left };
    let mut governor = governor(8, Some(800));
    governor.reserve(2, after(0)).unwrap();
    governor.settle(2, headers(Some(5), Some(3)), after(100));
    assert_eq!(governor.left_this_minute(), 3);
    governor.reserve(1, after(200)).unwrap();
    governor.settle(1, headers(Some(7), None), after(300));
    assert_eq!(governor.left_this_minute(), 1);
    governor.reserve(1, after(400)).unwrap();
    governor.settle(1, headers(Some(1), Some(7)), after(500));
    assert_eq!(
        governor.left_this_minute(),
        0,
        "a new minute of the vendor's gives nothing back"
    );
}

#[test]
fn an_assumed_plan_is_mended_by_the_headers() {
    let mut governor = CreditGovernor::new(after(0));
    assert_eq!(governor.plan(), Plan::BASIC);
    governor.reserve(2, after(0)).unwrap();
    let headers = CreditHeaders {
        used: Some(2),
        left: Some(375),
    };
    governor.settle(2, headers, after(100));
    assert_eq!(governor.plan().per_minute, 377);
    assert_eq!(governor.left_this_minute(), 375);
}

#[test]
fn a_refusal_waits_for_the_next_minute_or_for_midnight() {
    let mut governor = governor(8, None);
    governor.refuse(Exhausted::Minute, None, after(20_000));
    let wait = governor.reserve(1, after(20_000)).unwrap_err();
    assert_eq!(wait.reason, WaitReason::Refused);
    assert_eq!(wait.wait, Duration::from_millis(41_500));
    assert_eq!(governor.reserve(1, after(61_500)), Ok(()));

    governor.refuse(Exhausted::Day, None, after(120_000));
    let wait = governor.reserve(1, after(120_000)).unwrap_err().wait;
    assert_eq!(wait, Duration::from_hours(10) - Duration::from_mins(2) + PAST_DAY);

    let just_after_midnight = after(10 * 3_600_000 + 6000);
    governor.refuse(Exhausted::Day, None, just_after_midnight);
    let wait = governor.reserve(1, just_after_midnight).unwrap_err().wait;
    assert!(wait < Duration::from_mins(2), "our clock may be ahead: {wait:?}");

    let retry_after = Some(Duration::from_mins(20));
    governor.refuse(Exhausted::Minute, retry_after, after(0));
    assert_eq!(
        governor.reserve(1, after(0)).unwrap_err().wait,
        Duration::from_mins(20)
    );
}

/// One call of a random schedule; all in ms.
#[derive(Clone, Debug)]
struct Call {
    credits: u32,
    pause: u64,
    latency: u64,
    /// Where between sending and the end the vendor counts it, in percent.
    counted_at: u64,
    headers: CreditHeaders,
    refused: Option<Exhausted>,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let headers = (proptest::option::of(0_u32..20), proptest::option::of(0_u32..20))
        .prop_map(|(used, left)| CreditHeaders { used, left });
    let refused =
        proptest::option::weighted(0.05, prop_oneof![Just(Exhausted::Minute), Just(Exhausted::Day)]);
    let call = (
        1_u32..9,
        prop_oneof![0_u64..10, 0_u64..20_000, 0_u64..7_200_000],
        prop_oneof![0_u64..500, 0_u64..30_000],
        0_u64..=100,
        headers,
        refused,
    )
        .prop_map(|(credits, pause, latency, counted_at, headers, refused)| Call {
            credits,
            pause,
            latency,
            counted_at,
            headers,
            refused,
        });
    proptest::collection::vec(call, 1..150)
}

/// When the vendor counted how many credits.
fn run(calls: &[Call], per_minute: u32, per_day: Option<u32>) -> Vec<(u64, u32)> {
    let mut governor = governor(per_minute, per_day);
    let mut counted = Vec::new();
    let mut now = 0;
    for call in calls {
        now += call.pause;
        let credits = call.credits.min(per_minute);
        while let Err(Wait { wait, .. }) = governor.reserve(credits, after(now)) {
            assert!(wait > Duration::ZERO, "a wait of nothing would spin");
            // waiting in slices, as the feed does
            now += u64::try_from(wait.as_millis()).unwrap().clamp(1, 40_000_000);
        }
        counted.push((now + call.latency * call.counted_at / 100, credits));
        now += call.latency;
        governor.settle(credits, call.headers, after(now));
        if let Some(exhausted) = call.refused {
            governor.refuse(exhausted, None, after(now));
        }
    }
    counted
}

proptest! {
    #[test]
    fn never_more_than_the_plan_in_any_sixty_seconds_nor_in_a_utc_day(
        calls in calls(),
        per_minute in 1_u32..20,
        per_day in proptest::option::of(20_u32..100),
    ) {
        let counted = run(&calls, per_minute, per_day);
        for (start, _) in &counted {
            let in_window: u32 = counted.iter()
                .filter(|(at, _)| (*start..=start + 60_000).contains(at))
                .map(|(_, credits)| credits).sum();
            prop_assert!(in_window <= per_minute, "{in_window} credits in the 60 s from {start}");
        }
        let mut by_day = BTreeMap::<i64, u32>::new();
        for (at, credits) in counted {
            *by_day.entry(day_of(after(at).utc)).or_default() += credits;
        }
        for (day, credits) in by_day {
            prop_assert!(per_day.is_none_or(|cap| credits <= cap), "{credits} credits on day {day}");
        }
    }
}
