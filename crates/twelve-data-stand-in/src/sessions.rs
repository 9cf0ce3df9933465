//! The `WebSocket`s that are open: how many a key may have, and the faults that reach them.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Mutex;

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::faults::WebSocketFault;
use crate::lock::locked;

const FAULTS_MAX: usize = 64;

pub(crate) struct Sessions {
    /// Of one key.
    connections_max: NonZeroUsize,
    /// Each key's, oldest first; a token tells its session to make room.
    by_key: Mutex<HashMap<String, VecDeque<CancellationToken>>>,
    faults: broadcast::Sender<WebSocketFault>,
    open: watch::Sender<usize>,
}

/// One of the connections that a key may have, held while the connection is open.
pub(crate) struct Place {
    taken: CancellationToken,
    open: watch::Sender<usize>,
}

impl Place {
    /// Waits until a newer connection needs it.
    pub(crate) async fn taken(&self) {
        self.taken.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.cancel();
        self.open.send_modify(|open| *open -= 1);
    }
}

impl Sessions {
    pub(crate) fn new(connections_max: NonZeroUsize) -> Self {
        Self {
            connections_max,
            by_key: Mutex::default(),
            faults: broadcast::Sender::new(FAULTS_MAX),
            open: watch::Sender::default(),
        }
    }

    pub(crate) fn inject(&self, fault: WebSocketFault) -> usize {
        // an error means that no connection is open
        self.faults.send(fault).unwrap_or(0)
    }

    pub(crate) fn faults(&self) -> broadcast::Receiver<WebSocketFault> {
        self.faults.subscribe()
    }

    /// Counts a new connection in, and the oldest out if they are too many.
    pub(crate) fn enter(&self, key: &str) -> Place {
        let mut by_key = locked(&self.by_key);
        let open = by_key.entry(key.to_owned()).or_default();
        open.retain(|token| !token.is_cancelled());
        if open.len() >= self.connections_max.get()
            && let Some(oldest) = open.pop_front()
        {
            oldest.cancel();
        }
        let taken = CancellationToken::new();
        open.push_back(taken.clone());
        self.open.send_modify(|open| *open += 1);
        Place {
            taken,
            open: self.open.clone(),
        }
    }

    /// Waits until no connection is open.
    pub(crate) async fn closed(&self) {
        // an error would mean that the sender is gone, which `self` holds
        self.open.subscribe().wait_for(|open| *open == 0).await.ok();
    }
}
