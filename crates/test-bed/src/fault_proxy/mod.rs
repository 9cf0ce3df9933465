//! An HTTP proxy before an S3 server: faults one by one, or in turn by a script from a seed.

mod connection;
mod fault;
mod script;

use std::collections::{BTreeMap, VecDeque};
use std::iter::Peekable;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Error, Result};
use connection::{Meeting, Replies, Upstream};
pub use fault::{Fault, Refusal, Request};
pub use script::FaultScript;

type Matcher = Box<dyn Fn(&Request) -> bool + Send + Sync>;

type Turns = Peekable<Box<dyn Iterator<Item = Option<Fault>> + Send>>;

struct Rule {
    matches: Matcher,
    /// For the requests that match, in turn; nothing passes one on as it is.
    turns: Turns,
    /// How often a fault has taken place.
    done: watch::Sender<usize>,
    /// Its sender is gone once the [`Injected`] is.
    held: watch::Receiver<()>,
}

type Rules = Arc<Mutex<VecDeque<Rule>>>;

/// A fault that waits for its requests. Dropped, it is taken away, and requests and replies that it holds go on.
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
        let taken_place = self.takes_place_within(times, Duration::from_mins(1)).await;
        assert!(taken_place, "the fault did not take place {times} times");
    }

    /// The same, for as long as `within`. Gives whether it has.
    pub async fn takes_place_within(&mut self, times: usize, within: Duration) -> bool {
        let done = self.done.wait_for(|done| *done >= times);
        matches!(tokio::time::timeout(within, done).await, Ok(Ok(_)))
    }

    /// How often the fault has taken place so far.
    #[must_use]
    pub fn count(&self) -> usize {
        *self.done.borrow()
    }

    /// Takes the fault away and lets held requests and replies go.
    pub fn lift(self) {
        drop(self.hold);
    }
}

/// An HTTP proxy before an S3 server, which passes requests on as they are, signatures included, but for the faults
/// that are injected.
pub struct FaultProxy {
    address: SocketAddr,
    rules: Rules,
    replies: Replies,
    gate: Gate,
    server: JoinHandle<()>,
}

/// Lets requests through, or none.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Cuts each request from now on. Those on their way go on.
    pub fn close(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lets requests through again.
    pub fn open(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
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
        let (rules, replies) = (Rules::default(), Replies::default());
        let gate = Gate::default();
        let upstream = Upstream::new(endpoint, Arc::clone(&rules), Arc::clone(&replies), gate.clone());
        Ok(Self {
            address,
            rules,
            replies,
            gate,
            server: tokio::spawn(connection::serve(listener, upstream)),
        })
    }

    /// The proxy's own URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The proxy's gate, which is open at first.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Has the next `times` requests that match meet a fault. Of several rules that match, the oldest is taken.
    pub fn inject(
        &self,
        times: usize,
        fault: Fault,
        matches: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Injected {
        self.add_rule(std::iter::repeat_n(Some(fault), times), matches)
    }

    /// Has the requests that match meet the script's faults in turn.
    pub fn play(
        &self,
        script: &FaultScript,
        matches: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Injected {
        self.add_rule(script.turns().collect::<Vec<_>>().into_iter(), matches)
    }

    /// Passes `skipped` requests that match on, and has the next one meet a fault.
    pub fn inject_after(
        &self,
        skipped: usize,
        fault: Fault,
        matches: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Injected {
        let passed_on = std::iter::repeat_n(None, skipped);
        self.add_rule(passed_on.chain([Some(fault)]), matches)
    }

    fn add_rule(
        &self,
        turns: impl Iterator<Item = Option<Fault>> + Send + 'static,
        matches: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Injected {
        let (done_sender, done) = watch::channel(0);
        let (hold, lifted) = watch::channel(());
        lock(&self.rules).push_back(Rule {
            matches: Box::new(matches),
            turns: (Box::new(turns) as Box<dyn Iterator<Item = _> + Send>).peekable(),
            done: done_sender,
            held: lifted,
        });
        Injected { done, hold }
    }

    /// How many writes of data the server has answered with each status, whatever came back to the client.
    #[must_use]
    pub fn replies_to_writes(&self) -> BTreeMap<u16, usize> {
        self.replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What a request meets, if anything.
fn meeting_for(rules: &Rules, request: &Request) -> Option<Meeting> {
    let mut rules = lock(rules);
    rules.retain_mut(|rule| rule.turns.peek().is_some() && rule.held.has_changed().is_ok());
    let rule = rules.iter_mut().find(|rule| (rule.matches)(request))?;
    Some(Meeting {
        fault: rule.turns.next()??,
        done: rule.done.clone(),
        held: rule.held.clone(),
    })
}

fn lock(rules: &Rules) -> std::sync::MutexGuard<'_, VecDeque<Rule>> {
    rules.lock().unwrap_or_else(PoisonError::into_inner)
}
