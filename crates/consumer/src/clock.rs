//! The time as a value, so that what ages, waits and has a deadline can be tried without waiting.

use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;

/// A clock that can be waited by.
pub(crate) trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Instant;
    /// Comes back after `pause`.
    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()>;
}

/// This host's clock.
pub(crate) struct SystemClock;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the host's clock is asked"
)]
impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        async move { tokio::time::sleep(pause).await }.boxed()
    }
}
