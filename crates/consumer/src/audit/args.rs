use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use pipeline_runtime::kafka::TopicName;

/// What to audit, and what counts as a fault.
#[derive(Clone, Debug, clap::Args)]
pub struct AuditArgs {
    /// Bucket to read
    #[arg(long, env = "BUCKET_NAME", value_name = "NAME")]
    pub bucket: BucketName,
    /// What the keys begin with, before the topic; a folder ends with `/`
    #[arg(long, env = "BUCKET_PREFIX", value_name = "PREFIX", default_value = "")]
    pub prefix: Prefix,
    /// The only topic to audit; without it, whatever is under the prefix must be a topic's
    #[arg(long, env = "TOPIC_NAME", value_name = "NAME")]
    pub topic: Option<TopicName>,
    /// Write the report as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Take it as a fault if older objects were removed, so that a chain begins after offset 0
    #[arg(long)]
    pub complete: bool,
    /// While the pipeline runs: a tick received this shortly before the newest object may be missing yet
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub in_flight: SignedDuration,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|error| format!("{error}, write it like `90s` or `5m`"))?;
    if duration.is_negative() {
        return Err("it is negative, write it like `90s` or `5m`".to_owned());
    }
    Ok(duration)
}

/// A bucket's name, or the ARN of an access point.
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
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_arn = text.starts_with("arn:");
        let is_name = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if text.is_empty() || !(is_arn || is_name) {
            return Err("not a bucket's name, give it alone: without `s3://` and without a path".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What all keys begin with, taken as it stands: no `/` is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Longest prefix: a key has 1024 bytes, and the topic stands in it twice.
    const MAX_LEN: usize = 400;

    /// The prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > Self::MAX_LEN {
            return Err(format!(
                "longer than {} bytes, a key has no room for it",
                Self::MAX_LEN
            ));
        }
        if text.contains(char::is_control) {
            return Err("it holds a control character, use printable ones".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        audit: AuditArgs,
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let cli = Cli::try_parse_from(["audit", "--bucket", "b", "--in-flight", "5m"]).unwrap();
        assert_eq!(cli.audit.in_flight, SignedDuration::from_mins(5));
        assert!(Cli::try_parse_from(["audit", "--bucket", "b", "--in-flight=-5m"]).is_err());
    }

    #[test]
    fn a_url_is_no_bucket() {
        for text in ["", "s3://b", "b/c", "b c"] {
            assert!(text.parse::<BucketName>().is_err(), "{text:?} was taken");
        }
        for text in ["ticks-prod.eu", "arn:aws:s3:eu-west-1:1:accesspoint/a"] {
            assert!(text.parse::<BucketName>().is_ok(), "{text:?} was refused");
        }
    }
}
