use std::num::ParseIntError;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::failed;
use crate::Result;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The sum of a counter over all its labels, as the server shows it to Prometheus.
pub(super) async fn sum(address: &str, counter: &str) -> Result<u64> {
    let text = fetch(address)
        .await
        .map_err(|error| failed(format!("read the metrics at {address}"), error))?;
    sum_in(&text, counter).map_err(|error| failed(format!("add up {counter}"), error))
}

async fn fetch(address: &str) -> std::result::Result<String, Failure> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let reply = client.get(format!("http://{address}/metrics").parse()?).await?;
    let body = reply.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.into())?)
}

/// A counter that nothing has counted yet is not shown.
fn sum_in(text: &str, counter: &str) -> std::result::Result<u64, ParseIntError> {
    let values = text.lines().filter_map(|line| {
        let labels = line.strip_prefix(counter)?.strip_prefix('{')?;
        let (_, value) = labels.rsplit_once("} ")?;
        Some(value.parse::<u64>())
    });
    values.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_summed_over_its_labels() {
        let text = "# TYPE c counter\nc{bucket=\"a} b\",code=\"200\"} 3\nc{code=\"404\"} 4\nc_more{code=\"200\"} 5\n";
        assert_eq!(sum_in(text, "c").unwrap(), 7);
        assert_eq!(sum_in(text, "d").unwrap(), 0);
    }
}
