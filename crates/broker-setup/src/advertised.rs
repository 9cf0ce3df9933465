//! The name by which this machine is known to others, if none is given.

use std::process::Command;
use std::time::Duration;

use pipeline_runtime::exit::with_causes;
use tracing::{debug, info};

use crate::{Error, Host};

/// Off EC2 nothing listens there; on EC2 an answer takes milliseconds.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// The private DNS name by EC2's metadata service; elsewhere the machine's full name.
pub(crate) async fn find() -> Result<Host, Error> {
    match ec2_local_hostname().await {
        Ok(name) => {
            let host = name.trim().parse()?;
            info!(%host, "advertising EC2's private DNS name, which resolves inside the VPC only");
            return Ok(host);
        }
        Err(error) => debug!("not on EC2: {}", with_causes(&error)),
    }
    let host = full_name()?.parse()?;
    info!(%host, "advertising this machine's own name, which each client must be able to resolve");
    Ok(host)
}

/// By `IMDSv2`: a token first, then the name. The endpoint's variable is the AWS SDKs' own.
async fn ec2_local_hostname() -> reqwest::Result<String> {
    let endpoint = std::env::var("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .ok()
        .filter(|endpoint| !endpoint.is_empty())
        .unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let endpoint = endpoint.trim_end_matches('/');
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(METADATA_TIMEOUT)
        .build()?;
    let token = client
        .put(format!("{endpoint}/latest/api/token"))
        .header("X-aws-ec2-metadata-token-ttl-seconds", "60")
        .send()
        .await?
        .error_for_status()?
        .text()
        .await?;
    client
        .get(format!("{endpoint}/latest/meta-data/local-hostname"))
        .header("X-aws-ec2-metadata-token", token)
        .send()
        .await?
        .error_for_status()?
        .text()
        .await
}

/// What `hostname --fqdn` says; the kernel's name where the resolver does not know it.
fn full_name() -> Result<String, Error> {
    let said = Command::new("hostname")
        .arg("--fqdn")
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    match said {
        Some(name) => Ok(name),
        None => std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|name| name.trim().to_owned())
            .map_err(|source| Error::ReadFile {
                path: "/proc/sys/kernel/hostname".into(),
                source,
            }),
    }
}
