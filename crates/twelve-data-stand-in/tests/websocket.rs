//! What a client sees on the WebSocket: subscriptions, events, refusals, disturbances.

#![expect(clippy::unwrap_used, reason = "what fails in the set-up fails the test")]

use std::num::NonZeroU32;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};
use twelve_data_stand_in::{Config, MarketConfig, StandIn, Upgrade, WebSocketConfig, WebSocketFault};

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn try_connect(stand_in: &StandIn, query: &str) -> Result<Self, Error> {
        let tcp = TcpStream::connect(stand_in.base_url().trim_start_matches("http://"))
            .await
            .unwrap();
        let mut request = format!("{}{query}", stand_in.ws_url())
            .into_client_request()
            .unwrap();
        if query.is_empty() {
            request.headers_mut().insert("X-TD-APIKEY", "k".parse().unwrap());
        }
        Ok(Self(client_async(request, tcp).await?.0))
    }

    async fn connect(stand_in: &StandIn) -> Self {
        Self::try_connect(stand_in, "").await.unwrap()
    }

    async fn say(&mut self, text: impl Into<Utf8Bytes>) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn next(&mut self) -> Option<Result<Message, Error>> {
        self.0.next().await
    }

    /// The next event of one kind.
    async fn event(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap().unwrap();
            let event: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if event["event"] == kind {
                return event;
            }
        }
    }

    async fn subscribe(&mut self, symbols: &str) -> Value {
        let message = json!({ "action": "subscribe", "params": { "symbols": symbols } });
        self.say(message.to_string()).await;
        self.event("subscribe-status").await
    }

    /// The text of the close frame, or `lost` if there was none.
    async fn end(&mut self) -> String {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.to_string(),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return "lost".to_owned(),
            }
        }
    }
}

fn config(ticks_per_second: u32) -> Config {
    Config {
        market: MarketConfig {
            plan_gated: ["GATED".to_owned()].into(),
            ..MarketConfig::default()
        },
        websocket: WebSocketConfig {
            ticks_per_second: NonZeroU32::new(ticks_per_second).unwrap(),
            ..WebSocketConfig::default()
        },
        ..Config::default()
    }
}

async fn start() -> StandIn {
    StandIn::start(config(200)).await.unwrap()
}

#[tokio::test]
async fn a_subscription_is_answered_symbol_by_symbol() {
    let stand_in = start().await;
    let mut client = Client::connect(&stand_in).await;
    let ok = client.subscribe("AAPL,EUR/USD").await;
    assert_eq!((&ok["status"], &ok["fails"]), (&json!("ok"), &json!([])));
    assert_eq!(
        ok["success"],
        json!([
            {"symbol":"AAPL","exchange":"NASDAQ","mic_code":"XNGS","country":"United States","type":"Common Stock"},
            {"symbol":"EUR/USD","exchange":"FOREX","country":"","type":"Physical Currency"}
        ])
    );
    let warning = client.subscribe("MSFT,GATED").await;
    assert_eq!(warning["status"], "warning");
    assert_eq!(
        warning["fails"][0]["message"],
        "You are not authorized to access GATED data."
    );
    let error = client.subscribe("UNKNOWN").await;
    assert_eq!(error["status"], "error");
    assert_eq!(
        (&error["success"], &error["fails"]),
        (&Value::Null, &json!([{ "symbol": "UNKNOWN" }]))
    );
    client.say("subscribe, please").await;
    assert_eq!(
        client.event("subscribe-status").await["messages"],
        json!(["Cant parse message"])
    );
}

#[tokio::test]
async fn every_digit_on_the_wire_is_in_the_ledger() {
    let stand_in = start().await;
    let mut client = Client::connect(&stand_in).await;
    client.subscribe("AAPL,BTC/USD,XAU/USD").await;
    let mut texts = Vec::new();
    while texts.len() < 30 {
        texts.push(client.next().await.unwrap().unwrap().into_text().unwrap());
    }
    stand_in.until(|totals| totals.served >= 30).await;
    for (text, served) in texts.iter().zip(stand_in.served()) {
        let mut digits = vec![format!("\"price\":{}", served.price)];
        digits.extend(served.bid.map(|bid| format!("\"bid\":{bid}")));
        digits.extend(served.ask.map(|ask| format!("\"ask\":{ask}")));
        digits.push(format!("\"symbol\":\"{}\"", served.symbol));
        assert!(
            digits.iter().all(|part| text.contains(part.as_str())),
            "{text} {digits:?}"
        );
    }
}

#[tokio::test]
async fn what_was_unsubscribed_or_reset_ticks_no_more() {
    let stand_in = start().await;
    let mut client = Client::connect(&stand_in).await;
    client.subscribe("AAPL,MSFT").await;
    client
        .say(r#"{"action":"unsubscribe","params":{"symbols":[{"symbol":"AAPL"}]}}"#)
        .await;
    client.event("subscribe-status").await;
    for _ in 0..5 {
        assert_eq!(client.event("price").await["symbol"], "MSFT");
    }
    client.say(r#"{"action":"reset"}"#).await;
    client.event("reset-status").await;
    client.say(r#"{"action":"heartbeat"}"#).await;
    let next = client.next().await.unwrap().unwrap().into_text().unwrap();
    assert_eq!(next, r#"{"event":"heartbeat","status":"ok"}"#);
}

#[tokio::test]
async fn an_upgrade_can_be_refused_in_each_way() {
    for (upgrade, query, status) in [
        (Upgrade::Unauthorized, "?apikey=k", 401),
        (Upgrade::Forbidden, "?apikey=k", 403),
        (Upgrade::ErrorInBody, "?apikey=k", 200),
        (Upgrade::Accept, "?apikey=", 401),
    ] {
        let mut config = config(10);
        config.websocket.upgrade = upgrade;
        let stand_in = StandIn::start(config).await.unwrap();
        let Err(Error::Http(response)) = Client::try_connect(&stand_in, query).await else {
            panic!("{upgrade:?} was not refused");
        };
        assert_eq!(response.status(), status, "{upgrade:?}");
        assert_eq!(stand_in.requests()[0].status, Some(status));
    }
}

#[tokio::test]
async fn a_fourth_connection_closes_the_oldest() {
    let stand_in = start().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(&stand_in).await;
        client.subscribe("AAPL").await;
        clients.push(client);
    }
    assert!(clients[0].end().await.contains("replaced"));
    for client in &mut clients[1..] {
        client.event("price").await;
    }
}

#[tokio::test]
async fn a_plan_may_hold_only_so_many_symbols() {
    let mut config = config(10);
    config.websocket.symbols_max = Some(2);
    let stand_in = StandIn::start(config).await.unwrap();
    let mut client = Client::connect(&stand_in).await;
    let status = client.subscribe("A,B,C").await;
    assert_eq!(
        (&status["status"], &status["fails"][0]["symbol"]),
        (&json!("warning"), &json!("C"))
    );
    assert_eq!(client.subscribe("A").await["status"], "ok");
}

#[tokio::test]
async fn who_talks_too_much_or_too_long_is_disconnected() {
    let stand_in = start().await;
    let mut client = Client::connect(&stand_in).await;
    for _ in 0..101 {
        client.say(r#"{"action":"heartbeat"}"#).await;
    }
    assert!(client.end().await.contains("more than 100 messages"));
    let mut client = Client::connect(&stand_in).await;
    // the stand-in may hang up before it has read all of it
    drop(client.0.send(Message::text("x".repeat((1 << 20) + 1))).await);
    assert_eq!(client.end().await, "lost");
}

#[tokio::test]
async fn a_connection_can_be_silent_and_yet_answer_pings() {
    let stand_in = start().await;
    let mut client = Client::connect(&stand_in).await;
    client.subscribe("AAPL").await;
    assert_eq!(stand_in.inject_websocket(WebSocketFault::Silence), 1);
    let ping = Bytes::from_static(b"ping");
    client.0.send(Message::Ping(ping.clone())).await.unwrap();
    while client.next().await.unwrap().unwrap() != Message::Pong(ping.clone()) {}
    // events of before the silence may come first, none after the second pong
    client.0.send(Message::Ping(ping.clone())).await.unwrap();
    while client.next().await.unwrap().unwrap() != Message::Pong(ping.clone()) {}
    let served = stand_in.served().len();
    client.0.send(Message::Ping(ping.clone())).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(ping));
    assert_eq!(stand_in.served().len(), served);
}

#[tokio::test]
async fn a_connection_can_stall_with_tcp_alive() {
    let stand_in = start().await;
    let mut client = Client::connect(&stand_in).await;
    client.subscribe("AAPL").await;
    stand_in.inject_websocket(WebSocketFault::Stall);
    client
        .0
        .send(Message::Ping(Bytes::from_static(b"ping")))
        .await
        .unwrap();
    let quiet = async {
        loop {
            let message = client.next().await.unwrap().unwrap();
            assert!(message.is_text(), "{message:?}");
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), quiet).await;
    assert!(waited.is_err(), "neither pong nor end");
}

#[tokio::test]
async fn a_connection_can_end_in_each_way() {
    let stand_in = start().await;
    for (fault, end) in [
        (WebSocketFault::Abort, "lost"),
        (
            WebSocketFault::Close {
                code: 1012,
                reason: "service restart".to_owned(),
            },
            "service restart",
        ),
    ] {
        let mut client = Client::connect(&stand_in).await;
        client.subscribe("AAPL").await;
        stand_in.inject_websocket(fault);
        assert!(client.end().await.contains(end), "{end}");
    }
    let mut client = Client::connect(&stand_in).await;
    client.subscribe("AAPL").await;
    stand_in.stop().await.unwrap();
    assert!(client.end().await.contains("stops"));
}

#[tokio::test]
async fn strange_messages_can_come_between_the_prices() {
    let stand_in = start().await;
    let mut client = Client::connect(&stand_in).await;
    client.subscribe("AAPL").await;
    client.event("price").await;
    stand_in.inject_websocket(WebSocketFault::UnknownEvent);
    client.event("maintenance").await;
    stand_in.inject_websocket(WebSocketFault::NotJson);
    while serde_json::from_str::<Value>(client.next().await.unwrap().unwrap().to_text().unwrap()).is_ok() {}
    stand_in.inject_websocket(WebSocketFault::Binary);
    while !client.next().await.unwrap().unwrap().is_binary() {}
    stand_in.inject_websocket(WebSocketFault::NullPrice);
    while !client.event("price").await["price"].is_null() {}

    let mut last = client.event("price").await;
    stand_in.inject_websocket(WebSocketFault::Shifted { seconds: 3600 });
    let shifted = loop {
        let event = client.event("price").await;
        if event["timestamp"].as_i64().unwrap() - last["timestamp"].as_i64().unwrap() > 3000 {
            break event;
        }
        last = event;
    };
    assert_eq!(shifted["price"], last["price"]);
    let mut last = client.event("price").await;
    stand_in.inject_websocket(WebSocketFault::Duplicate);
    loop {
        let event = client.event("price").await;
        if event == last {
            break;
        }
        last = event;
    }
}
