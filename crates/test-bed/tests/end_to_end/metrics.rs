//! A program's metrics, as Prometheus fetches them.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::PATIENCE;

pub(crate) struct Metrics {
    address: String,
}

impl Metrics {
    /// A free address for a program to serve them at.
    pub(crate) fn reserve() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self {
            address: listener.local_addr().unwrap().to_string(),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until a metric has come to a value.
    pub(crate) async fn until(&self, name: &str, value: f64) {
        let mut seen = String::new();
        let poll = async {
            loop {
                if let Ok(text) = self.fetch().await {
                    seen = text;
                }
                if value_of(&seen, name).is_some_and(|found| found >= value) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, poll).await;
        assert!(came.is_ok(), "{name} did not come to {value}:\n{seen}");
    }

    async fn fetch(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await?;
        Ok(reply)
    }
}

fn value_of(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}
