//! What the vendor may answer, and how the process ends or goes on.

use std::sync::atomic::{AtomicUsize, Ordering};

use quote_model::Tick;

use crate::stage::{Answer, KEY, broker, error, producer, records, run, vendor};

const UNKNOWN: &str = "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol";
const PLAN: &str = "This symbol is available starting with the Grow or Venture plan.";

#[test]
fn without_a_key_it_says_where_to_get_one_and_how_to_pass_it() {
    let mut command = producer("http://127.0.0.1:1", "127.0.0.1:1", &["--symbols", "AAPL"]);
    let ended = run(command.env_remove("TWELVEDATA_API_KEY"));
    assert_eq!(ended.status, 78);
    for words in [
        "https://twelvedata.com/pricing",
        "--api-key-file",
        "TWELVEDATA_API_KEY",
    ] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn a_refused_key_ends_it_and_is_shown_nowhere() {
    let cluster = broker();
    let api = vendor(|_| error(401, &format!("**apikey** {KEY} is incorrect or not specified.")));
    let arguments = ["--symbols", "AAPL", "--log", "trace", "--give-up-after", "2s"];
    let ended = run(&mut producer(&api.url, &cluster.bootstrap_servers(), &arguments));
    assert_eq!(ended.status, 77, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("**apikey** [API key] is incorrect or not specified")
    );
    assert!(!ended.stderr.contains(KEY) && !ended.stdout.contains(KEY));
    for seen in api.seen() {
        assert_eq!(seen.authorization, format!("apikey {KEY}"));
        assert!(!seen.target.contains(KEY));
    }
}

#[test]
fn an_endpoint_outside_the_plan_ends_it_with_the_vendors_words() {
    let cluster = broker();
    let api = vendor(|_| error(403, "/quote is available exclusively with grow plans"));
    let arguments = [
        "--symbols",
        "AAPL",
        "--endpoint",
        "quote",
        "--give-up-after",
        "2s",
    ];
    let ended = run(&mut producer(&api.url, &cluster.bootstrap_servers(), &arguments));
    assert_eq!(ended.status, 77, "{}", ended.stderr);
    assert!(ended.stderr.contains("/quote is available exclusively with grow"));
}

#[test]
fn no_usable_symbol_ends_it_and_each_is_named() {
    let cluster = broker();
    let api = vendor(|_| {
        let entry = |message: &str| serde_json::json!({"code": 404, "message": message, "status": "error"});
        let body = serde_json::json!({"NIKK": entry(UNKNOWN), "VIX": entry(PLAN)});
        Answer::Reply(200, body.to_string())
    });
    let ended = run(&mut producer(
        &api.url,
        &cluster.bootstrap_servers(),
        &["--symbols", "NIKK,VIX", "--give-up-after", "2s"],
    ));
    assert_eq!(ended.status, 78, "{}", ended.stderr);
    assert!(ended.stderr.contains("NIKK: unknown symbol (404: "));
    assert!(
        ended
            .stderr
            .contains("VIX: not in the plan of this API key (404: ")
    );

    let api = vendor(|_| error(404, UNKNOWN));
    let arguments = ["--symbols", "NIKK", "--give-up-after", "2s"];
    let ended = run(&mut producer(&api.url, &cluster.bootstrap_servers(), &arguments));
    assert_eq!(ended.status, 78, "{}", ended.stderr);
}

#[test]
fn a_wrong_request_ends_it_and_says_what_the_vendor_says() {
    let cluster = broker();
    let api = vendor(|_| error(414, "Input parameter array exceeds the allowed length"));
    let arguments = ["--symbols", "A,B", "--give-up-after", "2s"];
    let ended = run(&mut producer(&api.url, &cluster.bootstrap_servers(), &arguments));
    assert_eq!(ended.status, 78, "{}", ended.stderr);
    assert!(ended.stderr.contains("414: Input parameter array exceeds"));
}

#[test]
fn good_symbols_go_on_beside_a_bad_one_which_is_told_once() {
    let cluster = broker();
    let api = vendor(|seen| {
        assert!(seen.target.starts_with("/price?symbol=AAPL%2C") && seen.target.ends_with("&dp=11"));
        let body = format!(
            r#"{{"AAPL":{{"price":"231.40000"}},"BTC/USD":{{"price":26575.6000}},
                "NIKK":{{"code":400,"message":"**symbol** not found: NIKK.","status":"error",
                "meta":{{"symbol":"AAPL,NIKK,BTC/USD"}},"echo":"{KEY}"}}}}"#
        );
        Answer::Reply(200, body)
    });
    let arguments = [
        "--symbols",
        "AAPL,NIKK,BTC/USD",
        "--samples",
        "3",
        "--interval",
        "0",
        "--instance",
        "host-1",
    ];
    let ended = run(&mut producer(&api.url, &cluster.bootstrap_servers(), &arguments));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let summary = ended.summary();
    assert_eq!(
        (&summary["polls"], &summary["ticks"], &summary["in_kafka"]),
        (&3.into(), &6.into(), &6.into())
    );
    assert_eq!(summary["symbol_errors"], 1);
    assert_eq!(ended.stderr.matches("unknown symbol").count(), 1);

    let records = records(&cluster.bootstrap_servers());
    let mut seqs = Vec::new();
    for record in &records {
        assert_eq!(record.schema, "tick/1");
        let tick = Tick::decode(record.value.as_bytes()).unwrap();
        assert_eq!(record.key, tick.symbol.as_str());
        assert_eq!(record.timestamp_ms, tick.ts_recv.as_millisecond());
        assert_eq!(tick.producer.as_str(), "host-1");
        assert_eq!(tick.session.to_string(), summary["session"].as_str().unwrap());
        let digits = if record.key == "AAPL" {
            "231.40000"
        } else {
            "26575.6000"
        };
        assert_eq!(tick.price.as_str(), digits);
        seqs.push(tick.seq);
    }
    seqs.sort_unstable();
    assert_eq!(seqs, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn trouble_that_passes_is_borne_told_and_counted() {
    let cluster = broker();
    let calls = AtomicUsize::new(0);
    let api = vendor(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::Reply(502, "<html>Bad Gateway</html>".to_owned()),
        1 => Answer::Truncated(r#"{"price":"231.4"#.to_owned()),
        _ => Answer::Reply(200, r#"{"price":"231.40000"}"#.to_owned()),
    });
    let arguments = ["--symbols", "AAPL", "--samples", "1", "--interval", "0"];
    let ended = run(&mut producer(&api.url, &cluster.bootstrap_servers(), &arguments));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let summary = ended.summary();
    assert_eq!(
        (&summary["polls"], &summary["failed_polls"]),
        (&1.into(), &2.into())
    );
    assert!(ended.stderr.contains("HTTP status 502"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no reply: "), "{}", ended.stderr);
}

#[test]
fn a_redirect_does_not_get_the_key() {
    let cluster = broker();
    let elsewhere = vendor(|_| Answer::Reply(200, r#"{"price":"1"}"#.to_owned()));
    let location: &'static str = Box::leak(format!("{}/price", elsewhere.url).into_boxed_str());
    let calls = AtomicUsize::new(0);
    let api = vendor(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::With(302, ("location", location), String::new()),
        _ => Answer::Reply(200, r#"{"price":"231.40000"}"#.to_owned()),
    });
    let arguments = ["--symbols", "AAPL", "--samples", "1"];
    let ended = run(&mut producer(
        &api.url,
        &cluster.bootstrap_servers(),
        &[&arguments[..], &["--interval", "0"]].concat(),
    ));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(elsewhere.seen().is_empty());
}
