//! `--bucket`: makes the bucket if it is not there. Looks first, as creating it a second time resets its
//! access rules in us-east-1.

use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_types::service_config::ServiceConfigKey;
use backon::{ExponentialBuilder, Retryable};
use tracing::{info, warn};

use crate::Error;

/// The region whose name must not be sent when a bucket is made there.
const NO_CONSTRAINT: &str = "us-east-1";

/// For one request with all its retries.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A bucket's name, by S3's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketName(String);

impl BucketName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BucketName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = name.as_bytes();
        let is_legal = (3..=63).contains(&name.len())
            && bytes
                .iter()
                .all(|byte| is_alphanumeric(*byte) || b"-.".contains(byte))
            && bytes.first().copied().is_some_and(is_alphanumeric)
            && bytes.last().copied().is_some_and(is_alphanumeric)
            && !name.contains("..")
            && name.parse::<std::net::Ipv4Addr>().is_err();
        if is_legal {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::BucketName {
                name: name.to_owned(),
            })
        }
    }
}

/// What stands in the way of a bucket that is there in the end.
enum Obstacle {
    /// Somebody makes or deletes it at this moment.
    Busy(Error),
    Final(Error),
}

/// Makes the bucket unless it is there.
pub(crate) async fn ensure(name: &BucketName) -> Result<(), Error> {
    let sdk_config = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIMEOUT).build())
        .load()
        .await;
    let region = sdk_config.region().ok_or(Error::RegionMissing)?.to_string();
    let client = client(&sdk_config);
    (|| look_then_make(&client, name, &region))
        .retry(ExponentialBuilder::default().with_jitter().with_max_times(5))
        .when(|obstacle| matches!(obstacle, Obstacle::Busy(_)))
        .await
        .map_err(|(Obstacle::Busy(error) | Obstacle::Final(error))| error)
}

/// Other endpoints than AWS's are addressed by path, as hardly any has a host name for each bucket.
fn client(sdk_config: &SdkConfig) -> Client {
    let key = ServiceConfigKey::builder()
        .service_id("s3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_s3 = key
        .ok()
        .and_then(|key| sdk_config.service_config()?.load_config(key));
    let has_endpoint = of_s3.is_some() || sdk_config.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(sdk_config)
        .force_path_style(has_endpoint)
        .build();
    Client::from_conf(config)
}

async fn look_then_make(client: &Client, name: &BucketName, region: &str) -> Result<(), Obstacle> {
    match Box::pin(client.head_bucket().bucket(name.as_str()).send()).await {
        Ok(found) => {
            info!(bucket = %name, region = found.bucket_region().unwrap_or(region), "bucket found");
            Ok(())
        }
        Err(refusal) => match refusal.raw_response().map(|response| response.status().as_u16()) {
            Some(404) => make(client, name, region).await,
            Some(301) => {
                let its_region = refusal
                    .raw_response()
                    .and_then(|response| response.headers().get("x-amz-bucket-region"))
                    .unwrap_or("another");
                warn!(
                    bucket = %name, region, its_region,
                    "bucket found in another region than AWS_REGION; give the consumer the bucket's region"
                );
                Ok(())
            }
            Some(403) => Err(Obstacle::Final(Error::BucketForbidden {
                bucket: name.to_string(),
                source: cause(refusal),
            })),
            _ => Err(Obstacle::Final(Error::BucketLook {
                bucket: name.to_string(),
                source: cause(refusal),
            })),
        },
    }
}

async fn make(client: &Client, name: &BucketName, region: &str) -> Result<(), Obstacle> {
    let constraint = (region != NO_CONSTRAINT).then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    });
    let request = client
        .create_bucket()
        .bucket(name.as_str())
        .set_create_bucket_configuration(constraint);
    let Err(refusal) = Box::pin(request.send()).await else {
        info!(bucket = %name, region, "bucket made");
        return Ok(());
    };
    let bucket = name.to_string();
    match refusal.code() {
        // another producer was quicker
        Some("BucketAlreadyOwnedByYou") => {
            info!(bucket, region, "bucket found");
            Ok(())
        }
        // the last is what S3 says of a name that somebody has in another region
        Some("BucketAlreadyExists" | "IllegalLocationConstraintException") => {
            Err(Obstacle::Final(Error::BucketTaken {
                bucket,
                source: cause(refusal),
            }))
        }
        code => {
            let is_busy = code == Some("OperationAborted");
            let error = Error::BucketCreate {
                bucket,
                region: region.to_owned(),
                source: cause(refusal),
            };
            Err(if is_busy {
                Obstacle::Busy(error)
            } else {
                Obstacle::Final(error)
            })
        }
    }
}

/// What S3 or the SDK says, in words: the SDK's own texts are kinds of errors, such as `service error`.
fn cause<E, R>(error: SdkError<E, R>) -> Box<dyn StdError + Send + Sync>
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), message) => format!("{code}: {}", message.unwrap_or("no message")).into(),
        (None, _) => Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3s_rules_for_names_hold() {
        for name in ["abc", "quotes-2026", "a.b.c", &"x".repeat(63)] {
            assert!(name.parse::<BucketName>().is_ok(), "{name:?} was refused");
        }
        for name in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "10.0.0.1",
            "a/b",
            "bücket",
            &"x".repeat(64),
        ] {
            assert!(name.parse::<BucketName>().is_err(), "{name:?} was taken");
        }
    }
}
