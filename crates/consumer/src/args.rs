use bucket_audit::AuditArgs;
use bucket_replay::ReplayArgs;
use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand};
use pipeline_runtime::kafka::{DEFAULT_GROUP, KafkaArgs};
use pipeline_runtime::logs::LogArgs;
use pipeline_runtime::metrics::MetricsArgs;
use pipeline_runtime::s3::{BucketName, Prefix, S3Args};

use crate::encode::{Compression, Encoding, Format};
use crate::memory::MemoryBudget;
use crate::partition::Flush;
use crate::reader::Settings;
use crate::setting::BadSetting;
use crate::store::{WriteArgs, WriteSettings};

/// Writes the ticks of a Kafka topic to S3, each exactly once.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct CommandLine {
    /// What to do instead of writing ticks.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub(crate) consume: ConsumeArgs,
    /// How to log.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// What the consumer does beside its main job.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads the bucket and proves that each tick is there once
    Audit(Box<AuditArgs>),
    /// Writes records from the bucket back into a topic
    Replay(Box<ReplayArgs>),
}

/// The flags of the main job.
#[derive(Debug, Args)]
pub(crate) struct ConsumeArgs {
    /// Bucket to write to
    #[arg(
        long,
        env = "BUCKET_NAME",
        value_name = "NAME",
        required = true,
        help_heading = "S3"
    )]
    bucket: Option<BucketName>,
    /// What all keys begin with, a folder
    #[arg(
        long,
        env = "BUCKET_PREFIX",
        value_name = "FOLDER/",
        default_value = "",
        help_heading = "S3"
    )]
    prefix: Prefix,
    /// Go on with a store that does not keep create-only PUTs: ticks may then be stored twice
    #[arg(long, env = "ALLOW_AT_LEAST_ONCE", help_heading = "S3")]
    allow_at_least_once: bool,
    #[command(flatten)]
    s3: S3Args,
    #[command(flatten)]
    writing: WriteArgs,
    /// Consumer group; consumers of one group share the partitions
    #[arg(
        long,
        env = "CONSUMER_GROUP",
        value_name = "NAME",
        default_value = DEFAULT_GROUP,
        help_heading = "Kafka"
    )]
    group: String,
    #[command(flatten)]
    kafka: KafkaArgs,
    /// Write an object at the latest when its first record was read this long ago
    #[arg(
        long,
        env = "FLUSH_INTERVAL",
        value_name = "TIME",
        default_value = "60s",
        help_heading = "Objects"
    )]
    flush_interval: humantime::Duration,
    /// Write an object when it has this many bytes, compressed
    #[arg(
        long,
        env = "FLUSH_BYTES",
        value_name = "SIZE",
        default_value = "64MiB",
        help_heading = "Objects"
    )]
    flush_bytes: ByteSize,
    /// Write an object when it has this many records
    #[arg(long, env = "FLUSH_RECORDS", value_name = "N", help_heading = "Objects")]
    flush_records: Option<u64>,
    /// What objects are; fixed for a prefix by who writes first
    #[arg(
        id = "object_format",
        long = "format",
        env = "FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Objects"
    )]
    format: Format,
    /// How to compress lines, zstd if not given; fixed for a prefix by who writes first
    #[arg(long, env = "COMPRESSION", value_enum, help_heading = "Objects")]
    compression: Option<Compression>,
    /// Memory for records, fetched ones and objects in the making, over all partitions
    #[arg(
        long,
        env = "MEMORY",
        value_name = "SIZE",
        default_value = "256MiB",
        help_heading = "Objects"
    )]
    memory: ByteSize,
    /// Write nothing: print the objects that the log beyond the bucket would make, a line of JSON each, and end
    #[arg(long)]
    dry_run: bool,
    /// Check the settings as far as they go by themselves, and end
    #[arg(long)]
    pub(crate) check_settings: bool,
    /// How long to write what was read after SIGTERM
    #[arg(long, env = "DRAIN_TIMEOUT", value_name = "TIME", default_value = "25s")]
    drain_timeout: humantime::Duration,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// What the main job needs, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) bucket: BucketName,
    pub(crate) prefix: Prefix,
    pub(crate) allow_at_least_once: bool,
    pub(crate) s3: S3Args,
    pub(crate) write_settings: WriteSettings,
    pub(crate) kafka: KafkaArgs,
    pub(crate) reading: Settings,
    pub(crate) encoding: Encoding,
    pub(crate) dry_run: bool,
    pub(crate) metrics: MetricsArgs,
}

/// Largest object that one PUT can make, by S3's own rule.
const PUT_MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;

impl ConsumeArgs {
    /// Checks what the types alone cannot.
    pub(crate) fn check(self) -> Result<Config, BadSetting> {
        let refuse = |setting, value: String, allowed| {
            Err(BadSetting {
                setting,
                value,
                allowed,
            })
        };
        if self.group.trim().is_empty() {
            return refuse("--group", format!("`{}`", self.group), "a name");
        }
        if self.kafka.topic.as_str().starts_with(['_', '.']) {
            return refuse(
                "--topic",
                format!("`{}`", self.kafka.topic),
                "one whose name readers of the bucket do not skip, so not begin with `_` or `.`",
            );
        }
        if self.flush_interval.is_zero() {
            return refuse("--flush-interval", self.flush_interval.to_string(), "more than 0");
        }
        if !(1..=PUT_MAX_BYTES).contains(&self.flush_bytes.as_u64()) {
            return refuse(
                "--flush-bytes",
                self.flush_bytes.to_string(),
                "from 1B to 5GiB, S3's limit for one PUT",
            );
        }
        if self.flush_records == Some(0) {
            return refuse("--flush-records", "0".to_owned(), "at least 1");
        }
        let Some(memory) = MemoryBudget::new(self.memory.as_u64()) else {
            return refuse("--memory", self.memory.to_string(), "at least 16MiB");
        };
        let Some(bucket) = self.bucket else {
            return refuse("--bucket", "not given".to_owned(), "the name of a bucket");
        };
        Ok(Config {
            bucket,
            prefix: self.prefix,
            allow_at_least_once: self.allow_at_least_once,
            s3: self.s3,
            write_settings: self.writing.check()?,
            kafka: self.kafka,
            reading: Settings {
                group: self.group,
                flush: Flush {
                    interval: *self.flush_interval,
                    bytes: self.flush_bytes.as_u64(),
                    records: self.flush_records.unwrap_or(u64::MAX),
                },
                memory,
                drain_timeout: self.drain_timeout,
            },
            encoding: Encoding::new(self.format, self.compression)?,
            dry_run: self.dry_run,
            metrics: self.metrics,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory;

    use super::*;

    fn check(flags: &[&str]) -> Result<Config, BadSetting> {
        let base = ["consumer", "--bucket", "my-bucket"];
        let line = CommandLine::try_parse_from(base.iter().chain(flags)).unwrap();
        line.consume.check()
    }

    #[test]
    fn every_flag_has_help() {
        CommandLine::command().help_expected(true).debug_assert();
    }

    #[test]
    fn every_flag_of_the_service_has_a_variable() {
        let line = CommandLine::command();
        let without: Vec<_> = line
            .get_arguments()
            .filter(|argument| argument.get_env().is_none())
            .map(|argument| argument.get_id().as_str())
            .collect();
        // `properties` has KAFKA_PROPERTIES beside it
        assert_eq!(without, ["properties", "dry_run", "check_settings"]);
    }

    #[test]
    fn the_bucket_is_all_that_is_needed() {
        let config = check(&[]).unwrap();
        assert_eq!(config.reading.flush.interval, Duration::from_mins(1));
        assert_eq!(config.kafka.topic.as_str(), "stock_pipeline");
        assert_eq!(config.encoding, Encoding::Lines(Compression::Zstd));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        for flags in [
            ["--flush-interval", "0s"],
            ["--flush-bytes", "0"],
            ["--flush-bytes", "6GiB"],
            ["--flush-records", "0"],
            ["--memory", "1KiB"],
            ["--group", " "],
            ["--topic", "_ticks"],
            ["--kms-key-id", "alias/ticks"],
        ] {
            let error = check(&flags).unwrap_err();
            assert!(error.to_string().contains(flags[0]), "{flags:?}: {error}");
        }
    }
}
