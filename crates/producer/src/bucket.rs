//! `--bucket`: makes the bucket if it is not there. Looks first, as creating it a second time resets its
//! access rules in us-east-1.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use backon::{ExponentialBuilder, Retryable};
use pipeline_runtime::s3::{BucketName, Operation, Refusal, S3Args, cause, client_config};
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

/// What can be said of the bucket without making it.
pub(crate) async fn look(name: &BucketName, args: &S3Args) -> Result<String, Error> {
    let timeouts = TimeoutConfig::builder().operation_timeout(TIMEOUT).build();
    let config = client_config(args).await?.timeout_config(timeouts).build();
    let client = Client::from_conf(config);
    let Err(error) = Box::pin(client.head_bucket().bucket(name.as_str()).send()).await else {
        return Ok("found".to_owned());
    };
    let bucket = name.to_string();
    match Refusal::of(Operation::HeadBucket, &error) {
        Refusal::BucketMissing => {
            Ok("not there yet, made by the first start if the role may s3:CreateBucket".to_owned())
        }
        Refusal::WrongRegion { region } => Ok(format!(
            "found in {}; give the consumer that region",
            region.as_deref().unwrap_or("another region than AWS_REGION")
        )),
        Refusal::Denied { .. } => Err(Error::BucketForbidden {
            bucket,
            source: cause(error),
        }),
        _ => Err(Error::BucketLook {
            bucket,
            source: cause(error),
        }),
    }
}

async fn look_then_make(client: &Client, name: &BucketName, region: &str) -> Result<(), Obstacle> {
    match Box::pin(client.head_bucket().bucket(name.as_str()).send()).await {
        Ok(found) => {
            info!(bucket = %name, region = found.bucket_region().unwrap_or(region), "bucket found");
            Ok(())
        }
        Err(error) => match Refusal::of(Operation::HeadBucket, &error) {
            Refusal::BucketMissing => make(client, name, region).await,
            Refusal::WrongRegion { region: its_region } => {
                warn!(
                    bucket = %name, region, its_region = its_region.as_deref().unwrap_or("another"),
                    "bucket found in another region than AWS_REGION; give the consumer the bucket's region"
                );
                Ok(())
            }
            Refusal::Denied { .. } => Err(Obstacle::Final(Error::BucketForbidden {
                bucket: name.to_string(),
                source: cause(error),
            })),
            _ => Err(Obstacle::Final(Error::BucketLook {
                bucket: name.to_string(),
                source: cause(error),
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
            let is_denied = matches!(
                Refusal::of(Operation::CreateBucket, &refusal),
                Refusal::Denied { .. }
            );
            let (region, source) = (region.to_owned(), cause(refusal));
            Err(if is_busy {
                Obstacle::Busy(Error::BucketCreate {
                    bucket,
                    region,
                    source,
                })
            } else if is_denied {
                Obstacle::Final(Error::BucketCreateDenied {
                    bucket,
                    region,
                    source,
                })
            } else {
                Obstacle::Final(Error::BucketCreate {
                    bucket,
                    region,
                    source,
                })
            })
        }
    }
}
