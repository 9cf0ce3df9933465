use std::collections::{BTreeMap, HashSet};
use std::error::Error as _;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Fault, Gate, Refusal, Request, Rules};

/// How many writes of data the server answered with each status.
pub(super) type Replies = Arc<Mutex<BTreeMap<u16, usize>>>;

/// A request or a reply with its whole body.
type Reply = Response<Full<Bytes>>;
type WholeRequest = hyper::Request<Full<Bytes>>;

/// Where requests go, and what they meet on the way.
#[derive(Clone)]
pub(super) struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
    rules: Rules,
    replies: Replies,
    gate: Gate,
    /// Paths of objects that are there, as far as is known here.
    there: Arc<Mutex<HashSet<String>>>,
}

/// How a connection ends instead of a reply.
#[derive(Clone, Debug, thiserror::Error)]
enum Ending {
    #[error("the proxy closes the connection")]
    Close,
    #[error("the proxy resets the connection")]
    Reset,
    #[error("the proxy closes the connection in the middle of a reply")]
    After(Vec<u8>),
}

/// What a request meets.
pub(super) struct Meeting {
    pub(super) fault: Fault,
    /// Counts that it took place.
    pub(super) done: watch::Sender<usize>,
    /// Its sender is gone once the fault is lifted.
    pub(super) held: watch::Receiver<()>,
}

impl Meeting {
    fn takes_place(&self) {
        self.done.send_modify(|count| *count += 1);
    }

    async fn lifted(&mut self) {
        while self.held.changed().await.is_ok() {}
    }
}

pub(super) async fn serve(listener: TcpListener, upstream: Upstream) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve_connection(stream, upstream.clone()));
    }
}

async fn serve_connection(stream: TcpStream, upstream: Upstream) {
    let service = service_fn(move |request| Box::pin(upstream.clone().answer(request)));
    let mut connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let Err(error) = poll_fn(|context| connection.poll_without_shutdown(context)).await else {
        return;
    };
    tracing::debug!("a connection ended: {error}");
    let mut stream = connection.into_parts().io.into_inner();
    let ended = match error.source().and_then(|source| source.downcast_ref::<Ending>()) {
        Some(Ending::Reset) => stream.set_zero_linger(),
        Some(Ending::After(bytes)) => stream.write_all(bytes).await,
        Some(Ending::Close) | None => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!("the client was gone before: {error}");
    }
}

impl Upstream {
    pub(super) fn new(endpoint: &str, rules: Rules, replies: Replies, gate: Gate) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            endpoint: endpoint.to_owned(),
            rules,
            replies,
            gate,
            there: Arc::default(),
        }
    }

    fn is_there(&self, path: &str) -> bool {
        self.there
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(path)
    }

    async fn answer(self, request: hyper::Request<Incoming>) -> Result<Reply, Ending> {
        if self.gate.is_closed() {
            return Err(Ending::Close);
        }
        let seen = Request {
            method: request.method().clone(),
            path: request
                .uri()
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            headers: request.headers().clone(),
        };
        let meeting = super::meeting_for(&self.rules, &seen);
        if let Some(meeting) = &meeting {
            let ending = match meeting.fault {
                Fault::Cut => Some(Ending::Close),
                Fault::Reset => Some(Ending::Reset),
                _ => None,
            };
            if let Some(ending) = ending {
                meeting.takes_place();
                return Err(ending);
            }
        }
        // before the body comes
        let was_there = self.is_there(request.uri().path());
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Ending::Close)?.to_bytes();
        let request = hyper::Request::from_parts(parts, Full::new(body));
        // a server goes on with what it has read, even if the client is gone
        let work = tokio::spawn(async move {
            let writes_data = seen.writes_data();
            match meeting {
                Some(meeting) => self.meet(meeting, request, writes_data, was_there).await,
                None => self.pass_on(request, writes_data).await,
            }
        });
        work.await.map_err(|_| Ending::Close)?
    }

    async fn meet(
        self,
        mut meeting: Meeting,
        request: WholeRequest,
        writes_data: bool,
        was_there: bool,
    ) -> Result<Reply, Ending> {
        match meeting.fault {
            Fault::Delay(time) => {
                meeting.takes_place();
                tokio::time::sleep(time).await;
                self.pass_on(request, writes_data).await
            }
            Fault::HoldRequest => {
                meeting.takes_place();
                meeting.lifted().await;
                self.pass_on(request, writes_data).await
            }
            Fault::ApplyLate(time) => {
                meeting.takes_place();
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    self.pass_on(request, writes_data).await
                });
                Err(Ending::Close)
            }
            Fault::Answer(status, code) => {
                meeting.takes_place();
                s3_error(&Refusal {
                    status,
                    code,
                    message: "injected",
                    bucket_region: None,
                })
            }
            Fault::Refuse(refusal) => {
                meeting.takes_place();
                s3_error(&refusal)
            }
            Fault::LookThenWrite if was_there => self.pass_on(request, writes_data).await,
            Fault::HideRefusal | Fault::LookThenWrite => {
                let reply = self.pass_on(request, writes_data).await?;
                meeting.takes_place();
                if reply.status() == StatusCode::PRECONDITION_FAILED {
                    Ok(Response::new(Full::default()))
                } else {
                    Ok(reply)
                }
            }
            Fault::Cut => Err(Ending::Close),
            Fault::Reset => Err(Ending::Reset),
            Fault::HoldReply
            | Fault::DropReply
            | Fault::ResetReply
            | Fault::TruncateHead
            | Fault::TruncateBody => {
                let reply = self.pass_on(request, writes_data).await?;
                meeting.takes_place();
                match meeting.fault {
                    Fault::HoldReply => {
                        meeting.lifted().await;
                        Ok(reply)
                    }
                    Fault::ResetReply => Err(Ending::Reset),
                    Fault::TruncateHead => Err(Ending::After(first_half_of_head(&reply))),
                    Fault::TruncateBody => Err(Ending::After(with_half_of_body(reply).await)),
                    _ => Err(Ending::Close),
                }
            }
        }
    }

    /// Passes the request on with its own `Host`, over which it is signed.
    async fn pass_on(&self, mut request: WholeRequest, writes_data: bool) -> Result<Reply, Ending> {
        let path = request
            .uri()
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default();
        *request.uri_mut() = format!("{}{path}", self.endpoint)
            .parse()
            .map_err(|_| Ending::Close)?;
        request.headers_mut().remove(header::EXPECT);
        let written = (request.method() == Method::PUT).then(|| request.uri().path().to_owned());
        let reply = self.client.request(request).await.map_err(|_| Ending::Close)?;
        self.there
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(written);
        if writes_data {
            let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
            *replies.entry(reply.status().as_u16()).or_default() += 1;
        }
        let (parts, body) = reply.into_parts();
        let body = body.collect().await.map_err(|_| Ending::Close)?.to_bytes();
        Ok(Response::from_parts(parts, Full::new(body)))
    }
}

fn head_of(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", reply.status()).into_bytes();
    for (name, value) in reply.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn first_half_of_head(reply: &Reply) -> Vec<u8> {
    let mut head = head_of(reply);
    head.truncate(head.len() / 2);
    head
}

/// What has no body comes back whole.
async fn with_half_of_body(reply: Reply) -> Vec<u8> {
    let mut bytes = head_of(&reply);
    let Ok(body) = reply.into_body().collect().await;
    let body = body.to_bytes();
    bytes.extend_from_slice(&body[..body.len() / 2]);
    bytes
}

fn s3_error(refusal: &Refusal) -> Result<Reply, Ending> {
    let Refusal { code, message, .. } = refusal;
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"#
    );
    let status = StatusCode::from_u16(refusal.status).map_err(|_| Ending::Close)?;
    let mut reply = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/xml");
    if let Some(region) = refusal.bucket_region {
        reply = reply.header("x-amz-bucket-region", region);
    }
    reply.body(Full::new(body.into())).map_err(|_| Ending::Close)
}
