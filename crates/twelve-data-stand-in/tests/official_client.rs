//! The vendor's own Python client accepts the stand-in.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::process::Command;
use twelve_data_stand_in::{Channel, Config, CreditPlan, ErrorStyle, Served, StandIn};

const KEY: &str = "a-key";

fn python() -> PathBuf {
    let from_cache = || {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
            .unwrap_or_else(|| panic!("set VENV_PYTHON, HOME is not set"));
        cache.join("quote-pipeline/venv/bin/python")
    };
    let python = std::env::var_os("VENV_PYTHON").map_or_else(from_cache, PathBuf::from);
    assert!(
        python.exists(),
        "{} is missing, run scripts/test.sh, which prepares it",
        python.display()
    );
    python
}

async fn what_the_client_says(stand_in: &StandIn) -> Value {
    let output = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/official_client.py"))
        .args([&stand_in.base_url(), &stand_in.ws_url(), KEY])
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn config(error_style: ErrorStyle) -> Config {
    Config {
        api_key: Some(KEY.to_owned()),
        error_style,
        credits: CreditPlan {
            per_minute: 55,
            ..CreditPlan::BASIC
        },
        ..Config::default()
    }
}

/// The prices served on one way, in their order.
fn prices(served: &[Served], channel: Channel) -> Vec<(&str, &str)> {
    served
        .iter()
        .filter(|price| price.channel == channel)
        .map(|price| (price.symbol.as_str(), price.price.as_str()))
        .collect()
}

fn assert_error(raised: &Value, class: &str, says: &str) {
    assert_eq!(raised[0], class, "{raised}");
    assert!(raised[1].as_str().unwrap().contains(says), "{raised}");
}

#[tokio::test]
async fn the_official_client_reads_prices_quotes_usage_errors_and_live_events() {
    let stand_in = StandIn::start(config(ErrorStyle::Http)).await.unwrap();
    let says = what_the_client_says(&stand_in).await;
    let served = stand_in.served();

    assert_eq!(
        prices(&served, Channel::RestPrice),
        [
            ("AAPL", says["price"]["price"].as_str().unwrap()),
            ("AAPL", says["prices"]["AAPL"]["price"].as_str().unwrap()),
            ("BTC/USD", says["prices"]["BTC/USD"]["price"].as_str().unwrap()),
            ("MSFT", says["list_of_one"]["price"].as_str().unwrap()),
        ]
    );
    assert_eq!(says["prices"]["UNKNOWN"]["code"], 400);
    assert_eq!(
        says["prices"]["UNKNOWN"]["meta"]["symbol"],
        "AAPL,BTC/USD,UNKNOWN"
    );
    assert_eq!(
        prices(&served, Channel::RestQuote),
        [
            ("AAPL", says["quote"]["close"].as_str().unwrap()),
            ("EUR/USD", says["quotes"]["EUR/USD"]["close"].as_str().unwrap()),
            ("BTC/USD", says["quotes"]["BTC/USD"]["close"].as_str().unwrap()),
        ]
    );
    assert_eq!(says["quote"]["mic_code"], "XNGS");
    assert_eq!(says["quotes"]["EUR/USD"].get("mic_code"), None);

    // 1 + 3 + 1 for prices, 1 + 2 for quotes, 1 for the usage itself
    assert_eq!(says["api_usage"]["current_usage"], 9);
    assert_eq!(says["api_usage"]["plan_limit"], 55);
    assert_eq!(says["api_usage"]["plan_daily_limit"], 800);

    assert_error(&says["unknown_symbol"], "TwelveDataError", "missing or invalid");
    assert_error(&says["no_symbol"], "BadRequestError", "missing or invalid");
    assert_error(
        &says["wrong_key"],
        "InvalidApiKeyError",
        "incorrect or not specified",
    );

    let live = &says["live"];
    assert_eq!(live["is_complete"], true, "{live}");
    assert_eq!(live["status"][0]["status"], "warning");
    assert_eq!(live["status"][0]["fails"], json!([{ "symbol": "UNKNOWN" }]));
    assert_eq!(
        live["heartbeats"][0],
        json!({ "event": "heartbeat", "status": "ok" })
    );
    for symbol in ["AAPL", "EUR/USD", "BTC/USD"] {
        let price = &live["prices"][symbol]["price"];
        assert!(price.is_number(), "{live}");
        let first = served
            .iter()
            .find(|price| price.channel == Channel::Websocket && price.symbol == symbol)
            .unwrap();
        let served_value: f64 = first.price.parse().unwrap();
        assert!((price.as_f64().unwrap() - served_value).abs() < 1e-9, "{live}");
    }
}

#[tokio::test]
async fn the_official_client_finds_errors_in_the_body_too() {
    let stand_in = StandIn::start(config(ErrorStyle::Body)).await.unwrap();
    let says = what_the_client_says(&stand_in).await;
    assert_error(&says["unknown_symbol"], "TwelveDataError", "missing or invalid");
    assert_error(&says["no_symbol"], "BadRequestError", "missing or invalid");
    assert_error(
        &says["wrong_key"],
        "InvalidApiKeyError",
        "incorrect or not specified",
    );
    let refused: Vec<_> = stand_in
        .requests()
        .iter()
        .filter_map(|request| Some((request.status?, request.code?)))
        .collect();
    assert_eq!(refused, [(200, 404), (200, 400), (200, 401)]);
}
