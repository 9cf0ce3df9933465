//! Parts of the consumer's way alone, over the same topic: reading by librdkafka, the check, the compression.

mod batch;
mod check;
mod compress;
mod read;
mod sample;

use clap::ValueEnum;
use serde::de::IgnoredAny;

use crate::error::Error;
use crate::figures::Figures;
use quote_model::Tick;
use sample::Sample;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// librdkafka's batches of records, as they are.
    ReadBatch,
    /// librdkafka's records one by one, as they are.
    ReadPoll,
    /// The consumer's own check.
    Check,
    /// The same, with the fields in another order than the producer's: by their names.
    CheckReordered,
    /// JSON without a look at what it says.
    CheckSyntax,
    Zstd,
    Gzip,
}

impl Part {
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReferenceArgs {
    #[arg(value_enum)]
    part: Part,
    #[arg(long)]
    brokers: String,
    #[arg(long)]
    topic: String,
    /// Ticks in the whole topic
    #[arg(long)]
    ticks: u64,
    /// Ticks in partition 0, all that the parts need which do not read
    #[arg(long)]
    sample: u64,
    #[arg(long, allow_negative_numbers = true)]
    zstd_level: i32,
    #[arg(long)]
    zstd_window_log: u32,
}

pub(crate) fn run(args: &ReferenceArgs) -> Result<Figures, Error> {
    let sample = || Sample::read(&args.brokers, &args.topic, args.sample);
    match args.part {
        Part::ReadBatch => read::by_batch(&args.brokers, &args.topic, args.ticks),
        Part::ReadPoll => read::one_by_one(&args.brokers, &args.topic, args.ticks),
        Part::Check => check::each(&sample()?, check_tick),
        Part::CheckReordered => check::each(&sample()?.reordered()?, check_tick),
        Part::CheckSyntax => check::each(&sample()?, |offset, line| {
            serde_json::from_slice::<IgnoredAny>(line)
                .map(drop)
                .map_err(|source| Error::NotJson { offset, source })
        }),
        Part::Zstd => compress::zstd(&sample()?, args.zstd_level, args.zstd_window_log),
        Part::Gzip => compress::gzip(&sample()?),
    }
}

fn check_tick(offset: usize, line: &[u8]) -> Result<(), Error> {
    Tick::decode(line)
        .map(drop)
        .map_err(|source| Error::NotATick { offset, source })
}
