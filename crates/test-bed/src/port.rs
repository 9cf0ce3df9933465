use std::net::{Ipv4Addr, TcpListener};

use crate::{Error, Result};

/// Lowest port that the kernel gives to clients by default.
const EPHEMERAL_START: u16 = 32_768;

/// Free ports, held until they are released just before use.
///
/// They lie below the ports that the kernel hands to clients: there, a client's connection could take a stopped
/// server's port, or a client that knocks at a closed port could connect to itself.
#[derive(Debug)]
pub(crate) struct Ports(Vec<TcpListener>);

impl Ports {
    pub(crate) fn reserve(count: usize) -> Result<Self> {
        let end = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
            .ok()
            .and_then(|range| range.split_whitespace().next()?.parse().ok())
            .filter(|start| (20_000..=EPHEMERAL_START).contains(start))
            .unwrap_or(EPHEMERAL_START);
        let held: Vec<_> = std::iter::repeat_with(|| rand::random_range(10_000..end))
            .take(1000 * count)
            .filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
            .take(count)
            .collect();
        if held.len() < count {
            return Err(Error::NoPort);
        }
        Ok(Self(held))
    }

    pub(crate) fn numbers(&self) -> Vec<u16> {
        self.0
            .iter()
            .filter_map(|listener| Some(listener.local_addr().ok()?.port()))
            .collect()
    }

    /// Lets the ports go, to be taken at once.
    pub(crate) fn release(self) {
        drop(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_ports_are_distinct_and_free_after_release() {
        let ports = Ports::reserve(20).unwrap();
        let numbers = ports.numbers();
        let distinct: std::collections::BTreeSet<_> = numbers.iter().collect();
        assert_eq!(distinct.len(), 20);
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, numbers[0])).is_err());
        ports.release();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, numbers[0])).is_ok());
    }
}
