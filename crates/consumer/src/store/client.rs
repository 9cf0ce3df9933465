use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use pipeline_runtime::exit::with_causes;
use pipeline_runtime::s3::{Hold, S3Args, client_config, held_client_config};
use tracing::{info, warn};

use super::write_settings::WriteSettings;
use crate::clock::{Clock, SystemClock};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two times that a client is made anew.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(5);

/// A client of S3. It is made anew when the store refuses its credentials: the SDK reads the files that hold them once
/// only, and whoever hands out short-lived ones replaces them there.
#[derive(Clone, Debug)]
pub(super) struct RenewableClient {
    args: S3Args,
    write_settings: WriteSettings,
    made: Arc<RwLock<Made>>,
}

#[derive(Debug)]
struct Made {
    client: Client,
    at: Instant,
}

impl RenewableClient {
    /// A client by the SDK's own chain.
    ///
    /// # Errors
    ///
    /// If no source names a region, or what names the trusted certificates holds none.
    pub(super) async fn connect(
        args: &S3Args,
        write_settings: &WriteSettings,
    ) -> Result<Self, pipeline_runtime::Error> {
        let client = client_of(client_config(args).await?, write_settings);
        Ok(Self {
            args: args.clone(),
            write_settings: write_settings.clone(),
            made: Arc::new(RwLock::new(Made {
                client,
                at: SystemClock.now(),
            })),
        })
    }

    /// The newest client.
    pub(super) fn current(&self) -> Client {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        made.client.clone()
    }

    /// A client beside it whose requests are held in the middle.
    ///
    /// # Errors
    ///
    /// As for [`RenewableClient::connect`].
    pub(super) async fn held(&self, hold: Hold) -> Result<Client, pipeline_runtime::Error> {
        let config = held_client_config(&self.args, hold).await?;
        Ok(client_of(config, &self.write_settings))
    }

    /// Loads all anew that the client was made of, unless that was done a moment ago.
    pub(super) async fn renew(&self) {
        let now = SystemClock.now();
        {
            let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
            if now.saturating_duration_since(made.at) < RENEWAL_INTERVAL {
                return;
            }
            made.at = now;
        }
        match client_config(&self.args).await {
            Ok(config) => {
                let client = client_of(config, &self.write_settings);
                let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
                made.client = client;
                info!("the store refuses the AWS credentials, they are loaded anew");
            }
            Err(error) => warn!(
                error = with_causes(&error),
                "the AWS credentials cannot be loaded anew"
            ),
        }
    }
}

fn client_of(config: Builder, write_settings: &WriteSettings) -> Client {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
    let config = write_settings
        .configure(config)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build());
    Client::from_conf(config.build())
}
