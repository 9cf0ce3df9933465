use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Error, Result};

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is passed on after this time.
    Delay(Duration),
    /// It is passed on once the [`Injected`] is dropped.
    HoldRequest,
    /// It is passed on, and its reply is held until the [`Injected`] is dropped.
    HoldReply,
    /// It is passed on and done, and the connection ends without a reply.
    DropReply,
    /// The connection ends, and the server hears nothing of it.
    Cut,
    /// The server hears nothing of it, and this S3 error comes back: status and code, as `503 SlowDown`.
    Answer(u16, &'static str),
    /// It is passed on, and a 412 comes back as a 200: what a client sees of a store that keeps no condition.
    HideRefusal,
}

/// A request as a rule sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `PUT`, `GET`, …
    pub method: Method,
    /// Path and query, as sent.
    pub path: String,
}

impl Request {
    /// Is it the write of an object of data, and not of one whose name begins with `_`?
    #[must_use]
    pub fn writes_data(&self) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let key = parts.nth(1).unwrap_or_default();
        let name = key.rsplit('/').next().unwrap_or_default();
        self.method == Method::PUT && !name.is_empty() && !name.starts_with('_')
    }
}

type Matcher = Box<dyn Fn(&Request) -> bool + Send + Sync>;

struct Rule {
    matches: Matcher,
    left: usize,
    fault: Fault,
    /// How often the fault has taken place.
    done: watch::Sender<usize>,
    /// Its sender is gone once the [`Injected`] is.
    held: watch::Receiver<()>,
}

type Rules = Arc<Mutex<VecDeque<Rule>>>;

/// A fault that waits for its requests. Dropped, it is taken away, and replies that it holds go on.
#[derive(Debug)]
pub struct Injected {
    done: watch::Receiver<usize>,
    hold: watch::Sender<()>,
}

impl Injected {
    /// Waits until the fault has taken place this many times; for held and dropped replies: until the server has done
    /// what was asked.
    ///
    /// # Panics
    ///
    /// If it does not within a minute: the program under test did not do what the test is about.
    pub async fn taken_place(&mut self, times: usize) {
        let done = self.done.wait_for(|done| *done >= times);
        let done = tokio::time::timeout(Duration::from_mins(1), done).await;
        assert!(
            matches!(done, Ok(Ok(_))),
            "the fault did not take place {times} times"
        );
    }

    /// How often the fault has taken place so far.
    #[must_use]
    pub fn count(&self) -> usize {
        *self.done.borrow()
    }

    /// Takes the fault away and lets held replies go.
    pub fn lift(self) {
        drop(self.hold);
    }
}

/// An HTTP proxy before an S3 server, which passes requests on as they are, signatures included, but for the faults
/// that are injected.
pub struct FaultProxy {
    address: SocketAddr,
    rules: Rules,
    server: JoinHandle<()>,
}

impl FaultProxy {
    /// Listens on a free port and passes on to `endpoint`, such as `http://127.0.0.1:8333`.
    ///
    /// # Errors
    ///
    /// [`Error::Proxy`] if it cannot listen.
    pub async fn start(endpoint: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|source| Error::Proxy { source })?;
        let address = listener.local_addr().map_err(|source| Error::Proxy { source })?;
        let rules = Rules::default();
        let upstream = Upstream {
            client: Client::builder(TokioExecutor::new()).build_http(),
            endpoint: endpoint.to_owned(),
            rules: Arc::clone(&rules),
        };
        Ok(Self {
            address,
            rules,
            server: tokio::spawn(serve(listener, upstream)),
        })
    }

    /// The proxy's own URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has the next `times` requests that match meet a fault. Of several rules that match, the oldest is taken.
    pub fn inject(
        &self,
        times: usize,
        fault: Fault,
        matches: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Injected {
        let (done_sender, done) = watch::channel(0);
        let (hold, lifted) = watch::channel(());
        lock(&self.rules).push_back(Rule {
            matches: Box::new(matches),
            left: times,
            fault,
            done: done_sender,
            held: lifted,
        });
        Injected { done, hold }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What a request meets: the fault, a way to say that it took place, and a way to learn that it is lifted.
type Meeting = (Fault, watch::Sender<usize>, watch::Receiver<()>);

#[derive(Clone)]
struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
    rules: Rules,
}

/// An error on which hyper ends the connection without a reply.
#[derive(Debug, thiserror::Error)]
#[error("the proxy cuts the connection")]
struct CutConnection;

async fn serve(listener: TcpListener, upstream: Upstream) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let upstream = upstream.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let upstream = upstream.clone();
                async move { upstream.answer(request).await }
            });
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }
}

impl Upstream {
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> std::result::Result<Response<Full<Bytes>>, CutConnection> {
        let seen = Request {
            method: request.method().clone(),
            path: request
                .uri()
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        let Some((fault, done, mut held)) = self.fault_for(&seen) else {
            return self.pass_on(request).await;
        };
        let take_place = || done.send_modify(|count| *count += 1);
        match fault {
            Fault::Delay(time) => {
                take_place();
                tokio::time::sleep(time).await;
                self.pass_on(request).await
            }
            Fault::HoldRequest => {
                take_place();
                while held.changed().await.is_ok() {}
                self.pass_on(request).await
            }
            Fault::HoldReply => {
                let reply = self.pass_on(request).await;
                take_place();
                while held.changed().await.is_ok() {}
                reply
            }
            Fault::DropReply => {
                self.pass_on(request).await?;
                take_place();
                Err(CutConnection)
            }
            Fault::Cut => {
                take_place();
                Err(CutConnection)
            }
            Fault::HideRefusal => {
                let reply = self.pass_on(request).await?;
                take_place();
                if reply.status() == StatusCode::PRECONDITION_FAILED {
                    Ok(Response::new(Full::default()))
                } else {
                    Ok(reply)
                }
            }
            Fault::Answer(status, code) => {
                // the body is read, so that the client is not cut off while it writes
                request.into_body().collect().await.map_err(|_| CutConnection)?;
                take_place();
                s3_error(status, code)
            }
        }
    }

    fn fault_for(&self, request: &Request) -> Option<Meeting> {
        let mut rules = lock(&self.rules);
        rules.retain(|rule| rule.left > 0 && rule.held.has_changed().is_ok());
        let rule = rules.iter_mut().find(|rule| (rule.matches)(request))?;
        rule.left -= 1;
        Some((rule.fault.clone(), rule.done.clone(), rule.held.clone()))
    }

    /// Passes the request on with its own `Host`, over which it is signed.
    async fn pass_on(
        &self,
        request: hyper::Request<Incoming>,
    ) -> std::result::Result<Response<Full<Bytes>>, CutConnection> {
        let (mut parts, body) = request.into_parts();
        let path = parts
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default();
        parts.uri = format!("{}{path}", self.endpoint)
            .parse()
            .map_err(|_| CutConnection)?;
        parts.headers.remove(header::EXPECT);
        let body = body.collect().await.map_err(|_| CutConnection)?.to_bytes();
        let request = hyper::Request::from_parts(parts, Full::new(body));
        let reply = self.client.request(request).await.map_err(|_| CutConnection)?;
        let (parts, body) = reply.into_parts();
        let body = body.collect().await.map_err(|_| CutConnection)?.to_bytes();
        Ok(Response::from_parts(parts, Full::new(body)))
    }
}

fn s3_error(status: u16, code: &str) -> std::result::Result<Response<Full<Bytes>>, CutConnection> {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>injected</Message></Error>"#
    );
    let status = StatusCode::from_u16(status).map_err(|_| CutConnection)?;
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/xml")
        .body(Full::new(body.into()))
        .map_err(|_| CutConnection)
}

fn lock(rules: &Rules) -> std::sync::MutexGuard<'_, VecDeque<Rule>> {
    rules.lock().unwrap_or_else(PoisonError::into_inner)
}
