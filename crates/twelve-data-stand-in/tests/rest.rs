//! What a client sees over HTTP: shapes, keys, credits.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use twelve_data_stand_in::{Clock, Config, CreditPlan, MarketConfig, MinuteWindow, StandIn};

async fn start(config: Config) -> (StandIn, Client) {
    (StandIn::start(config).await.unwrap(), Client::new())
}

fn get(stand_in: &StandIn, client: &Client, path: &str) -> RequestBuilder {
    client
        .get(format!("{}{path}", stand_in.base_url()))
        .header("authorization", "apikey k")
}

async fn body(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn header(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn one_symbol_gives_a_flat_object_and_several_a_map_by_what_was_asked() {
    let (stand_in, client) = start(Config::default()).await;
    let single = get(&stand_in, &client, "/price?symbol=AAPL")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&single, "is_batch"), None);
    assert_eq!(
        header(&single, "content-type").as_deref(),
        Some("application/json")
    );
    let single: Value = single.json().await.unwrap();
    assert_eq!(single.as_object().unwrap().len(), 1);

    let batch = get(&stand_in, &client, "/price?symbol=BTC%2FUSD%2CRY%3ATSX")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&batch, "is_batch").as_deref(), Some("true"));
    let batch: Value = batch.json().await.unwrap();
    let served: Vec<_> = stand_in
        .served()
        .into_iter()
        .map(|price| (price.symbol, price.price))
        .collect();
    assert_eq!(served[0].1, single["price"]);
    assert_eq!(
        batch,
        json!({ "BTC/USD": { "price": served[1].1 }, "RY:TSX": { "price": served[2].1 } })
    );
    assert_eq!(served[1].1.split_once('.').unwrap().1.len(), 5);
}

#[tokio::test]
async fn a_symbol_that_fails_is_a_404_alone_and_an_entry_in_a_batch() {
    let (stand_in, client) = start(Config {
        market: MarketConfig {
            plan_gated: ["GATED".to_owned()].into(),
            ..MarketConfig::default()
        },
        ..Config::default()
    })
    .await;
    let (status, unknown) = body(get(&stand_in, &client, "/quote?symbol=UNKNOWN1")).await;
    assert_eq!(
        (status, &unknown["code"], &unknown["status"]),
        (404, &json!(404), &json!("error"))
    );
    let (status, gated) = body(get(&stand_in, &client, "/quote?symbol=GATED")).await;
    assert!(status == 404 && gated["message"].as_str().unwrap().contains("plan"));

    let (status, batch) = body(get(&stand_in, &client, "/quote?symbol=AAPL,UNKNOWN1,GATED")).await;
    assert_eq!(status, 200);
    assert_eq!(batch["AAPL"]["symbol"], "AAPL");
    for (symbol, says) in [
        ("UNKNOWN1", "**symbol** not found: UNKNOWN1"),
        ("GATED", "with your plan"),
    ] {
        let entry = &batch[symbol];
        assert_eq!((&entry["code"], &entry["status"]), (&json!(400), &json!("error")));
        assert!(entry["message"].as_str().unwrap().contains(says), "{entry}");
        assert_eq!(entry["meta"]["symbol"], "AAPL,UNKNOWN1,GATED");
    }
}

#[tokio::test]
async fn paths_keys_and_lists_that_are_wrong_get_the_vendors_error() {
    let (stand_in, client) = start(Config {
        api_key: Some("k".to_owned()),
        ..Config::default()
    })
    .await;
    let list: Vec<_> = (0..121).map(|n| format!("S{n}")).collect();
    for (path, code) in [
        ("/no_such_path".to_owned(), 404),
        ("/price?symbol=AAPL&apikey=other".to_owned(), 401),
        ("/price?symbol=AAPL&dp=12".to_owned(), 400),
        ("/price".to_owned(), 400),
        (format!("/price?symbol={}", list.join(",")), 414),
    ] {
        let (status, error) = body(get(&stand_in, &client, &path)).await;
        assert_eq!((status, &error["code"]), (code, &json!(code)), "{path}");
    }
    let url = format!("{}/price?symbol=AAPL", stand_in.base_url());
    let (status, error) = body(client.get(&url)).await;
    assert_eq!((status, &error["code"]), (401, &json!(401)));
    let (status, _) = body(client.get(format!("{url}&apikey=k"))).await;
    assert_eq!(status, 200);
    assert!(
        stand_in
            .requests()
            .iter()
            .all(|request| !request.path.contains("apikey"))
    );
}

#[tokio::test]
async fn credits_run_out_for_the_whole_batch_and_come_back_with_the_minute() {
    let (clock, hands) = Clock::manual("2026-11-23T11:10:12Z".parse().unwrap());
    let (stand_in, client) = start(Config {
        clock,
        credits: CreditPlan::BASIC,
        ..Config::default()
    })
    .await;
    let first = get(&stand_in, &client, "/price?symbol=A,B,C,D,E")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&first, "api-credits-used").as_deref(), Some("5"));
    assert_eq!(header(&first, "api-credits-left").as_deref(), Some("3"));
    let refused = get(&stand_in, &client, "/price?symbol=A,B,C,D")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 429);
    let refused: Value = refused.json().await.unwrap();
    assert!(refused["message"].as_str().unwrap().starts_with(
        "You have run out of API credits for the current minute. 9 API credits were used, with the current limit \
         being 8."
    ));
    let (_, usage) = body(get(&stand_in, &client, "/api_usage")).await;
    assert_eq!(
        usage,
        json!({
            "timestamp": "2026-11-23 11:10:12", "current_usage": 6, "plan_limit": 8, "daily_usage": 6,
            "plan_daily_limit": 800, "plan_category": "basic"
        })
    );
    hands.advance(Duration::from_secs(48));
    let (status, _) = body(get(&stand_in, &client, "/price?symbol=A,B,C,D,E,F,G,H")).await;
    assert_eq!(status, 200);
    assert_eq!(stand_in.served().len(), 13);
}

#[tokio::test]
async fn a_sliding_minute_and_a_day_are_kept_too() {
    let (clock, hands) = Clock::manual("2026-11-23T23:58:59Z".parse().unwrap());
    let (stand_in, client) = start(Config {
        clock,
        credits: CreditPlan {
            per_day: Some(3),
            per_minute: 2,
            minute_window: MinuteWindow::Sliding,
            charges_refused: false,
        },
        ..Config::default()
    })
    .await;
    let price = async |count: usize| {
        let symbols = ["A", "B", "C"][..count].join(",");
        body(get(&stand_in, &client, &format!("/price?symbol={symbols}"))).await
    };
    assert_eq!(price(2).await.0, 200);
    hands.advance(Duration::from_secs(2));
    let (status, error) = price(1).await;
    assert!(status == 429 && error["message"].as_str().unwrap().contains("current minute"));
    hands.advance(Duration::from_secs(58));
    let (status, error) = price(2).await;
    assert!(
        status == 429
            && error["message"]
                .as_str()
                .unwrap()
                .contains("for the day. 4 API credits")
    );
    hands.advance(Duration::from_secs(1));
    assert_eq!(price(2).await.0, 200);
}
