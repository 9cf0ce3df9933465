//! A program's metrics, as Prometheus fetches them: the states that tests wait for.

use std::time::Duration;

use test_bed::Process;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::PATIENCE;

/// Waits until a consumer has its share of the partitions.
pub(crate) async fn until_owning(consumer: &Process) {
    until(consumer, "quote_consumer_partitions", |count| count >= 1.0).await;
}

/// Waits until a consumer has none: it knows that it has lost them.
pub(crate) async fn until_bereft(consumer: &Process) {
    until(consumer, "quote_consumer_partitions", |count| count == 0.0).await;
}

/// Waits until a consumer has written this many objects.
pub(crate) async fn until_written(consumer: &Process, objects: usize) {
    let name = "quote_consumer_objects_written_total";
    until(consumer, name, |count| {
        count >= f64::from(u32::try_from(objects).unwrap())
    })
    .await;
}

/// Waits until a program's metric, summed over those of its labels that begin so, is as asked.
pub(crate) async fn until(process: &Process, name: &str, is_so: impl Fn(f64) -> bool) {
    let mut seen = String::new();
    let poll = async {
        loop {
            if let Ok(text) = fetch(process.metrics_address().unwrap()).await {
                seen = text;
            }
            if value_of(&seen, name).is_some_and(&is_so) {
                return;
            }
            assert_eq!(process.ended(), None, "{}", process.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, poll).await;
    assert!(
        came.is_ok(),
        "{name} did not come to what is waited for:\n{seen}\n{}",
        process.log()
    );
}

async fn fetch(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}

/// `name` is a metric's, or that and its labels' beginning.
fn value_of(text: &str, name: &str) -> Option<f64> {
    let is_of = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with([' ', '{']) || name.contains('{'))
    };
    let values: Vec<f64> = text
        .lines()
        .filter(is_of)
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}
