use clap::Parser;

/// Proves on real parts that the consumer stores each tick exactly once, whatever fails: three Kafka nodes, an S3
/// server and several consumers, which are killed, frozen and cut off at the worst moments, from a seed
///
/// Ends with the audit of the bucket: status 0 if nothing is lost and nothing doubled, else 1, with the seed and
/// the folder with all logs.
#[derive(Debug, Parser)]
#[command(name = "chaos.sh")]
pub(crate) struct Args {
    /// How many faults
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) faults: usize,
    /// The same seed makes the same faults [default: another each time, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many consumers share the partitions
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=16))]
    pub(crate) consumers: u8,
    /// How many partitions the topic has at first; some faults add one
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) partitions: u8,
    /// How many ticks are fed a second
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..))]
    pub(crate) rate: u32,
    /// Outages of seconds only, where else some last a minute
    #[arg(long)]
    pub(crate) quick: bool,
}

impl Args {
    /// The seed, made up if none was given. Short enough to type.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| rand::random_range(0..1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().help_expected(true).debug_assert();
        let args = Args::try_parse_from(["chaos.sh", "--seed", "7"]).unwrap();
        assert_eq!(args.seed(), 7);
        // with one consumer nobody takes over
        assert!(Args::try_parse_from(["chaos.sh", "--consumers", "1"]).is_err());
    }
}
