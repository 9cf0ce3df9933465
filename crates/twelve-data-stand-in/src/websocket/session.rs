//! One connection, from its opening to its end.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

use super::messages::{Action, Fail, PriceEvent, SubscribeStatus, Success};
use crate::connection::Scissors;
use crate::faults::WebSocketFault;
use crate::ledger::{Channel, Served};
use crate::market::Unavailable;
use crate::sessions::Place;
use crate::stage::Stage;

/// Messages that a client may send in a minute.
const EVENTS_MAX: usize = 100;
const EVENTS_WINDOW: SignedDuration = SignedDuration::from_secs(60);

const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;

pub(super) struct Session {
    stage: Arc<Stage>,
    /// The number of the request that opened it.
    number: u64,
    scissors: Scissors,
    /// What is subscribed to, the one to tick next in front.
    symbols: VecDeque<String>,
    /// When the client spoke in the last minute.
    events: VecDeque<Timestamp>,
    /// The last price sent, with its symbol as subscribed.
    last: Option<(String, PriceEvent)>,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Live,
    Silent,
    Stalled,
}

/// What ends a session: the close frame to send, or none.
type End = Option<CloseFrame>;

impl Session {
    pub(super) fn new(stage: Arc<Stage>, number: u64, scissors: Scissors) -> Self {
        Self {
            stage,
            number,
            scissors,
            symbols: VecDeque::new(),
            events: VecDeque::new(),
            last: None,
            mode: Mode::Live,
        }
    }

    /// Runs until the client leaves, a fault or a newer connection ends it, or the stand-in stops.
    pub(super) async fn run(
        mut self,
        mut socket: WebSocket,
        mut faults: broadcast::Receiver<WebSocketFault>,
        place: Place,
    ) {
        let stopping = self.stage.stop.clone();
        let mut ticks = interval(Duration::from_secs(1) / self.stage.websocket.ticks_per_second.get());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            let ticking = self.mode == Mode::Live && !self.symbols.is_empty();
            let step = tokio::select! {
                () = stopping.cancelled() => close(GOING_AWAY, "the stand-in stops"),
                () = place.taken() => close(POLICY, "replaced by a newer connection"),
                fault = faults.recv() => self.disturb(fault, &mut socket).await,
                message = socket.recv(), if self.mode != Mode::Stalled => match message {
                    Some(Ok(message)) => self.hear(message, &mut socket).await,
                    Some(Err(error)) => {
                        debug!(%error, "websocket lost");
                        ControlFlow::Break(None)
                    }
                    None => ControlFlow::Break(None),
                },
                _ = ticks.tick(), if ticking => self.tick(&mut socket).await,
            };
            if let ControlFlow::Break(end) = step {
                break end;
            }
        };
        if let Some(frame) = end
            && let Err(error) = socket.send(Message::Close(Some(frame))).await
        {
            debug!(%error, "the client was gone before the close");
        }
    }

    async fn hear(&mut self, message: Message, socket: &mut WebSocket) -> ControlFlow<End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return ControlFlow::Break(None),
            // the library answers pings
            Message::Ping(_) | Message::Pong(_) => return ControlFlow::Continue(()),
            Message::Binary(_) => return self.say(socket, &cannot_parse()).await,
        };
        if self.is_too_talkative() {
            return close(POLICY, "more than 100 messages a minute");
        }
        if self.mode == Mode::Silent {
            return ControlFlow::Continue(());
        }
        match serde_json::from_str(&text) {
            Ok(Action::Subscribe { params }) => {
                let status = self.subscribe(params.symbols());
                self.say(socket, &status).await
            }
            Ok(Action::Unsubscribe { params }) => {
                let leaving = params.symbols();
                self.symbols.retain(|symbol| !leaving.contains(symbol));
                self.say(socket, &self.status(Vec::new(), Vec::new())).await
            }
            Ok(Action::Reset) => {
                self.symbols.clear();
                self.say(socket, &json!({ "event": "reset-status", "status": "ok" }))
                    .await
            }
            Ok(Action::Heartbeat) => self.say(socket, &heartbeat()).await,
            Err(_) => self.say(socket, &cannot_parse()).await,
        }
    }

    fn subscribe(&mut self, symbols: Vec<String>) -> SubscribeStatus {
        let (mut success, mut fails) = (Vec::new(), Vec::new());
        for symbol in symbols {
            match self.admit(&symbol) {
                Ok(accepted) => {
                    success.push(accepted);
                    if !self.symbols.contains(&symbol) {
                        self.symbols.push_back(symbol);
                    }
                }
                Err(message) => fails.push(Fail { symbol, message }),
            }
        }
        self.status(success, fails)
    }

    fn status(&self, success: Vec<Success>, fails: Vec<Fail>) -> SubscribeStatus {
        SubscribeStatus::new(success, fails, self.stage.websocket.has_null_lists)
    }

    fn admit(&self, symbol: &str) -> Result<Success, Option<String>> {
        let instrument = self.stage.market.instrument(symbol);
        let instrument = instrument.map_err(|unavailable| match unavailable {
            Unavailable::NotInPlan => Some(format!("You are not authorized to access {symbol} data.")),
            Unavailable::Unknown | Unavailable::Ended => None,
        })?;
        let max = self.stage.websocket.symbols_max.unwrap_or(usize::MAX);
        if self.symbols.len() >= max && !self.symbols.iter().any(|known| known == symbol) {
            return Err(Some(format!("You have reached the limit of {max} symbols.")));
        }
        Ok(instrument.into())
    }

    /// Sends the price of the next symbol in turn. One whose replay is over is left out from then on.
    async fn tick(&mut self, socket: &mut WebSocket) -> ControlFlow<End> {
        let Some(symbol) = self.symbols.pop_front() else {
            return ControlFlow::Continue(());
        };
        let now = self.stage.clock.now();
        if self.stage.market.instrument(&symbol).is_ok() && !self.stage.market.is_open(&symbol, now) {
            self.symbols.push_back(symbol);
            return ControlFlow::Continue(());
        }
        let Ok(observation) = self.stage.market.next(&symbol, now, false) else {
            return ControlFlow::Continue(());
        };
        self.symbols.push_back(symbol.clone());
        match PriceEvent::new(observation) {
            Ok(event) => {
                let event = if self.stage.websocket.is_lean {
                    event.lean()
                } else {
                    event
                };
                self.last = Some((symbol, event));
                self.repeat(socket, |event| event).await
            }
            Err(error) => {
                warn!(symbol, %error, "a price is no number, not sent");
                ControlFlow::Continue(())
            }
        }
    }

    fn record(&self, symbol: String, event: &PriceEvent) {
        let text = |number: &Option<Box<serde_json::value::RawValue>>| {
            number.as_ref().map(|number| number.get().to_owned())
        };
        self.stage.ledger.sent(Served {
            request: self.number,
            time: self.stage.clock.now(),
            channel: Channel::Websocket,
            symbol,
            price: text(&event.price).unwrap_or_default(),
            bid: text(&event.bid),
            ask: text(&event.ask),
            event_time: Some(event.timestamp),
        });
    }

    async fn disturb(
        &mut self,
        fault: Result<WebSocketFault, RecvError>,
        socket: &mut WebSocket,
    ) -> ControlFlow<End> {
        let fault = match fault {
            Ok(fault) => fault,
            Err(RecvError::Lagged(count)) => {
                warn!(count, "faults came too fast for a websocket, skipped");
                return ControlFlow::Continue(());
            }
            Err(RecvError::Closed) => return ControlFlow::Break(None),
        };
        match fault {
            WebSocketFault::Silence => self.mode = Mode::Silent,
            WebSocketFault::Stall => self.mode = Mode::Stalled,
            WebSocketFault::Abort => {
                self.scissors.cut();
                return ControlFlow::Break(None);
            }
            WebSocketFault::Close { code, reason } => return close(code, &reason),
            WebSocketFault::UnknownEvent => {
                return self.say(socket, &json!({ "event": "maintenance" })).await;
            }
            WebSocketFault::NotJson => return send(socket, Message::text("price: 332.69500")).await,
            WebSocketFault::Binary => return send(socket, Message::binary(vec![0x82, 0xff])).await,
            WebSocketFault::Duplicate => return self.repeat(socket, |event| event).await,
            WebSocketFault::Shifted { seconds } => {
                return self.repeat(socket, |event| event.shifted(seconds)).await;
            }
            WebSocketFault::NullPrice => return self.repeat(socket, PriceEvent::without_price).await,
            WebSocketFault::DayVolumeReset => return self.repeat(socket, PriceEvent::of_a_new_day).await,
            WebSocketFault::Heartbeat => return self.say(socket, &heartbeat()).await,
        }
        ControlFlow::Continue(())
    }

    /// Sends the last price, changed or not.
    async fn repeat(
        &mut self,
        socket: &mut WebSocket,
        change: impl FnOnce(PriceEvent) -> PriceEvent,
    ) -> ControlFlow<End> {
        let Some((symbol, event)) = self.last.clone() else {
            return ControlFlow::Continue(());
        };
        let event = change(event);
        self.say(socket, &event).await?;
        if event.price.is_some() {
            self.record(symbol, &event);
        }
        ControlFlow::Continue(())
    }

    async fn say(&self, socket: &mut WebSocket, message: &impl Serialize) -> ControlFlow<End> {
        match serde_json::to_string(message) {
            Ok(text) => send(socket, Message::text(text)).await,
            Err(error) => {
                warn!(%error, "a message cannot be written as JSON, not sent");
                ControlFlow::Continue(())
            }
        }
    }

    fn is_too_talkative(&mut self) -> bool {
        let now = self.stage.clock.now();
        self.events.push_back(now);
        while self
            .events
            .front()
            .is_some_and(|event| now.duration_since(*event) >= EVENTS_WINDOW)
        {
            self.events.pop_front();
        }
        self.events.len() > EVENTS_MAX
    }
}

fn heartbeat() -> serde_json::Value {
    json!({ "event": "heartbeat", "status": "ok" })
}

fn cannot_parse() -> serde_json::Value {
    json!({ "event": "subscribe-status", "status": "error", "messages": ["Cant parse message"] })
}

fn close(code: u16, reason: &str) -> ControlFlow<End> {
    ControlFlow::Break(Some(CloseFrame {
        code,
        reason: reason.into(),
    }))
}

async fn send(socket: &mut WebSocket, message: Message) -> ControlFlow<End> {
    match socket.send(message).await {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            debug!(%error, "websocket lost");
            ControlFlow::Break(None)
        }
    }
}
