use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info};

use crate::Error;
use crate::config::{Config, Upgrade};
use crate::connection::{CuttableListener, Scissors};
use crate::control;
use crate::credits::CreditPlan;
use crate::faults::{Injection, WebSocketFault};
use crate::ledger::{Request, Served, Totals};
use crate::lock::locked;
use crate::market::ReplayProgress;
use crate::rest;
use crate::stage::Stage;
use crate::websocket;

/// How long clients may take to read what is left for them.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// A stand-in that runs, until it is dropped.
pub struct StandIn {
    address: SocketAddr,
    stage: Arc<Stage>,
    server: JoinHandle<std::io::Result<()>>,
    stop: DropGuard,
}

impl StandIn {
    /// Starts one inside this tokio runtime; it accepts connections from now on.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if the address cannot be had, [`Error::ReplaySymbol`] if what is to be replayed is no symbol.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let listening = |source| Error::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let stop = CancellationToken::new();
        let stage = Arc::new(Stage::new(config, stop.clone())?);
        let service = router(Arc::clone(&stage)).into_make_service_with_connect_info::<Scissors>();
        let server = axum::serve(CuttableListener(listener), service)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        info!(%address, "listening");
        Ok(Self {
            address,
            stage,
            server: tokio::spawn(server),
            stop: stop.drop_guard(),
        })
    }

    /// Where REST is: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the WebSocket is, without a key: `ws://127.0.0.1:PORT/v1/quotes/price`.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}{}", self.address, websocket::PATH)
    }

    /// Orders a fault for requests to come; faults hit in the order in which they were ordered.
    pub fn inject(&self, fault: impl Into<Injection>) {
        self.stage.faults.push(fault.into());
    }

    /// The faults that no request has met yet.
    #[must_use]
    pub fn pending_faults(&self) -> Vec<Injection> {
        self.stage.faults.pending()
    }

    /// Takes back all faults that no request has met yet.
    pub fn clear_faults(&self) {
        self.stage.faults.clear();
    }

    /// Gives the key another plan. What was used stays used.
    pub fn set_plan(&self, plan: CreditPlan) {
        locked(&self.stage.credits).set_plan(plan);
    }

    /// Uses credits, as another client of the same key would.
    pub fn spend_credits(&self, credits: u64) {
        locked(&self.stage.credits).spend(self.stage.clock.now(), credits);
    }

    /// Has the vendor's clock go wrong by so much.
    pub fn set_clock_ahead(&self, by: SignedDuration) {
        self.stage.clock.set_ahead(by);
    }

    /// Opens or closes an exchange (`FOREX` and `CRYPTO` are two, `*` is all of them) whatever its hours, until `None`.
    pub fn set_market(&self, exchange: &str, is_open: Option<bool>) {
        let now = self.stage.clock.now();
        self.stage.market.calendar.order(exchange, is_open, now);
    }

    /// What a client gets from now on that asks for the WebSocket with a right key.
    pub fn set_upgrade(&self, upgrade: Upgrade) {
        self.stage.set_upgrade(upgrade);
    }

    /// Puts a fault into each WebSocket that is open now; gives how many there are.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn inject_websocket(&self, fault: WebSocketFault) -> usize {
        self.stage.sessions.inject(fault)
    }

    /// Each price served, in order: the last million.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        self.stage.ledger.served()
    }

    /// Each request answered, in order: the last million.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.stage.ledger.requests()
    }

    /// Waits until what was answered and served meets a condition, without polling.
    pub async fn until(&self, condition: impl FnMut(&Totals) -> bool) -> Totals {
        let mut totals = self.stage.ledger.totals();
        // the sender lives in the stage, so the channel cannot close before this ends
        totals
            .wait_for(condition)
            .await
            .map_or_else(|_| Totals::default(), |totals| *totals)
    }

    /// How far the replay is, if there is one.
    #[must_use]
    pub fn replay_progress(&self) -> Option<ReplayProgress> {
        self.stage.market.replay_progress()
    }

    /// Stops in order and waits for the end: open requests are answered, each WebSocket is closed. Clients that
    /// do not read are left after a second.
    ///
    /// # Errors
    ///
    /// [`Error::Serve`] or [`Error::Task`] if the server had broken off before.
    pub async fn stop(mut self) -> Result<(), Error> {
        drop(self.stop);
        let ending = async {
            self.stage.sessions.closed().await;
            (&mut self.server).await
        };
        if let Ok(result) = timeout(STOP_TIMEOUT, ending).await {
            return ended(self.address, result);
        }
        self.server.abort();
        Ok(())
    }

    /// Waits for the server to break off by itself, which it should not.
    ///
    /// # Errors
    ///
    /// [`Error::Serve`] or [`Error::Task`] with the reason.
    pub async fn broken_off(&mut self) -> Result<(), Error> {
        let result = (&mut self.server).await;
        ended(self.address, result)
    }
}

fn ended(
    address: SocketAddr,
    result: Result<std::io::Result<()>, tokio::task::JoinError>,
) -> Result<(), Error> {
    result
        .map_err(|source| Error::Task { address, source })?
        .map_err(|source| Error::Serve { address, source })
        .inspect_err(|failure| error!(%failure, "the server broke off"))
}

fn router(stage: Arc<Stage>) -> Router {
    Router::new()
        .nest("/_stand_in", control::router())
        .route(websocket::PATH, get(websocket::upgrade))
        .fallback(get(rest::answer).fallback(rest::method_not_allowed))
        .with_state(stage)
}
