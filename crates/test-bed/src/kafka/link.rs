//! A way of clients to the cluster that can fail: a TCP proxy before each node.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Error, Result};

const CHUNK_MAX_BYTES: usize = 64 * 1024;

/// A way to all nodes of a cluster. Clients that begin at its addresses are told of no others, so all that they
/// send goes by it. Clones are the same link.
#[derive(Clone, Debug)]
pub struct KafkaLink {
    ports: Vec<u16>,
    /// Of the way to each node.
    conditions: Vec<watch::Sender<Condition>>,
    _servers: Arc<JoinSet<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    /// How often all connections were cut.
    cuts: u64,
    /// How many ask that nothing passes.
    stalls: usize,
    /// How many ask that nothing passes to the clients.
    replies_held: usize,
    /// How long each chunk takes.
    delay: Duration,
}

impl Condition {
    fn is_stalled(&self) -> bool {
        self.stalls > 0
    }
}

/// A link that stalls or is slow, until this is dropped.
#[derive(Debug)]
pub struct Hindrance {
    conditions: Vec<watch::Sender<Condition>>,
    lift: fn(&mut Condition, Duration),
    delay: Duration,
}

impl Hindrance {
    /// Lets what was held go on.
    pub fn lift(self) {
        drop(self);
    }
}

impl Drop for Hindrance {
    fn drop(&mut self) {
        for condition in &self.conditions {
            condition.send_modify(|condition| (self.lift)(condition, self.delay));
        }
    }
}

impl KafkaLink {
    /// Listens on a free port for each of `node_ports` and passes on to it.
    pub(super) async fn start(node_ports: &[u16]) -> Result<Self> {
        let mut conditions = Vec::new();
        let mut servers = JoinSet::new();
        let mut ports = Vec::new();
        for node_port in node_ports {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let listener = listener.map_err(|source| Error::Proxy { source })?;
            let address = listener.local_addr().map_err(|source| Error::Proxy { source })?;
            ports.push(address.port());
            let (condition, seen) = watch::channel(Condition::default());
            conditions.push(condition);
            servers.spawn(serve(listener, *node_port, seen));
        }
        Ok(Self {
            ports,
            conditions,
            _servers: Arc::new(servers),
        })
    }

    /// The addresses for `--brokers` by which a client goes this way.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        let addresses: Vec<_> = self
            .ports
            .iter()
            .map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST))
            .collect();
        addresses.join(",")
    }

    /// The port by which clients reach a node. Nodes count from 0.
    pub(super) fn port(&self, node: usize) -> u16 {
        self.ports[node]
    }

    /// The way to one node alone. Nodes count from 0.
    #[must_use]
    pub fn to_node(&self, node: usize) -> Self {
        Self {
            ports: vec![self.ports[node]],
            conditions: vec![self.conditions[node].clone()],
            ..self.clone()
        }
    }

    /// Resets all connections. New ones can be made at once.
    pub fn cut(&self) {
        self.change(|condition| condition.cuts += 1);
    }

    /// Holds all bytes, both ways, on new connections as well, until the [`Hindrance`] is dropped.
    #[must_use]
    pub fn stall(&self) -> Hindrance {
        self.change(|condition| condition.stalls += 1);
        self.hindrance(Duration::ZERO, |condition, _| condition.stalls -= 1)
    }

    /// Holds what the nodes say, until the [`Hindrance`] is dropped; what clients say passes.
    #[must_use]
    pub fn hold_replies(&self) -> Hindrance {
        self.change(|condition| condition.replies_held += 1);
        self.hindrance(Duration::ZERO, |condition, _| condition.replies_held -= 1)
    }

    /// Has all bytes take this much longer, both ways, until the [`Hindrance`] is dropped.
    #[must_use]
    pub fn slow(&self, delay: Duration) -> Hindrance {
        self.change(|condition| condition.delay += delay);
        self.hindrance(delay, |condition, delay| condition.delay -= delay)
    }

    fn change(&self, change: impl Fn(&mut Condition)) {
        for condition in &self.conditions {
            condition.send_modify(&change);
        }
    }

    fn hindrance(&self, delay: Duration, lift: fn(&mut Condition, Duration)) -> Hindrance {
        Hindrance {
            conditions: self.conditions.clone(),
            lift,
            delay,
        }
    }
}

async fn serve(listener: TcpListener, node_port: u16, condition: watch::Receiver<Condition>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connect(client, node_port, condition.clone()));
    }
}

/// Passes on until either side ends or the link is cut.
async fn connect(mut client: TcpStream, node_port: u16, mut condition: watch::Receiver<Condition>) {
    let cuts = condition.borrow().cuts;
    let mut until_cut = condition.clone();
    let passing_on = async {
        flowing(&mut condition, Condition::is_stalled).await;
        let mut node = TcpStream::connect((Ipv4Addr::LOCALHOST, node_port)).await?;
        let (from_client, to_client) = client.split();
        let (from_node, to_node) = node.split();
        tokio::try_join!(
            pump(from_client, to_node, condition.clone(), Condition::is_stalled),
            pump(from_node, to_client, condition.clone(), |condition| {
                condition.is_stalled() || condition.replies_held > 0
            }),
        )
    };
    let ended = tokio::select! {
        // what is held when the link is cut is lost, also if it is let go right after
        biased;
        _ = until_cut.wait_for(|now| now.cuts > cuts) => None,
        ended = passing_on => Some(ended),
    };
    // a client whose node was lost must see that, and not a connection that was ended in order
    if !matches!(ended, Some(Ok(_)))
        && let Err(error) = client.set_zero_linger()
    {
        tracing::debug!("the client was gone before: {error}");
    }
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut condition: watch::Receiver<Condition>,
    is_held: fn(&Condition) -> bool,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_MAX_BYTES];
    loop {
        let count = from.read(&mut chunk).await?;
        flowing(&mut condition, is_held).await;
        let delay = condition.borrow().delay;
        tokio::time::sleep(delay).await;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..count]).await?;
    }
}

/// Waits until nobody asks that nothing passes.
async fn flowing(condition: &mut watch::Receiver<Condition>, is_held: fn(&Condition) -> bool) {
    // fails once the link is gone, and its connections with it
    condition.wait_for(|now| !is_held(now)).await.ok();
}
