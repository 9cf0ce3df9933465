use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Mutex;

use jiff::Timestamp;

use super::{Fault, Injection};
use crate::lock::locked;

/// The faults to come, each request taking the first one that hits it.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Mutex<VecDeque<Injection>>);

impl FaultQueue {
    pub(crate) fn push(&self, injection: Injection) {
        locked(&self.0).push_back(injection);
    }

    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
    }

    pub(crate) fn pending(&self) -> Vec<Injection> {
        locked(&self.0).iter().cloned().collect()
    }

    pub(crate) fn take(&self, path: &str, symbols: &[String], now: Timestamp) -> Option<Fault> {
        let mut queue = locked(&self.0);
        queue.retain(|injection| injection.until.is_none_or(|until| now < until));
        let at = queue
            .iter_mut()
            .position(|injection| injection.is_met(path, symbols, now))?;
        let injection = queue.get_mut(at)?;
        match NonZeroU32::new(injection.times.get() - 1) {
            Some(rest) => {
                injection.times = rest;
                Some(injection.fault.clone())
            }
            None => queue.remove(at).map(|injection| injection.fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_fault_hits_as_many_requests_as_ordered_in_the_order_of_injection() {
        let queue = FaultQueue::default();
        queue.push(Fault::NotJson.times(NonZeroU32::new(2).unwrap()));
        queue.push(Fault::Unauthorized.on("/api_usage"));
        let hits: Vec<_> = ["/price", "/api_usage", "/api_usage", "/quote", "/price"]
            .into_iter()
            .map(|path| queue.take(path, &[], NOW))
            .collect();
        assert_eq!(
            hits,
            [
                Some(Fault::NotJson),
                Some(Fault::Unauthorized),
                None,
                Some(Fault::NotJson),
                None
            ]
        );
    }

    #[test]
    fn a_symbols_fault_waits_for_its_symbol_and_lets_others_pass() {
        let queue = FaultQueue::default();
        let fault = Fault::SymbolUnknown {
            symbol: "MSFT".to_owned(),
        };
        queue.push(fault.clone().into());
        queue.push(Fault::Unauthorized.for_symbol("IBM"));
        queue.push(Fault::NotJson.into());
        assert_eq!(
            queue.take("/price", &["AAPL".to_owned()], NOW),
            Some(Fault::NotJson)
        );
        assert_eq!(
            queue.take("/price", &["AAPL".to_owned(), "MSFT".to_owned()], NOW),
            Some(fault)
        );
        assert_eq!(
            queue.take("/price", &["IBM".to_owned()], NOW),
            Some(Fault::Unauthorized)
        );
        assert!(queue.pending().is_empty());
    }

    #[test]
    fn a_fault_lets_so_many_pass_and_keeps_to_its_time() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let queue = FaultQueue::default();
        queue.push(Fault::NotJson.after(2));
        queue.push(Fault::Unauthorized.always().between(second(10), second(20)));
        let hits: Vec<_> = [0, 1, 9, 10, 19, 20]
            .into_iter()
            .map(|now| queue.take("/price", &[], second(now)))
            .collect();
        let unauthorized = Some(Fault::Unauthorized);
        assert_eq!(
            hits,
            [
                None,
                None,
                Some(Fault::NotJson),
                unauthorized.clone(),
                unauthorized,
                None
            ]
        );
        assert!(queue.pending().is_empty(), "what is over is forgotten");
    }
}
