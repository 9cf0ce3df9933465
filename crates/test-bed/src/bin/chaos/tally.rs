//! The faults so far: counted by kind, and each a line on the screen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use test_bed::Screen;

use crate::fault::Fault;

/// Clones count together.
#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) screen: Arc<Screen>,
    planned: usize,
    done: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Tally {
    pub(crate) fn start(planned: usize, seed: u64) -> Self {
        let screen = Screen::since(SystemTime::now());
        screen.step(&format!("{planned} faults from seed {seed}"));
        Self {
            screen: Arc::new(screen),
            planned,
            done: Arc::default(),
        }
    }

    /// Counts a fault and says that it is over.
    pub(crate) fn fault(&self, fault: &Fault) {
        let count: usize = {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            *done.entry(fault.kind()).or_default() += 1;
            done.values().sum()
        };
        let count = format!("{count}/{}", self.planned);
        self.screen.note(&format!("{count}  {fault}"));
        self.screen.progress(format!("{count} faults"));
    }

    /// The faults so far, by kind.
    pub(crate) fn faults(&self) -> BTreeMap<&'static str, usize> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
