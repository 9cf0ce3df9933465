use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::contenders::{self, Contender};
use crate::error::Error;
use crate::market;
use crate::reference::ReferenceArgs;

/// Objects that each partition's ticks come to. All are full, so that none waits for its age at the end.
const OBJECTS_A_PARTITION: u64 = 4;

/// Fills a Kafka topic with ticks and measures how fast the consumer brings them to S3, beside its parts alone
///
/// Kafka and an S3 server run on this machine and share its cores. All is stopped and removed at the end.
#[derive(Debug, Parser)]
#[command(name = "bench.sh", args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) plan: Plan,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What the benchmark starts as a child: one part alone, over the topic that is there
    #[command(hide = true)]
    Reference(ReferenceArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// Ticks in the topic, a multiple of 4 times the partitions
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    ticks: u64,
    /// Partitions of the topic
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=market::PARTITIONS_MAX))]
    pub(crate) partitions: u16,
    /// How often each is measured; the run whose CPU time is the median is shown
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Measure only these rows of the table
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = contenders::NAMES)]
    only: Vec<String>,
    /// Level of the zstd reference; the default is the consumer's
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) zstd_level: i32,
    /// Window of the zstd reference, as a power of 2; the default is the consumer's
    #[arg(long, value_name = "LOG", default_value_t = 17)]
    pub(crate) zstd_window_log: u32,
    /// Write the figures of all runs to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// How many ticks are where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) ticks: u64,
    pub(crate) ticks_a_partition: u64,
    pub(crate) ticks_an_object: u64,
}

impl Plan {
    pub(crate) fn load(&self) -> Result<Load, Error> {
        let objects = u64::from(self.partitions) * OBJECTS_A_PARTITION;
        if !self.ticks.is_multiple_of(objects) {
            return Err(Error::Uneven {
                ticks: self.ticks,
                next: self.ticks.next_multiple_of(objects),
            });
        }
        let ticks_an_object = self.ticks / objects;
        Ok(Load {
            ticks: self.ticks,
            ticks_a_partition: ticks_an_object * OBJECTS_A_PARTITION,
            ticks_an_object,
        })
    }

    pub(crate) fn contenders(&self) -> impl Iterator<Item = &'static Contender> {
        contenders::ALL
            .iter()
            .filter(|contender| self.only.is_empty() || self.only.iter().any(|name| name == contender.name))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn plan(args: &[&str]) -> Plan {
        let all = ["bench.sh"].into_iter().chain(args.iter().copied());
        Args::try_parse_from(all).unwrap().plan
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["bench.sh", "--only", "no-such-row"]).is_err());
    }

    #[test]
    fn each_object_is_full() {
        let load = plan(&[]).load().unwrap();
        assert_eq!(
            (load.ticks_a_partition, load.ticks_an_object),
            (2_500_000, 625_000)
        );
        let error = plan(&["--ticks", "33"]).load().unwrap_err();
        assert!(error.to_string().contains("48"), "{error}");
    }

    #[test]
    fn only_what_is_named_is_measured() {
        let plan = plan(&["--only", "zstd,jsonl-zstd"]);
        let names: Vec<_> = plan.contenders().map(|contender| contender.name).collect();
        assert_eq!(names, ["zstd", "jsonl-zstd"]);
    }
}
