//! `--bucket`: makes the bucket if it is not there. Looks first, as creating it a second time resets its
//! access rules in us-east-1.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use backon::{ExponentialBuilder, Retryable};
use pipeline_runtime::s3::{BucketName, S3Args, client_config};
use tracing::{info, warn};

use crate::Error;

/// The region whose name must not be sent when a bucket is made there.
const NO_CONSTRAINT: &str = "us-east-1";

/// For one request with all its retries.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What stands in the way of a bucket that is there in the end.
enum Obstacle {
    /// Somebody makes or deletes it at this moment.
    Busy(Error),
    Final(Error),
}

/// Makes the bucket unless it is there.
pub(crate) async fn ensure(name: &BucketName, args: &S3Args) -> Result<(), Error> {
    let timeouts = TimeoutConfig::builder().operation_timeout(TIMEOUT).build();
    let config = client_config(args).await?.timeout_config(timeouts).build();
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let client = Client::from_conf(config);
    (|| look_then_make(&client, name, &region))
        .retry(ExponentialBuilder::default().with_jitter().with_max_times(5))
        .when(|obstacle| matches!(obstacle, Obstacle::Busy(_)))
        .await
        .map_err(|(Obstacle::Busy(error) | Obstacle::Final(error))| error)
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
