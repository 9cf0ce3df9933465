use std::path::PathBuf;

use bucket_reader::{BucketArgs, moment};
use jiff::Timestamp;
use pipeline_runtime::kafka::{ConnectionArgs, KafkaArgs, TopicName};

use super::error::Error;
use super::offsets::Offsets;

/// Which records to write back, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub(super) source: BucketArgs,
    /// Topic whose objects are read; may be left out if the prefix holds only one
    #[arg(long, value_name = "NAME")]
    pub(super) from_topic: Option<TopicName>,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    /// Read and check all that is selected, and tell what would be written, without a broker
    #[arg(long)]
    pub(super) dry_run: bool,
    // not from TOPIC_NAME, which most often names the topic that the objects are of
    /// Topic to write to; it must be there
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "dry_run",
        help_heading = "Kafka"
    )]
    topic: Option<TopicName>,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Which partition a record is written to
    #[arg(long, value_enum, default_value_t, help_heading = "Kafka")]
    pub(super) partitioning: Partitioning,
    /// Write into the topic that the objects are of, which then holds the records twice
    #[arg(long, help_heading = "Kafka")]
    pub(super) same_topic: bool,
    /// Go on past records that Kafka does not take, too large ones for instance, and keep each in this file as a line of JSON
    #[arg(long, value_name = "FILE", help_heading = "Kafka")]
    pub(super) refused_to: Option<PathBuf>,
    /// Note in this file how far it is, and go on from there if it is there already, however the run before it ended
    ///
    /// After a kill or a power cut, what was sent and not noted as acknowledged yet is written twice, at most one object
    /// of each partition and what was queued; the next run says which offsets. Without one, the log says every 10 s where
    /// to go on.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(super) progress: Option<PathBuf>,
}

/// Which of the records; all by default. What is given twice, by offset and time, must both hold.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectionArgs {
    /// Only these partitions, with commas between them
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub(super) partition: Vec<u32>,
    /// First offset, of all partitions or `PARTITION:OFFSET,…`
    ///
    /// Where an object's lines are fewer than its offsets, the offset of each line is not known: one inside is refused.
    #[arg(long, value_name = "OFFSETS", default_value_t)]
    pub(super) from_offset: Offsets,
    /// Offset before which to end, of all partitions or `PARTITION:OFFSET,…`
    #[arg(long, value_name = "OFFSETS", default_value_t)]
    pub(super) to_offset: Offsets,
    /// Only ticks received at this time or later, `2026-11-23T14:00:00Z` or `2026-11-23`; of what is no tick, Kafka's time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) since: Option<Timestamp>,
    /// Only ticks received before this time; those that reached Kafka more than a day late are not looked for
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) until: Option<Timestamp>,
}

/// Which partition a record is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Partitioning {
    /// The one of the same number that it was in
    #[default]
    Same,
    /// The one that its key falls into, as the producer has it
    Key,
}

impl ReplayArgs {
    /// The target, if one is given.
    pub(super) fn kafka(&self) -> Option<KafkaArgs> {
        Some(KafkaArgs {
            connection: self.connection.clone(),
            topic: self.topic.clone()?,
        })
    }
}

impl SelectionArgs {
    /// Checks what clap cannot.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(Error::EmptyRange {
                from: format!("--since {since}"),
                to: format!("--until {until}"),
            });
        }
        let named = self.from_offset.partitions().chain(self.to_offset.partitions());
        // a partition that no offset names has the bounds of all
        for partition in named.map(Some).chain([None]) {
            let bounds = self.from_offset.of(partition).zip(self.to_offset.of(partition));
            if let Some((from, to)) = bounds.filter(|(from, to)| from >= to) {
                return Err(Error::EmptyRange {
                    from: format!("--from-offset {from}"),
                    to: format!("--to-offset {to}"),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        replay: ReplayArgs,
    }

    fn parse(flags: &[&str]) -> Result<ReplayArgs, clap::Error> {
        let base = ["replay", "--bucket", "my-bucket"];
        Cli::try_parse_from(base.iter().chain(flags)).map(|cli| cli.replay)
    }

    #[test]
    fn a_target_is_named_unless_nothing_is_written() {
        assert!(parse(&[]).is_err());
        assert!(parse(&["--dry-run"]).unwrap().kafka().is_none());
        assert_eq!(
            parse(&["--topic", "t"]).unwrap().kafka().unwrap().topic.as_str(),
            "t"
        );
    }

    #[test]
    fn a_range_that_holds_nothing_is_refused() {
        for (flags, is_right) in [
            (&["--from-offset", "5", "--to-offset", "6"][..], true),
            (&["--from-offset", "6", "--to-offset", "6"], false),
            (&["--from-offset", "0:9,1:2", "--to-offset", "5"], false),
            (&["--from-offset", "1:2", "--to-offset", "1:5,0:1"], true),
            (&["--since", "2026-11-23", "--until", "2026-11-24"], true),
            (
                &["--since", "2026-11-24", "--until", "2026-11-24T00:00:00Z"],
                false,
            ),
        ] {
            let args = parse(&[&["--dry-run"], flags].concat()).unwrap();
            assert_eq!(args.selection.check().is_ok(), is_right, "{flags:?}");
        }
    }
}
