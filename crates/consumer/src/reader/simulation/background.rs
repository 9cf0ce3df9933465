//! Time and threads: a clock that stands until it is moved, and futures that go on when they are asked to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::executor::LocalPool;
use futures::future::{BoxFuture, ready};
use futures::task::LocalSpawnExt;

use crate::clock::Clock;
use crate::requests::Spawn;

#[derive(Clone)]
pub(crate) struct StandingClock(Arc<Mutex<State>>);

struct State {
    now: Instant,
    sleepers: Vec<(Instant, oneshot::Sender<()>)>,
}

impl StandingClock {
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Instant::now(),
            sleepers: Vec::new(),
        })))
    }

    /// Lets time pass, and wakes who slept until then.
    pub(crate) fn advance(&self, by: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.now += by;
        let now = state.now;
        let due = state.sleepers.extract_if(.., |(until, _)| *until <= now);
        for (_, sleeper) in due {
            // whoever slept may be gone
            let _gone = sleeper.send(());
        }
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Instant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        if pause.is_zero() {
            return ready(()).boxed();
        }
        let (sender, woken) = oneshot::channel();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = state.now + pause;
        state.sleepers.push((until, sender));
        woken.map(drop).boxed()
    }
}

/// What one process does in the background. It ends with it.
pub(crate) struct Background {
    pool: LocalPool,
    handed_over: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl Background {
    pub(crate) fn new() -> Self {
        Self {
            pool: LocalPool::new(),
            handed_over: Arc::default(),
        }
    }

    pub(crate) fn spawn(&self) -> Spawn {
        let handed_over = Arc::clone(&self.handed_over);
        Arc::new(move |work| {
            handed_over
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(work);
        })
    }

    /// Goes on with all that does not sleep.
    pub(crate) fn run(&mut self) {
        loop {
            let work = std::mem::take(&mut *self.handed_over.lock().unwrap_or_else(PoisonError::into_inner));
            let is_idle = work.is_empty();
            for work in work {
                self.pool.spawner().spawn_local(work).unwrap();
            }
            self.pool.run_until_stalled();
            if is_idle {
                return;
            }
        }
    }
}
