//! The HTTP client: it waits as long as bytes move. A limit on the whole of a request would cut each upload that takes
//! longer, and have it begun anew for ever; without any, a connection that went dead would be waited for.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long nothing may move. What is sent longer ago than that and has no answer is asked for again.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// What is handed over at once: that it was taken is how progress is seen.
const PIECE_BYTES: usize = 64 * 1024;
/// The system may hold this much of what was handed over, and it goes out at no less than that.
const SYSTEM_BUFFER_BYTES: u64 = 16 * 1024 * 1024;
const SLOWEST_BYTES_A_SECOND: u64 = 128 * 1024;

/// Holds requests in the middle of their body, for whoever tries what a store makes of two at once.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    half_sent: CancellationToken,
    released: CancellationToken,
}

impl Hold {
    /// Waits until half a body is on its way.
    pub async fn half_sent(&self) {
        self.half_sent.cancelled().await;
    }

    /// Has the other half follow.
    pub fn release(&self) {
        self.released.cancel();
    }
}

/// An HTTP client that trusts what `tls` says, and goes through the proxies that the environment names: the SDK's own
/// default client does, one of our own must be told.
pub(super) fn client(tls: TlsContext, hold: Option<Hold>) -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls.clone())
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    });
    SharedHttpClient::new(Watched { inner: client, hold })
}

#[derive(Debug)]
struct Watched<T> {
    inner: T,
    hold: Option<Hold>,
}

impl HttpClient for Watched<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        let hold = self.hold.clone();
        SharedHttpConnector::new(Watched { inner, hold })
    }
}

impl HttpConnector for Watched<SharedHttpConnector> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let progress = Arc::new(Progress::begin());
        let body = request.take_body();
        let held = self.hold.clone().zip(body.content_length());
        let body = Pieces {
            held: held.map(|(hold, length)| Held {
                until: length / 2,
                released: Box::pin(hold.released.clone().cancelled_owned()),
                half_sent: hold.half_sent,
            }),
            body,
            rest: Bytes::new(),
            progress: Arc::clone(&progress),
        };
        *request.body_mut() = SdkBody::from_body_1_x(body);
        let reply = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            tokio::select! {
                reply = reply => reply,
                limit = progress.stall() => {
                    let reason = format!("nothing moved for {} s", limit.as_secs());
                    Err(ConnectorError::timeout(reason.into()))
                }
            }
        })
    }
}

/// How far a request is.
struct Progress(Mutex<Sent>);

#[derive(Clone, Copy)]
struct Sent {
    bytes: u64,
    at: Instant,
}

impl Progress {
    fn begin() -> Self {
        Self(Mutex::new(Sent {
            bytes: 0,
            at: Instant::now(),
        }))
    }

    fn sent(&self, bytes: usize) {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.bytes += bytes as u64;
        sent.at = Instant::now();
    }

    fn so_far(&self) -> Sent {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes to an end once nothing has moved for longer than can be, and tells how long that is.
    async fn stall(&self) -> Duration {
        loop {
            let sent = self.so_far();
            let limit = limit_after(sent.bytes);
            sleep_until(sent.at + limit).await;
            if self.so_far().at == sent.at {
                return limit;
            }
        }
    }
}

/// How long nothing may be seen to move once this much was handed over.
fn limit_after(bytes: u64) -> Duration {
    let draining_seconds = bytes.min(SYSTEM_BUFFER_BYTES) / SLOWEST_BYTES_A_SECOND;
    STALL_TIMEOUT + Duration::from_secs(draining_seconds)
}

/// A body that is handed over piece by piece.
struct Pieces {
    body: SdkBody,
    rest: Bytes,
    progress: Arc<Progress>,
    held: Option<Held>,
}

struct Held {
    /// Bytes that may go before.
    until: u64,
    half_sent: CancellationToken,
    released: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Pieces {
    /// How much of this many may go now.
    fn poll_leave(&mut self, context: &mut Context<'_>, len: usize) -> Poll<usize> {
        let Some(held) = &mut self.held else {
            return Poll::Ready(len);
        };
        if held.until == 0 {
            held.half_sent.cancel();
            ready!(held.released.as_mut().poll(context));
            self.held = None;
            return Poll::Ready(len);
        }
        let len = len.min(usize::try_from(held.until).unwrap_or(len));
        held.until -= len as u64;
        Poll::Ready(len)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = aws_smithy_types::body::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        while self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let len = self.rest.len().min(PIECE_BYTES);
        let len = ready!(self.poll_leave(context, len));
        let piece = self.rest.split_to(len);
        self.progress.sent(len);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let hint = Body::size_hint(&self.body);
        let mut whole = SizeHint::new();
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole.set_lower(hint.lower() + rest);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_take_as_long_as_the_systems_buffer_takes_to_drain() {
        assert_eq!(limit_after(0), STALL_TIMEOUT);
        assert_eq!(limit_after(1024 * 1024).as_secs(), 38);
        assert_eq!(limit_after(u64::MAX), limit_after(SYSTEM_BUFFER_BYTES));
    }
}
