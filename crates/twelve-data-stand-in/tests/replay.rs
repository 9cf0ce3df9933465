//! Real ticks go out one by one, digit for digit, to whoever asks.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

use std::io::Write;

use serde_json::{Value, json};
use twelve_data_stand_in::{BadPrice, Config, Fault, MarketConfig, Replay, ReplayProgress, StandIn};

const TICKS: &str = "timestamp_utc_ms,bid,ask,volume\n\
                     20200101 170000065,1.121200,1.121720,0\n\
                     20200101 170010447,1.12120,1.121920,0\n\
                     20200101 170010498,1.1,1.121610,0\n";

async fn replaying(ticks: &str) -> StandIn {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(ticks.as_bytes()).unwrap();
    let replay = Replay::load(file.path(), "EUR/USD").unwrap();
    let config = Config {
        market: MarketConfig {
            replay: Some(replay),
            known_only: true,
            ..MarketConfig::default()
        },
        ..Config::default()
    };
    StandIn::start(config).await.unwrap()
}

async fn get(stand_in: &StandIn, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("{}{path}&apikey=k", stand_in.base_url()))
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn each_request_takes_the_next_tick_until_there_is_none() {
    let stand_in = replaying(TICKS).await;
    let (_, quote) = get(&stand_in, "/quote?symbol=EUR/USD&dp=2").await;
    assert_eq!(
        [
            &quote["close"],
            &quote["bid"],
            &quote["ask"],
            &quote["last_quote_at"]
        ],
        [
            &json!("1.121200"),
            &json!("1.121200"),
            &json!("1.121720"),
            &json!(1_577_898_000)
        ]
    );
    let (_, price) = get(&stand_in, "/price?symbol=EUR/USD").await;
    assert_eq!(price, json!({ "price": "1.12120" }));
    let (_, batch) = get(&stand_in, "/quote?symbol=AAPL,EUR/USD").await;
    assert_eq!(batch["EUR/USD"]["bid"], "1.1");
    assert_eq!(batch["AAPL"].get("bid"), None);

    let (status, end) = get(&stand_in, "/quote?symbol=EUR/USD").await;
    assert_eq!(
        (status, &end["code"], &end["message"]),
        (404, &json!(404), &json!("Data not found"))
    );
    let (status, batch) = get(&stand_in, "/price?symbol=AAPL,EUR/USD").await;
    assert_eq!((status, &batch["EUR/USD"]["code"]), (200, &json!(404)));
    assert_eq!(
        stand_in.replay_progress(),
        Some(ReplayProgress {
            symbol: "EUR/USD".to_owned(),
            served: 3,
            total: 3
        })
    );
    let bids: Vec<_> = stand_in
        .served()
        .into_iter()
        .filter_map(|price| price.bid)
        .collect();
    assert_eq!(bids, ["1.121200", "1.1"]);
}

#[tokio::test]
async fn the_largest_numbers_are_replayed_like_any_other() {
    let largest = "79228162514264337593543950335";
    let stand_in = replaying(&format!("20200101 170000065,{largest},-{largest},0.5\n")).await;
    let (_, quote) = get(&stand_in, "/quote?symbol=EUR/USD").await;
    assert_eq!(
        (&quote["bid"], &quote["ask"]),
        (&json!(largest), &json!(format!("-{largest}")))
    );
}

#[tokio::test]
async fn a_fault_uses_up_no_tick() {
    let stand_in = replaying(TICKS).await;
    stand_in.inject(Fault::NotJson);
    stand_in.inject(Fault::TruncatedBody);
    stand_in.inject(Fault::MinuteCreditsExhausted);
    stand_in.inject(Fault::BadPrice {
        symbol: "EUR/USD".to_owned(),
        price: BadPrice::Null,
    });
    for _ in 0..4 {
        let url = format!("{}/price?symbol=EUR/USD&apikey=k", stand_in.base_url());
        let reply = reqwest::get(url).await.unwrap().json::<Value>().await;
        assert!(reply.map_or(true, |reply| !reply["price"].is_string()));
    }
    let (_, price) = get(&stand_in, "/price?symbol=EUR/USD").await;
    assert_eq!(price["price"], "1.121200");
}

#[tokio::test]
async fn a_symbol_that_would_be_unknown_cannot_be_replayed() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(TICKS.as_bytes()).unwrap();
    let replay = Some(Replay::load(file.path(), "UNKNOWN").unwrap());
    let error = StandIn::start(Config {
        market: MarketConfig {
            replay,
            ..MarketConfig::default()
        },
        ..Config::default()
    })
    .await
    .err()
    .unwrap();
    assert!(
        error.to_string().starts_with("`UNKNOWN` cannot be replayed"),
        "{error}"
    );
}
