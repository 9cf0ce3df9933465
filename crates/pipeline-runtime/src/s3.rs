//! How an S3 client is configured: the SDK's own chain, and path-style as soon as an endpoint is given.

mod prefix;
mod refusal;
mod refused_request;
mod transport;
mod trust;

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::config::{Builder, Region};
use aws_types::service_config::ServiceConfigKey;

use crate::Error;
pub use prefix::Prefix;
pub use refusal::{Operation, Refusal, cause};
pub use refused_request::RefusedRequest;
pub use transport::Hold;

/// The flags that each S3 client has. Region, endpoint and credentials come by the SDK's own chain
/// (`AWS_REGION`, `AWS_ENDPOINT_URL`, profiles, instance role, web identity).
#[derive(Clone, Debug, Default, clap::Args)]
pub struct S3Args {
    /// Put the bucket into the host name although an endpoint is given
    #[arg(long, env = "S3_VIRTUAL_HOST_STYLE", help_heading = "S3")]
    pub virtual_host_style: bool,
}

/// A bucket's name, by the rules of S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketName(String);

impl BucketName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| is_inner(*byte) && !b".-".contains(byte));
        let bytes = name.as_bytes();
        let is_legal = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| is_inner(*byte))
            && is_edge(bytes.first())
            && is_edge(bytes.last())
            && !name.contains("..")
            && name.parse::<Ipv4Addr>().is_err();
        if is_legal {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::BucketName {
                name: name.to_owned(),
            })
        }
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the environment says of S3, as a client's configuration to go on from.
///
/// # Errors
///
/// [`Error::NoRegion`] if no source names a region and no endpoint is given, which would not need one;
/// [`Error::CaBundle`] if the file of trusted certificates holds none.
pub async fn client_config(args: &S3Args) -> Result<Builder, Error> {
    config(args, None).await
}

/// The same for a client whose requests are held in the middle of their bodies.
///
/// # Errors
///
/// As for [`client_config`].
pub async fn held_client_config(args: &S3Args, hold: Hold) -> Result<Builder, Error> {
    config(args, Some(hold)).await
}

async fn config(args: &S3Args, hold: Option<Hold>) -> Result<Builder, Error> {
    let transport = transport::client(trust::context().await?, hold);
    let sdk_config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(transport)
        .load()
        .await;
    let is_endpoint_given = is_endpoint_given(&sdk_config);
    let mut builder =
        Builder::from(&sdk_config).force_path_style(is_endpoint_given && !args.virtual_host_style);
    if sdk_config
        .region()
        .is_none_or(|region| region.as_ref().is_empty())
    {
        if !is_endpoint_given {
            return Err(Error::NoRegion);
        }
        builder = builder.region(Region::from_static("us-east-1"));
    }
    Ok(builder)
}

/// The SDK tells an endpoint of S3 alone (`AWS_ENDPOINT_URL_S3`, a profile's `services`) from one of all services.
fn is_endpoint_given(sdk_config: &SdkConfig) -> bool {
    let of_s3 = ServiceConfigKey::builder()
        .service_id("s3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()
        .and_then(|key| sdk_config.service_config()?.load_config(key));
    of_s3.is_some() || sdk_config.endpoint_url().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_s3_for_names_hold() {
        for name in ["abc", "my-bucket", "my.bucket.1", &"x".repeat(63)] {
            assert!(name.parse::<BucketName>().is_ok(), "{name:?} was refused");
        }
        for name in [
            "",
            "ab",
            "My-bucket",
            "a_b",
            "-abc",
            "abc-",
            "a..b",
            "a/b",
            "s3://abc",
            "10.0.0.1",
            &"x".repeat(64),
        ] {
            assert!(name.parse::<BucketName>().is_err(), "{name:?} was taken");
        }
    }
}
