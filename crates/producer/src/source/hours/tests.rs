use quote_model::{Decimal, Text};

use super::*;

fn at(seconds: u64) -> Moment {
    Moment {
        monotonic: Duration::from_secs(100_000 + seconds),
        // a Monday
        utc: "2026-11-02T14:00:00Z".parse::<jiff::Timestamp>().unwrap() + Duration::from_secs(seconds),
    }
}

fn instrument() -> Instrument {
    "AAPL".parse().unwrap()
}

fn quote(is_open: bool) -> Quote {
    Quote {
        exchange: Text::present("NASDAQ".to_owned()),
        mic_code: Text::present("XNGS".to_owned()),
        class: Some(AssetClass::Listed),
        is_market_open: Some(is_open),
        ..Quote::of_price(Decimal::parse("1").unwrap())
    }
}

fn state(is_open: bool, turns: u64) -> MarketState {
    let time = Some(Duration::from_secs(turns)).filter(|time| !time.is_zero());
    MarketState {
        name: "NASDAQ".to_owned(),
        code: "XNAS".to_owned(),
        is_open,
        time_to_open: time.filter(|_| !is_open),
        time_to_close: time.filter(|_| is_open),
    }
}

/// One symbol whose market opens in half an hour.
fn closed(is_extended: bool) -> Hours {
    let mut hours = Hours::new(1, Policy::Open, is_extended);
    assert!(hours.wants(0, at(0)));
    assert_eq!(hours.endpoint_for(0, Endpoint::Price, at(0)), Endpoint::Quote);
    hours.answered(0, &instrument(), &quote(false), at(0));
    assert_eq!(hours.ask_due(), Some(Duration::ZERO));
    assert_eq!(hours.learn(&[state(false, 1800)], at(1)).len(), 1);
    hours
}

#[test]
fn a_closed_market_rests_until_it_opens_by_the_vendors_word() {
    let mut hours = closed(false);
    assert!(!hours.wants(0, at(2)) && !hours.wants(0, at(1800)));
    assert_eq!(hours.next_turn(at(2)), Some(at(1801).monotonic));
    assert!(hours.wants(0, at(1801)), "without asking again");
    assert_eq!(hours.ask_due(), Some(at(1831).monotonic));
    // a late opening is noticed
    hours.learn(&[state(false, 600)], at(1831));
    assert!(!hours.wants(0, at(1832)) && hours.wants(0, at(2431)));
}

#[test]
fn one_price_comes_after_the_close() {
    let mut hours = closed(false);
    hours.learn(&[state(true, 3600)], at(1831));
    hours.answered(0, &instrument(), &quote(true), at(5000));
    let close = 1831 + 3600;
    assert!(hours.wants(0, at(close - 1)) && !hours.wants(0, at(close)) && !hours.wants(0, at(close + 60)));
    assert!(hours.wants(0, at(close + 120)));
    assert_eq!(hours.next_turn(at(close)), Some(at(close + 30).monotonic));
    hours.answered(
        0,
        &instrument(),
        &Quote::of_price(Decimal::parse("1").unwrap()),
        at(close + 121),
    );
    assert!(!hours.wants(0, at(close + 122)));
}

#[test]
fn with_prepost_the_hours_are_wider() {
    let mut hours = closed(true);
    assert!(hours.wants(0, at(2)), "half an hour before the opening");
    hours.learn(&[state(true, 3600)], at(1831));
    let close = 1831 + 3600;
    assert!(hours.wants(0, at(close + 4 * 3600 - 1)));
    hours.learn(&[state(false, 17 * 3600)], at(close + 30));
    let after = close + 4 * 3600 + 1;
    assert!(hours.wants(0, at(after)), "one price more");
    hours.answered(0, &instrument(), &quote(false), at(after));
    assert!(!hours.wants(0, at(after + 1)));
}

#[test]
fn the_open_time_is_what_is_left_of_the_session() {
    let mut hours = closed(false);
    let span = Duration::from_hours(10);
    let open_time = |hours: &Hours, now| hours.open_time(0..1, span, now);
    assert_eq!(open_time(&hours, at(1)), Duration::from_mins(390));
    hours.learn(&[state(true, 3600)], at(1831));
    assert_eq!(open_time(&hours, at(1831)), Duration::from_hours(1));
    assert_eq!(hours.asks_within(span, at(1831)), 1);
}

#[test]
fn what_the_vendor_does_not_say_is_asked_ever_more_rarely() {
    let mut hours = Hours::new(1, Policy::Open, false);
    hours.answered(0, &instrument(), &quote(true), at(0));
    let mut asked = 0;
    for second in (0..86_400).step_by(10) {
        if hours.ask_due().is_some_and(|due| due <= at(second).monotonic) {
            asked += 1;
            hours.learn(&[state(true, 0)], at(second));
        }
    }
    assert!((20..=28).contains(&asked), "{asked} in a day");
}

#[test]
fn a_market_that_no_list_has_is_looked_at_by_one_of_its_symbols() {
    let mut hours = Hours::new(2, Policy::Open, false);
    for member in 0..2 {
        hours.answered(member, &instrument(), &quote(false), at(0));
    }
    hours.learn(&[], at(1));
    assert!(!hours.wants(0, at(10)) && !hours.wants(1, at(10)));
    assert!(hours.wants(0, at(3601)) && !hours.wants(1, at(3601)));
    assert_eq!(hours.endpoint_for(0, Endpoint::Price, at(3601)), Endpoint::Quote);
    hours.answered(0, &instrument(), &quote(true), at(3602));
    assert!(hours.wants(1, at(3603)));
}

#[test]
fn what_is_known_outlives_the_process() {
    let hours = closed(false);
    let kept = hours.state(&[instrument()], at(100).monotonic);
    let kept: HoursState = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    // another process, whose clock counts from elsewhere
    let later = |seconds: u64| Moment {
        monotonic: Duration::from_secs(5 + seconds),
        utc: at(200 + seconds).utc,
    };
    let (age, now) = (Duration::from_secs(100), later(0).monotonic);
    let mut restored = Hours::new(1, Policy::Open, false);
    restored.restore(&kept, &[instrument()], age, now);
    assert!(!restored.wants(0, later(0)) && !restored.wants(0, later(1600)));
    assert!(restored.wants(0, later(1601)));
    assert!(
        restored.ask_due() > Some(later(1601).monotonic),
        "the vendor is not asked again"
    );
    assert_eq!(
        restored.endpoint_for(0, Endpoint::Price, later(1601)),
        Endpoint::Price
    );
    // one with another list knows nothing of what was not in it
    let mut other = Hours::new(1, Policy::Open, false);
    other.restore(&kept, &["MSFT".parse().unwrap()], age, now);
    assert!(other.wants(0, later(0)));
}
