use bucket_reader::{BucketArgs, moment};
use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};
use pipeline_runtime::kafka::{ConnectionArgs, DEFAULT_GROUP, KafkaArgs, Property, TopicName};

/// What to audit, and what counts as a fault.
#[derive(Clone, Debug, clap::Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub(crate) source: BucketArgs,
    /// The only topic to audit; without it, whatever is under the prefix must be a topic's
    #[arg(long, env = "TOPIC_NAME", value_name = "NAME")]
    pub(crate) topic: Option<TopicName>,
    /// Write the report as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Take it as a fault if older objects were removed, so that a chain begins after offset 0
    #[arg(long)]
    pub(crate) complete: bool,
    /// Read only objects of this time's hour and later, `2026-11-23T14:00:00Z` or `2026-11-23`
    ///
    /// The hour is the one in the keys. Each chain is read from its first object of that hour or a later one to its
    /// end, and proven from there; ticks received before the hour may be missing.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "complete")]
    pub(crate) since: Option<Timestamp>,
    /// While the pipeline runs: a tick received this shortly before the newest object may be missing yet
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) in_flight: SignedDuration,
    /// Memory for which ticks of which sessions are there; more of them than it holds are a finding
    #[arg(long, env = "AUDIT_MEMORY", value_name = "SIZE", default_value = "1GiB")]
    memory: ByteSize,
    // not from KAFKA_BOOTSTRAP_SERVERS, which is set where the bucket alone is to be audited too
    /// Kafka brokers to compare with, with commas between them: the ends of the log, the group's commits, and records where an
    /// object has fewer than offsets
    #[arg(long, value_name = "HOST:PORT", requires = "topic", help_heading = "Kafka")]
    brokers: Option<String>,
    /// Consumer group that writes the bucket
    #[arg(
        long,
        env = "CONSUMER_GROUP",
        value_name = "NAME",
        default_value = DEFAULT_GROUP,
        help_heading = "Kafka"
    )]
    pub(crate) group: String,
    /// Any librdkafka property; `key=@file` reads the value from a file
    #[arg(
        short = 'X',
        long = "property",
        value_name = "KEY=VALUE",
        help_heading = "Kafka"
    )]
    properties: Vec<Property>,
    /// The same as one list with `;` between them, for files of settings; `-X` goes over it
    #[arg(
        long = "properties",
        env = "KAFKA_PROPERTIES",
        value_name = "KEY=VALUE;…",
        value_delimiter = ';',
        help_heading = "Kafka"
    )]
    property_list: Vec<Property>,
}

impl AuditArgs {
    /// The log to compare with, if it is to be.
    pub(crate) fn kafka(&self) -> Option<KafkaArgs> {
        Some(KafkaArgs {
            connection: ConnectionArgs {
                brokers: self.brokers.clone()?,
                properties: self.properties.clone(),
                property_list: self.property_list.clone(),
            },
            topic: self.topic.clone()?,
        })
    }

    /// In bytes.
    pub(crate) fn memory(&self) -> usize {
        usize::try_from(self.memory.as_u64()).unwrap_or(usize::MAX)
    }
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

#[cfg(test)]
impl AuditArgs {
    /// As of a command line with these flags behind the bucket's.
    pub(crate) fn parsed(flags: &[&str]) -> Result<Self, clap::Error> {
        #[derive(Debug, clap::Parser)]
        struct Cli {
            #[command(flatten)]
            audit: AuditArgs,
        }
        let line = ["audit", "--bucket", "my-bucket"].iter().chain(flags);
        <Cli as clap::Parser>::try_parse_from(line).map(|cli| cli.audit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let args = AuditArgs::parsed(&["--in-flight", "5m"]).unwrap();
        assert_eq!(args.in_flight, SignedDuration::from_mins(5));
        assert!(AuditArgs::parsed(&["--in-flight=-5m"]).is_err());
    }

    #[test]
    fn the_log_is_that_of_a_topic_that_is_named() {
        assert!(AuditArgs::parsed(&[]).unwrap().kafka().is_none());
        assert!(AuditArgs::parsed(&["--brokers", "b:9092"]).is_err());
        let args = AuditArgs::parsed(&["--brokers", "b:9092", "--topic", "t"]).unwrap();
        assert_eq!(args.kafka().unwrap().topic.as_str(), "t");
    }

    #[test]
    fn a_part_cannot_be_complete() {
        let args = AuditArgs::parsed(&["--since", "2026-11-23"]).unwrap();
        assert_eq!(args.since, Some("2026-11-23T00:00:00Z".parse().unwrap()));
        assert!(AuditArgs::parsed(&["--since", "2026-11-23", "--complete"]).is_err());
    }
}
