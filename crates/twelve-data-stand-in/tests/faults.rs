//! Each fault reaches the request that it was ordered for, and leaves the next one alone.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use twelve_data_stand_in::{BadPrice, Config, ErrorStatus, Fault, StandIn};

struct Scene {
    stand_in: StandIn,
    client: Client,
}

impl Scene {
    async fn new() -> Self {
        Self {
            stand_in: StandIn::start(Config::default()).await.unwrap(),
            client: Client::builder()
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap(),
        }
    }

    async fn get(&self, path: &str) -> reqwest::Result<Response> {
        let url = format!("{}{path}", self.stand_in.base_url());
        self.client.get(url).query(&[("apikey", "k")]).send().await
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.unwrap().json().await.unwrap()
    }

    async fn is_well_again(&self) -> bool {
        self.json("/price?symbol=AAPL").await["price"].is_string()
    }
}

#[tokio::test]
async fn what_stands_between_vendor_and_client_can_break() {
    let scene = Scene::new().await;
    let status = ErrorStatus::BAD_GATEWAY;
    scene.stand_in.inject(Fault::Html { status });
    scene.stand_in.inject(Fault::NotJson);
    scene.stand_in.inject(Fault::TruncatedBody);
    scene
        .stand_in
        .inject(Fault::ConnectionClosed.times(NonZeroU32::new(2).unwrap()));

    let html = scene.get("/price?symbol=AAPL").await.unwrap();
    assert_eq!(html.status(), 502);
    assert!(html.text().await.unwrap().starts_with("<html>"));

    let not_json = scene.get("/price?symbol=AAPL").await.unwrap();
    assert_eq!(not_json.status(), 200);
    assert!(serde_json::from_str::<Value>(&not_json.text().await.unwrap()).is_err());

    let truncated = scene.get("/price?symbol=AAPL").await.unwrap();
    assert_eq!(truncated.status(), 200);
    assert!(truncated.bytes().await.is_err());

    for _ in 0..2 {
        assert!(scene.get("/price?symbol=AAPL").await.unwrap_err().is_request());
    }
    assert!(scene.stand_in.served().is_empty());
    assert!(scene.is_well_again().await);
    let requests = scene.stand_in.requests();
    let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
    assert_eq!(
        statuses,
        [Some(502), Some(200), Some(200), None, None, Some(200)],
        "a client that tries again by itself would be seen here"
    );
}

#[tokio::test]
async fn the_vendor_can_refuse_a_request() {
    let scene = Scene::new().await;
    scene.stand_in.inject(Fault::MinuteCreditsExhausted);
    scene.stand_in.inject(Fault::DayCreditsExhausted);
    scene.stand_in.inject(Fault::Unauthorized);
    scene.stand_in.inject(Fault::Unauthorized.on("/api_usage"));
    for (path, code, says) in [
        ("/quote?symbol=AAPL", 429, "for the current minute"),
        ("/quote?symbol=AAPL", 429, "for the day"),
        ("/quote?symbol=AAPL", 401, "**apikey**"),
        ("/api_usage", 401, "**apikey**"),
    ] {
        let error = scene.json(path).await;
        assert_eq!(error["code"], code);
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
    assert!(scene.is_well_again().await);
}

#[tokio::test]
async fn one_symbol_can_be_bad_in_a_batch_and_its_tick_is_not_used_up() {
    let scene = Scene::new().await;
    let undisturbed = Scene::new().await;
    let expected = [
        undisturbed.json("/price?symbol=AAPL").await,
        undisturbed.json("/price?symbol=AAPL").await,
    ];
    scene.stand_in.inject(Fault::SymbolUnknown {
        symbol: "AAPL".to_owned(),
    });
    for price in [
        BadPrice::Null,
        BadPrice::Missing,
        BadPrice::NotANumber,
        BadPrice::Empty,
    ] {
        let symbol = "AAPL".to_owned();
        scene.stand_in.inject(Fault::BadPrice { symbol, price });
    }
    assert_eq!(scene.json("/price?symbol=AAPL,MSFT").await["AAPL"]["code"], 400);
    for bad in [
        json!({ "price": null }),
        json!({}),
        json!({ "price": "NaN" }),
        json!({ "price": "" }),
    ] {
        let batch = scene.json("/price?symbol=AAPL,MSFT").await;
        assert_eq!(batch["AAPL"], bad);
        assert!(batch["MSFT"]["price"].is_string());
    }
    assert_eq!(scene.stand_in.served().len(), 5);
    for price in expected {
        assert_eq!(scene.json("/price?symbol=AAPL").await, price);
    }
}

#[tokio::test]
async fn optional_fields_of_a_quote_can_be_null() {
    let scene = Scene::new().await;
    scene.stand_in.inject(Fault::NullFields);
    let quote = scene.json("/quote?symbol=AAPL").await;
    assert!(quote["close"].is_string() && quote["symbol"] == "AAPL");
    for name in ["exchange", "mic_code", "currency", "volume", "last_quote_at"] {
        assert_eq!(quote.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!(scene.stand_in.served()[0].event_time, None);
}

#[tokio::test]
async fn a_reply_can_be_late() {
    let scene = Scene::new().await;
    scene.stand_in.inject(Fault::Slow { delay_ms: 60_000 });
    let patient = scene
        .client
        .get(format!(
            "{}/price?symbol=AAPL&apikey=k",
            scene.stand_in.base_url()
        ))
        .timeout(Duration::from_millis(200));
    assert!(patient.send().await.unwrap_err().is_timeout());
    assert!(scene.is_well_again().await);
    assert_eq!(
        scene.stand_in.served().len(),
        1,
        "what nobody waited for was served"
    );

    scene.stand_in.inject(Fault::Slow { delay_ms: 50 });
    assert!(scene.is_well_again().await);
}

#[tokio::test]
async fn another_process_orders_faults_and_reads_the_ledger_over_http() {
    let scene = Scene::new().await;
    let control = |path: &str| format!("{}/_stand_in{path}", scene.stand_in.base_url());
    let order = async |fault: Value| {
        let posted = scene
            .client
            .post(control("/faults"))
            .json(&fault)
            .send()
            .await
            .unwrap();
        posted.status().as_u16()
    };
    assert_eq!(
        order(json!({ "fault": { "html": { "status": 503 } }, "times": 2 })).await,
        204
    );
    assert_eq!(order(json!({ "fault": "no_such_fault" })).await, 422);
    assert_eq!(scene.get("/price?symbol=AAPL").await.unwrap().status(), 503);
    let pending = scene.json("/_stand_in/faults").await;
    assert_eq!(
        pending,
        json!([{ "fault": { "html": { "status": 503 } }, "times": 1 }])
    );
    assert_eq!(scene.get("/price?symbol=AAPL").await.unwrap().status(), 503);
    let price = scene.json("/price?symbol=AAPL").await;

    let lines = async |path: &str| {
        let text = scene
            .client
            .get(control(path))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>()
    };
    let served = lines("/served").await;
    assert_eq!(served.len(), 1);
    assert_eq!(
        (&served[0]["price"], &served[0]["symbol"]),
        (&price["price"], &json!("AAPL"))
    );
    assert_eq!(served[0]["request"], 2);
    let log = lines("/log").await;
    assert_eq!(
        (log.len(), &log[0]["status"], &log[2]["status"]),
        (3, &json!(503), &json!(200))
    );
    assert_eq!(
        scene.json("/_stand_in/totals").await,
        json!({ "received": 3, "requests": 3, "served": 1 })
    );
    assert_eq!(scene.json("/_stand_in/replay").await, Value::Null);
}
