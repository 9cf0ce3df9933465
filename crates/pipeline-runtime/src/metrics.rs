//! Metrics, served for Prometheus to fetch.

use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusBuilder;

use crate::Error;

/// The flag for metrics.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct MetricsArgs {
    /// Serve metrics for Prometheus at this address, such as `127.0.0.1:9464`
    #[arg(long, env = "METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<SocketAddr>,
}

/// Serves what the `metrics` macros count, if asked to. Must be called inside a tokio runtime.
///
/// # Errors
///
/// [`Error::Metrics`] if the address cannot be listened at.
pub fn serve(args: &MetricsArgs) -> Result<(), Error> {
    let Some(address) = args.metrics_listen else {
        return Ok(());
    };
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()
        .map_err(|source| Error::Metrics { address, source })?;
    tracing::info!(%address, "serving metrics");
    Ok(())
}
