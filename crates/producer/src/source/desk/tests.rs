use std::collections::BTreeSet;

use super::simulation::{NewYork, UNKNOWN, World, error, orders};
use super::*;
use crate::Error;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);

/// What today's even pace would have brought of each symbol: 800 credits over 24 hours.
fn evenly(open: Duration, symbols: u64) -> u64 {
    open.as_secs() / (86_400 * symbols / 800)
}

#[test]
fn a_weeks_credits_go_to_the_hours_in_which_prices_move() {
    // the clocks change on the first of November, the vendor's market has a holiday on Tuesday and a half day after
    let mut world = World::new(
        orders("AAPL,MSFT", 10 * SECOND, Policy::Open),
        "2026-10-30T00:00:00Z",
    );
    world.new_york = NewYork::new(&["2026-11-03"], &["2026-11-04"]);
    world.run(DAY * 7).unwrap();

    let new_york = world.new_york.clone();
    let of = |symbol: &str| {
        let ticks = world
            .ticks
            .iter()
            .filter(|tick| tick.1 == symbol)
            .map(|tick| tick.0);
        ticks.partition::<Vec<_>, _>(|at| new_york.is_open(*at))
    };
    // Friday, Monday, half of Wednesday, Thursday
    let open = Duration::from_mins(390) * 3 + Duration::from_mins(210);
    for symbol in ["AAPL", "MSFT"] {
        let (in_hours, outside): (Vec<_>, Vec<_>) = of(symbol);
        let today = evenly(open, 2);
        assert!(
            in_hours.len() as u64 >= 3 * today,
            "{symbol}: {} in hours, {today} at an even pace",
            in_hours.len()
        );
        // the first look, and one price after each of four closes
        assert_eq!(outside.len(), 5, "{symbol}: {outside:?}");
    }
    assert_eq!(world.refused_for_credits, 0);
    for (day, spent) in &world.days {
        let asks = world
            .requests
            .iter()
            .filter(|request| request.path == "market_state" && request.at.as_second() / 86_400 == *day);
        let asks = asks.count();
        assert!(asks <= 24, "{asks} credits to know the hours on day {day}");
        assert!(*spent <= 800);
    }
    let trading_days = world.days.values().filter(|spent| **spent > 100);
    let spent: Vec<_> = trading_days.copied().collect();
    assert_eq!(spent.len(), 4);
    assert!(spent.iter().all(|spent| *spent >= 760), "{spent:?}");
}

#[test]
fn without_market_state_a_look_an_hour_finds_the_opening() {
    let mut world = World::new(
        orders("AAPL,MSFT", 10 * SECOND, Policy::Open),
        "2026-11-02T00:00:00Z",
    );
    world.has_market_state = false;
    world.run(DAY * 2).unwrap();
    let new_york = world.new_york.clone();
    let in_hours = world.ticks.iter().filter(|tick| new_york.is_open(tick.0)).count() as u64;
    let today = evenly(Duration::from_mins(390) * 2, 2) * 2;
    assert!(
        in_hours * 10 >= today * 22,
        "{in_hours} in hours, {today} at an even pace"
    );
    assert_eq!(world.refused_for_credits, 0);
}

#[test]
fn coins_come_always_and_currencies_in_their_week() {
    let symbols = "BTC/USD,EUR/USD,AAPL";
    // a Saturday
    let mut world = World::new(orders(symbols, MINUTE, Policy::Open), "2026-10-31T12:00:00Z");
    world.per_minute = 610;
    world.per_day = None;
    let count = |world: &World, symbol: &str| world.ticks.iter().filter(|tick| tick.1 == symbol).count();
    world.run(Duration::from_hours(6)).unwrap();
    assert_eq!((count(&world, "EUR/USD"), count(&world, "AAPL")), (1, 1));
    assert!(count(&world, "BTC/USD") >= 359, "{}", count(&world, "BTC/USD"));
    // to Sunday 18:30 in New York, half an hour into the week of currencies
    world
        .run(Duration::from_hours(29) + Duration::from_mins(30))
        .unwrap();
    assert!(
        (85..=92).contains(&count(&world, "EUR/USD")),
        "{}",
        count(&world, "EUR/USD")
    );
    assert_eq!(count(&world, "AAPL"), 1);
}

#[test]
fn with_market_hours_always_all_come_at_night_too() {
    let mut world = World::new(orders("AAPL", MINUTE, Policy::Always), "2026-10-31T12:00:00Z");
    world.per_day = None;
    world.run(Duration::from_hours(1)).unwrap();
    assert!(world.ticks.len() >= 59);
    assert!(
        world
            .requests
            .iter()
            .all(|request| request.path != "market_state" && request.path != "quote")
    );
}

fn poll(symbols: &str, hook: impl FnMut(&simulation::Request) -> Option<(u16, String)> + 'static) -> World {
    let mut world = World::new(
        orders(symbols, 10 * SECOND, Policy::Always),
        "2026-11-02T15:00:00Z",
    );
    world.per_minute = 610;
    world.per_day = None;
    world.hook = Box::new(hook);
    world
}

fn symbols_of(world: &World) -> BTreeSet<String> {
    world.ticks.iter().map(|tick| tick.1.clone()).collect()
}

#[test]
fn all_prices_are_asked_with_all_decimals_and_the_instruments_parameters() {
    let mut world = poll("AAPL,RY;mic_code=XTSE", |_| None);
    world.run(5 * SECOND).unwrap();
    let asked: Vec<_> = world
        .requests
        .iter()
        .filter(|request| request.path == "price")
        .collect();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request.query["dp"] == "11"));
    assert_eq!(asked[1].query["mic_code"], "XTSE");
}

#[test]
fn one_refusal_out_of_the_blue_is_borne_and_the_next_poll_comes_within_seconds() {
    let page = "<html><body>Authorization Required</body></html>".to_owned();
    for (what, status, body) in [
        (
            "401",
            401,
            error(401, "**apikey** parameter is incorrect or not specified."),
        ),
        (
            "401 under 200",
            200,
            error(401, "**apikey** parameter is incorrect or not specified."),
        ),
        ("a gateway's 401", 401, page.clone()),
        ("403", 403, error(403, "Forbidden")),
        ("a challenge page", 403, page.clone()),
        ("404 of all", 404, error(404, UNKNOWN)),
        (
            "414",
            414,
            error(414, "Input parameter array exceeds the allowed length"),
        ),
        ("502", 502, page),
        ("no reply", 0, "connection reset".to_owned()),
    ] {
        for at in [0, 1, 6] {
            let (status, body) = (status, body.clone());
            let mut world = poll("AAPL,MSFT", move |request| {
                (request.number == at && (request.path == "price" || at == 0)).then(|| (status, body.clone()))
            });
            world
                .run(MINUTE)
                .unwrap_or_else(|error| panic!("{what} at {at} ended it: {error}"));
            assert!(
                world.ticks.len() >= 10,
                "{what} at {at}: {} ticks",
                world.ticks.len()
            );
            let times: Vec<_> = world.ticks.iter().map(|tick| tick.0).collect();
            let gap = times
                .windows(2)
                .map(|pair| pair[1].duration_since(pair[0]))
                .max()
                .unwrap();
            assert!(gap.as_secs() <= 13, "{what} at {at}: {gap}");
        }
    }
}

#[test]
fn a_refusal_for_minutes_in_the_vendors_words_is_final_before_any_answer_and_never_after_one() {
    for (code, message) in [
        (401, "**apikey** parameter is incorrect"),
        (403, "/price is available exclusively"),
    ] {
        let mut world = poll("AAPL,MSFT", move |_| Some((code, error(code, message))));
        world.run(Duration::from_secs(170)).unwrap();
        let failure = world.run(Duration::from_mins(5)).unwrap_err();
        assert!(
            matches!(failure, Error::KeyRefused { .. } | Error::EndpointRefused { .. }),
            "{failure}"
        );
        assert!(world.requests.len() < 20);

        let mut world = poll("AAPL,MSFT", move |request| {
            (request.number > 5).then(|| (code, error(code, message)))
        });
        world.run(DAY).unwrap();
    }
    let mut world = poll("AAPL,MSFT", |_| Some((401, "<html>".to_owned())));
    world.run(Duration::from_hours(2)).unwrap();
}

#[test]
fn a_symbol_refused_at_first_comes_as_soon_as_the_vendor_knows_it() {
    let mut prices = 0;
    let mut world = poll("VTSAX", move |request| {
        prices += usize::from(request.path == "price");
        (request.path == "price" && prices <= 3).then(|| (404, error(404, UNKNOWN)))
    });
    world.run(25 * SECOND).unwrap();
    assert!(world.ticks.len() >= 2, "{}", world.ticks.len());
}

#[test]
fn no_symbol_that_can_be_had_ends_it_after_minutes_with_each_reason() {
    let mut world = poll("NIKK,ALD", |request| {
        (request.path == "price").then(|| (404, error(404, UNKNOWN)))
    });
    world.run(Duration::from_secs(170)).unwrap();
    let failure = world.run(Duration::from_mins(10)).unwrap_err();
    assert!(
        matches!(&failure, Error::NoUsableSymbol { reasons } if reasons.len() == 2),
        "{failure}"
    );
}

#[test]
fn one_bad_symbol_that_has_the_vendor_refuse_the_batch_costs_the_good_ones_nothing() {
    for (code, message) in [
        (404, UNKNOWN),
        (400, "**symbol** not found: ZZZZ."),
        (403, "The 'demo' API key is only"),
    ] {
        let mut world = poll("AAPL,MSFT,ZZZZ,GOOG,TSLA", move |request| {
            let is_refused = request.symbols.iter().any(|symbol| symbol == "ZZZZ");
            is_refused.then(|| (200, error(code, message)))
        });
        world.run(DAY).unwrap();
        assert_eq!(symbols_of(&world).len(), 4);
        let ticks = world.ticks.iter().filter(|tick| tick.1 == "AAPL").count();
        assert!(ticks >= 8630, "{ticks} of 8640");
        let asked = world
            .requests
            .iter()
            .filter(|request| request.symbols.iter().any(|symbol| symbol == "ZZZZ"));
        let asked = asked.count();
        assert!(asked <= 22, "{asked} calls for the bad one in a day");
    }
}

#[test]
fn an_outage_of_an_hour_costs_what_an_uninterrupted_hour_does() {
    let spent = |is_away: bool| {
        let mut world = World::new(
            orders("AAPL,MSFT", MINUTE, Policy::Always),
            "2026-11-02T00:00:00Z",
        );
        let begin = world.now.utc + Duration::from_mins(10);
        let end = begin + Duration::from_hours(1);
        world.hook = Box::new(move |request| {
            (is_away && (begin..end).contains(&request.at)).then(|| (503, "<html>".to_owned()))
        });
        world.run(Duration::from_mins(75)).unwrap();
        world
            .requests
            .iter()
            .map(|request| request.symbols.len().max(1))
            .sum::<usize>()
    };
    let (through, away) = (spent(false), spent(true));
    assert!(
        away <= through + 20,
        "{away} credits asked for with the outage, {through} without"
    );
}

#[test]
fn a_429_in_one_entry_reaches_the_account() {
    let mut is_first = true;
    let mut world = poll("AAPL,MSFT", move |request| {
        (request.path == "price" && std::mem::take(&mut is_first)).then(|| {
            let refused = error(429, "You have run out of API credits for the current minute.");
            (200, format!(r#"{{"AAPL":{{"price":"1"}},"MSFT":{refused}}}"#))
        })
    });
    world.run(30 * SECOND).unwrap();
    assert_eq!(symbols_of(&world).len(), 1, "no call before the minute is over");
    world.run(90 * SECOND).unwrap();
    assert_eq!(symbols_of(&world).len(), 2);
}

#[test]
fn the_wall_clock_holds_no_wait() {
    // a refusal for the minute while the clock is twenty minutes ahead, which is then mended, or set back by a year
    for back in [Duration::from_mins(20), DAY * 365] {
        let mut world = poll("AAPL", |request| {
            (request.number == 3).then(|| {
                (
                    429,
                    error(429, "You have run out of API credits for the current minute."),
                )
            })
        });
        world.run(40 * SECOND).unwrap();
        let before = world.ticks.len();
        world.now.utc -= back;
        world.run(2 * MINUTE).unwrap();
        assert!(
            world.ticks.len() > before + 4,
            "{} ticks after the clock was set",
            world.ticks.len()
        );
    }
}

#[test]
fn samples_that_are_done_end_it() {
    let mut orders = orders("AAPL,MSFT", Duration::ZERO, Policy::Always);
    orders.samples = NonZeroU64::new(3);
    let mut world = World::new(orders, "2026-11-02T15:00:00Z");
    while !world.desk.is_done() {
        world.run(Duration::from_millis(1)).unwrap();
    }
    assert_eq!(world.ticks.len(), 6);
    assert_eq!(world.desk.counts().polls, 3);
}

#[test]
fn prepost_is_left_out_where_the_plan_has_it_not() {
    let mut orders = orders("AAPL", 10 * SECOND, Policy::Always);
    orders.is_prepost = true;
    let mut world = World::new(orders, "2026-11-02T15:00:00Z");
    world.hook = Box::new(|request| {
        request.query.contains_key("prepost").then(|| {
            (
                403,
                error(403, "Pre/post market data is available with the Pro plan"),
            )
        })
    });
    world.run(MINUTE).unwrap();
    assert!(!world.ticks.is_empty());
    assert_eq!(
        world
            .requests
            .iter()
            .filter(|request| request.query.contains_key("prepost"))
            .count(),
        1
    );
}

#[test]
fn a_start_without_a_quote_needs_an_operator_or_does_not() {
    let needs_none = |world: &World| world.desk.needs_no_operator(world.now);
    let mut without_credits = poll("AAPL", |_| {
        Some((429, error(429, "You have run out of API credits for the day.")))
    });
    without_credits.run(SECOND).unwrap();
    assert!(needs_none(&without_credits));

    let mut away = poll("AAPL", |_| Some((503, "<html>".to_owned())));
    away.run(MINUTE).unwrap();
    assert!(!needs_none(&away));
    away.run(3 * MINUTE).unwrap();
    assert!(needs_none(&away));

    let mut misspelt = poll("APPL", |request| {
        (request.path == "price").then(|| (404, error(404, UNKNOWN)))
    });
    misspelt.run(250 * SECOND).unwrap();
    assert!(!needs_none(&misspelt));

    let mut refused = poll("AAPL", |_| {
        Some((401, error(401, "**apikey** parameter is incorrect")))
    });
    refused.run(170 * SECOND).unwrap();
    assert!(!needs_none(&refused));
}

#[test]
fn a_plan_without_a_days_limit_is_used_to_its_minutes_by_whole_calls() {
    let mut orders = orders("A,B,C,D,E,F,G", SECOND, Policy::Always);
    orders.endpoint = Endpoint::Price;
    let mut world = World::new(orders, "2026-11-02T12:00:00Z");
    (world.per_minute, world.per_day) = (55, None);
    world.run(MINUTE * 2).unwrap();
    let (calls_before, ticks_before) = (world.requests.len(), world.ticks.len());
    world.run(MINUTE * 60).unwrap();
    let (calls, ticks) = (
        world.requests.len() - calls_before,
        world.ticks.len() - ticks_before,
    );
    assert!(ticks >= 55 * 60 * 98 / 100, "{ticks} ticks");
    assert!(calls <= 60 * 10, "{calls} calls");
    assert_eq!(world.refused_for_credits, 0);
    let of = |name: &str| world.ticks.iter().filter(|(_, symbol)| symbol == name).count();
    let times = ["A", "B", "C", "D", "E", "F", "G"].map(of);
    assert!(
        times.iter().max().unwrap() - times.iter().min().unwrap() <= 2,
        "{times:?}"
    );
    assert!(world.desk.counts().polls >= 400, "{}", world.desk.counts().polls);
}

#[test]
fn calls_that_did_not_reach_the_vendor_cost_the_day_nothing() {
    let mut world = World::new(
        orders("AAPL,MSFT", SECOND, Policy::Always),
        "2026-11-02T00:00:00Z",
    );
    let back: jiff::Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
    world.hook = Box::new(move |request| (request.at < back).then(|| (1, "refused".to_owned())));
    world.run(DAY).unwrap();
    let spent = world.days.values().next().unwrap();
    assert!(
        *spent >= 792,
        "{spent} credits spent of what was left for half a day"
    );
    assert_eq!(world.refused_for_credits, 0);
}
