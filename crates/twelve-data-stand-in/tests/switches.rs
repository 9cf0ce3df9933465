//! What can be changed while it runs, and what the vendor has beside prices.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use twelve_data_stand_in::{
    Clock, ClockHands, Config, CreditPlan, ErrorStatus, Fault, KeyPlace, MarketConfig, MarketHours, StandIn,
};

struct Scene {
    stand_in: StandIn,
    client: Client,
    hands: ClockHands,
}

impl Scene {
    /// On the day before Thanksgiving, an hour after the opening in New York.
    async fn new() -> Self {
        let (clock, hands) = Clock::manual("2026-11-25T15:30:10Z".parse().unwrap());
        let config = Config {
            clock,
            market: MarketConfig {
                hours: MarketHours::Exchange,
                holidays: ["2026-11-26".parse().unwrap()].into(),
                ..MarketConfig::default()
            },
            credits: CreditPlan {
                per_minute: 600,
                ..CreditPlan::default()
            },
            ..Config::default()
        };
        Self {
            stand_in: StandIn::start(config).await.unwrap(),
            client: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            hands,
        }
    }

    async fn get(&self, path: &str) -> Response {
        let url = format!("{}{path}", self.stand_in.base_url());
        let get = self.client.get(url).header("authorization", "apikey k");
        get.send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    async fn order(&self, method: Method, path: &str, body: Value) {
        let url = format!("{}/_stand_in{path}", self.stand_in.base_url());
        let ordered = self.client.request(method, url).json(&body).send().await.unwrap();
        assert_eq!(ordered.status(), 204, "{path}");
    }
}

fn status(code: u16) -> ErrorStatus {
    code.try_into().unwrap()
}

#[tokio::test]
async fn a_batch_can_be_refused_as_a_whole_for_one_symbol_and_each_entry_for_itself() {
    let scene = Scene::new().await;
    let refused = Fault::Refused {
        code: status(400),
        message: "**symbol** not found: NIKK.".to_owned(),
    };
    scene.stand_in.inject(refused.always().for_symbol("NIKK"));
    for path in ["/price?symbol=AAPL,NIKK", "/price?symbol=NIKK"] {
        assert_eq!(scene.json(path).await["code"], 400);
    }
    assert!(scene.json("/price?symbol=AAPL,IBM").await["AAPL"]["price"].is_string());
    scene.stand_in.clear_faults();
    assert!(scene.json("/price?symbol=AAPL,NIKK").await["NIKK"]["price"].is_string());

    scene.stand_in.inject(Fault::EntryRefused {
        symbol: "IBM".to_owned(),
        code: status(429),
        message: "You have run out of API credits for the current minute.".to_owned(),
    });
    let batch = scene.json("/price?symbol=AAPL,IBM").await;
    assert_eq!(
        (&batch["IBM"]["code"], &batch["IBM"]["meta"]["symbol"]),
        (&json!(429), &json!("AAPL,IBM"))
    );
    assert!(batch["AAPL"]["price"].is_string());
}

#[tokio::test]
async fn an_entry_can_be_missing_doubled_or_under_anothers_name() {
    let scene = Scene::new().await;
    let symbol = || "RY:TSX".to_owned();
    scene.stand_in.inject(Fault::EntryMissing { symbol: symbol() });
    scene.stand_in.inject(Fault::EntryTwice { symbol: symbol() });
    let name = "RY".to_owned();
    scene.stand_in.inject(Fault::EntryRenamed {
        symbol: symbol(),
        name,
    });
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(scene.get("/price?symbol=RY,RY:TSX").await.text().await.unwrap());
    }
    let count = |text: &str, name: &str| text.matches(&format!("\"{name}\":")).count();
    let counts: Vec<_> = texts
        .iter()
        .map(|text| (count(text, "RY"), count(text, "RY:TSX")))
        .collect();
    assert_eq!(counts, [(1, 0), (1, 2), (2, 0)], "{texts:?}");
}

#[tokio::test]
async fn a_quote_can_be_of_another_listing_or_time() {
    let scene = Scene::new().await;
    let symbol = || "FTS:TSX".to_owned();
    let quote = scene.json("/quote?symbol=FTS:TSX").await;
    assert_eq!(
        (&quote["exchange"], &quote["mic_code"], &quote["currency"]),
        (&json!("TSX"), &json!("XTSE"), &json!("CAD"))
    );
    scene.stand_in.inject(Fault::OtherListing {
        symbol: symbol(),
        answered: None,
        exchange: Some("NYSE".to_owned()),
        currency: Some("USD".to_owned()),
    });
    let other = scene.json("/quote?symbol=FTS:TSX").await;
    assert_eq!(
        (
            &other["symbol"],
            &other["exchange"],
            &other["mic_code"],
            &other["currency"]
        ),
        (&json!("FTS"), &json!("NYSE"), &json!("XNYS"), &json!("USD"))
    );
    let seconds = -7200;
    scene.stand_in.inject(Fault::QuoteTimeSkewed {
        symbol: symbol(),
        seconds,
    });
    let old = scene.json("/quote?symbol=FTS:TSX").await["last_quote_at"]
        .as_i64()
        .unwrap();
    assert_eq!(old, quote["last_quote_at"].as_i64().unwrap() - 7200);
    scene.stand_in.inject(Fault::NoOptionalFields);
    assert_eq!(scene.json("/quote?symbol=FTS:TSX").await.get("exchange"), None);
    let beside = scene.json("/quote?symbol=FTS&mic_code=XTSE").await;
    assert_eq!(beside["exchange"], "TSX");
}

#[tokio::test]
async fn the_plan_changes_and_another_client_spends() {
    let scene = Scene::new().await;
    let used = async |path: &str| {
        let reply = scene.get(path).await;
        let header = |name: &str| {
            reply
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        (
            reply.status().as_u16(),
            header("api-credits-used"),
            header("api-credits-left"),
        )
    };
    let plan = json!({ "per_minute": 8, "per_day": 800 });
    scene.order(Method::PUT, "/plan", plan).await;
    assert_eq!(scene.json("/api_usage").await["plan_limit"], 8);
    scene
        .order(Method::POST, "/credits", json!({ "credits": 5 }))
        .await;
    let text = |number: u8| Some(number.to_string());
    assert_eq!(used("/price?symbol=AAPL").await, (200, text(7), text(1)));
    assert_eq!(used("/price?symbol=AAPL,IBM").await.0, 429);
    scene
        .order(Method::PUT, "/plan", json!({ "per_minute": 610 }))
        .await;
    assert_eq!(
        used("/price?symbol=AAPL,IBM").await,
        (200, text(9), Some("601".to_owned()))
    );
    let usage = scene.json("/api_usage").await;
    assert_eq!(
        (&usage["plan_limit"], usage.get("plan_daily_limit")),
        (&json!(610), None)
    );
}

#[tokio::test]
async fn the_usage_can_be_refused_by_a_gateway_or_the_vendor() {
    let scene = Scene::new().await;
    scene
        .stand_in
        .inject(Fault::Html { status: status(403) }.on("/api_usage"));
    let refused = Fault::Refused {
        code: status(403),
        message: "no".to_owned(),
    };
    scene.stand_in.inject(refused.on("/api_usage"));
    let page = scene.get("/api_usage").await;
    assert_eq!(
        (
            page.status().as_u16(),
            page.headers()["content-type"].to_str().unwrap()
        ),
        (403, "text/html")
    );
    assert_eq!(scene.json("/api_usage").await["message"], "no");
    assert_eq!(scene.json("/api_usage").await["plan_limit"], 600);
}

#[tokio::test]
async fn the_clock_of_replies_goes_wrong_alone_or_with_all_else() {
    let scene = Scene::new().await;
    let date = async || {
        let reply = scene.get("/price?symbol=BTC/USD").await;
        reply.headers()["date"].to_str().unwrap().to_owned()
    };
    assert_eq!(date().await, "Wed, 25 Nov 2026 15:30:10 GMT");
    scene.stand_in.inject(Fault::DateSkewed { seconds: -90 });
    assert_eq!(date().await, "Wed, 25 Nov 2026 15:28:40 GMT");
    scene
        .order(Method::PUT, "/clock", json!({ "ahead_s": 1200 }))
        .await;
    assert_eq!(date().await, "Wed, 25 Nov 2026 15:50:10 GMT");
    assert_eq!(scene.json("/api_usage").await["timestamp"], "2026-11-25 15:50:10");
}

#[tokio::test]
async fn markets_open_and_close_by_the_clock_and_by_order() {
    let scene = Scene::new().await;
    let state = async || {
        let state = scene.json("/market_state?code=XNYS").await;
        assert_eq!(state.as_array().unwrap().len(), 1);
        state[0].clone()
    };
    let open = state().await;
    assert_eq!(
        (
            &open["name"],
            &open["is_market_open"],
            &open["time_after_open"],
            &open["time_to_close"]
        ),
        (
            &json!("NYSE"),
            &json!(true),
            &json!("01:00:10"),
            &json!("05:29:50")
        )
    );
    let before = scene.json("/quote?symbol=IBM").await;
    assert_eq!(before["is_market_open"], true);
    scene.hands.advance(Duration::from_hours(6));
    let closed = state().await;
    assert_eq!(
        (&closed["is_market_open"], &closed["time_to_open"]),
        (&json!(false), &json!("40:59:50")),
        "over the holiday"
    );
    let quotes = [
        scene.json("/quote?symbol=IBM").await,
        scene.json("/quote?symbol=IBM").await,
    ];
    assert_eq!(
        quotes[0]["close"], quotes[1]["close"],
        "a price of a closed market stands"
    );
    assert_eq!(quotes[0]["last_quote_at"], 1_795_640_400, "at 16:00 in New York");
    let coins = [
        scene.json("/price?symbol=BTC/USD").await,
        scene.json("/price?symbol=BTC/USD").await,
    ];
    assert_ne!(coins[0], coins[1]);

    let extended = scene.json("/quote?symbol=IBM&prepost=true").await;
    assert_eq!(extended["close"], quotes[0]["close"]);
    assert_eq!(extended["extended_timestamp"], 1_795_642_200);
    let served = scene.stand_in.served().pop().unwrap();
    assert_eq!(extended["extended_price"], served.price);

    scene
        .order(
            Method::PUT,
            "/market",
            json!({ "exchange": "*", "is_open": true }),
        )
        .await;
    assert_eq!(state().await["is_market_open"], true);
}

#[tokio::test]
async fn bars_are_the_same_whoever_asks_and_none_is_of_a_closed_market() {
    let scene = Scene::new().await;
    let series = scene
        .json("/time_series?symbol=AAPL&interval=1min&outputsize=90&timezone=UTC")
        .await;
    assert_eq!(
        (&series["status"], &series["meta"]["mic_code"]),
        (&json!("ok"), &json!("XNGS"))
    );
    let values = series["values"].as_array().unwrap();
    assert_eq!(values.len(), 90);
    assert_eq!(values[0]["datetime"], "2026-11-25 15:30:00");
    assert_eq!(values[60]["datetime"], "2026-11-25 14:30:00");
    assert_eq!(
        values[61]["datetime"], "2026-11-24 20:59:00",
        "the last minute of the day before"
    );
    assert!(
        values
            .iter()
            .all(|bar| bar["volume"].is_string() && bar["high"].is_string())
    );
    let of_a_gap = scene
        .json("/time_series?symbol=AAPL&interval=1min&start_date=2026-11-25T14:30:00&end_date=2026-11-25T14:35:00&timezone=UTC&order=asc")
        .await;
    let gap = of_a_gap["values"].as_array().unwrap();
    assert_eq!(gap.len(), 5);
    assert_eq!(gap[0], values[60]);
    let local = scene
        .json("/time_series?symbol=AAPL&interval=1h&outputsize=1")
        .await;
    assert_eq!(local["meta"]["exchange_timezone"], "America/New_York");

    let batch = scene
        .json("/time_series?symbol=BTC/USD,EUR/USD,UNKNOWN1&interval=5min&outputsize=2")
        .await;
    assert_eq!(batch["BTC/USD"]["values"][0].get("volume"), None);
    assert_eq!(batch["EUR/USD"]["meta"].get("exchange"), None);
    assert_eq!(batch["UNKNOWN1"]["status"], "error");
    let closed = "&start_date=2026-11-22T15:00:00&end_date=2026-11-22T15:30:00&timezone=UTC";
    let nothing = scene
        .json(&format!("/time_series?symbol=AAPL&interval=1min{closed}"))
        .await;
    assert!(
        nothing["message"]
            .as_str()
            .unwrap()
            .starts_with("No data is available"),
        "{nothing}"
    );
    assert_eq!(
        scene.json("/time_series?symbol=AAPL&interval=7min").await["code"],
        400
    );

    let csv = scene
        .get("/time_series?symbol=EUR/USD&interval=1min&outputsize=1&format=CSV")
        .await;
    assert_eq!(csv.headers()["content-type"], "text/csv");
    let csv = csv.text().await.unwrap();
    assert!(
        csv.starts_with("datetime;open;high;low;close\n2026-11-25 15:30:00;"),
        "{csv}"
    );
    let error = scene
        .json("/time_series?symbol=UNKNOWN1&interval=1min&format=CSV")
        .await;
    assert_eq!(error["code"], 404, "an error is JSON even then");
}

#[tokio::test]
async fn instruments_are_listed_and_found() {
    let scene = Scene::new().await;
    let stocks = scene.json("/stocks?symbol=RY&country=United%20States").await;
    assert_eq!(
        (&stocks["count"], &stocks["data"][0]["mic_code"]),
        (&json!(1), &json!("XNYS"))
    );
    let found = scene.json("/symbol_search?symbol=a&outputsize=2").await;
    let symbols: Vec<_> = found["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["symbol"])
        .collect();
    assert_eq!(symbols, ["AAPL", "AMZN"]);
    assert_eq!(found["data"][0]["exchange_timezone"], "America/New_York");
}

#[tokio::test]
async fn the_ledger_tells_what_was_asked_and_where_the_key_stood() {
    let scene = Scene::new().await;
    scene.get("/price?symbol=AAPL&dp=11").await;
    scene.get("/price?symbol=AAPL&apikey=k").await;
    let location = "http://127.0.0.1:1/price".to_owned();
    scene.stand_in.inject(Fault::Redirect { location });
    let moved = scene.get("/price?symbol=AAPL").await;
    assert_eq!(
        (moved.status().as_u16(), &moved.headers()["location"]),
        (302, &"http://127.0.0.1:1/price".parse().unwrap())
    );
    let requests = scene.stand_in.requests();
    assert_eq!(requests[0].query[1], ("dp".to_owned(), "11".to_owned()));
    let places: Vec<_> = requests.iter().map(|request| request.key_in).collect();
    assert_eq!(
        places,
        [
            Some(KeyPlace::Header),
            Some(KeyPlace::Query),
            Some(KeyPlace::Header)
        ]
    );
    assert!(!format!("{requests:?}").contains("apikey"), "{requests:?}");
}
