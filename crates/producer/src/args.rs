use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Parser, Subcommand};
use pipeline_runtime::kafka::KafkaArgs;
use pipeline_runtime::logs::LogArgs;
use pipeline_runtime::metrics::MetricsArgs;
use pipeline_runtime::s3::{BucketName, S3Args};
use quote_model::Text;
use twelve_data::Endpoint;

use crate::Error;
use crate::api_key::ApiKey;
use crate::command::Output;
use crate::http::ApiBaseUrl;
use crate::source::{MarketHours, Orders, Settings, Watchlist};

/// Polls Twelve Data for prices and brings each to Kafka, once and in order.
///
/// The API key is never an argument. It is looked for in the systemd credential `twelve-data-api-key`
/// (`$CREDENTIALS_DIRECTORY`), then in the file of `--api-key-file`, then in the variable
/// `TWELVEDATA_API_KEY`.
///
/// Exit status: 0 done, also after SIGTERM with all ticks in Kafka; 1 failed; 2 wrong usage; 77 the API key,
/// the endpoint or the bucket is refused; 78 a setting is wrong.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct CommandLine {
    /// What to do instead of polling.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of the main job.
    #[command(flatten)]
    pub args: Args,
}

/// What the producer does beside its main job.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Looks at the API key, the plan, the clock, each symbol, the topic, each broker and the bucket, with the flags
    /// and variables of the main job, and says what to do about what is wrong. Costs a credit a symbol, and two at
    /// most
    Doctor(Box<DoctorArgs>),
}

/// The flags of `doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// The flags of the main job.
    #[command(flatten)]
    pub args: Args,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// The flags of the main job.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Symbols to poll, with commas between them: `AAPL,BTC/USD,RY:TSX`, or `@FILE` with one a line. Which listing
    /// is meant may follow: `AAPL:NASDAQ`, `BTC/USD:Binance`, or `RY;mic_code=XTSE`, `SPY;exchange=NYSE;type=ETF`.
    /// Each costs one credit a poll
    #[arg(long, env = "SYMBOLS", value_name = "LIST|@FILE", required = true)]
    symbols: Option<Watchlist>,
    /// What to ask for
    #[arg(long, env = "TWELVEDATA_ENDPOINT", value_enum, default_value_t)]
    endpoint: PolledEndpoint,
    /// Time from poll to poll: `10s`, `1m`, or a number of seconds; 0 is as fast as the credits allow. Polls
    /// come slower where the plan's credits demand it, and the log says so
    #[arg(long, env = "INTERVAL", value_name = "DURATION", default_value = "10s")]
    interval: PlainDuration,
    /// Stop after so many successful polls; without it there is no end. A poll is successful if all its calls
    /// were answered and it brought at least one price
    #[arg(long, env = "N_SAMPLES", value_name = "N")]
    samples: Option<NonZeroU64>,
    /// Which symbols to poll: those whose market is open, with one price more after its close, or all always. With
    /// `--samples` it is `always` unless asked for
    #[arg(long, env = "MARKET_HOURS", value_enum)]
    market_hours: Option<PolledHours>,
    /// Ask for prices before and after hours too, where the plan has them, and poll in these hours
    #[arg(long, env = "PREPOST", value_parser = clap::builder::FalseyValueParser::new())]
    prepost: bool,
    /// How long Kafka may be out of reach, or Twelve Data refuse the key, the endpoint or all symbols, before the
    /// program gives up. What was answered once is not given up any more
    #[arg(long, env = "GIVE_UP_AFTER", value_name = "DURATION", default_value = "3m")]
    give_up_after: PlainDuration,
    /// S3 bucket for the consumer: made if it is not there. Without it AWS is not called
    #[arg(long, env = "BUCKET_NAME", value_name = "NAME")]
    bucket: Option<BucketName>,
    /// File that holds the API key
    #[arg(long, env = "TWELVEDATA_API_KEY_FILE", value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Where the API is
    #[arg(
        long,
        env = "TWELVEDATA_API_BASE_URL",
        value_name = "URL",
        default_value = "https://api.twelvedata.com"
    )]
    api_base_url: ApiBaseUrl,
    /// Where to keep what was spent, so that a restart polls no sooner and spends no more than this process would
    /// have [default: systemd's `$STATE_DIRECTORY`; without either a restart knows nothing]
    #[arg(long, env = "STATE_DIR", value_name = "DIRECTORY")]
    state_dir: Option<PathBuf>,
    /// Name of this instance in each tick [default: the host's name]
    #[arg(long, env = "PRODUCER_INSTANCE", value_name = "NAME")]
    instance: Option<String>,
    /// Memory for ticks that wait for Kafka: their text, and half a KiB a tick that the client takes beside it. When
    /// it is full, polling pauses
    #[arg(long, env = "QUEUE_MAX_BYTES", value_name = "SIZE", default_value = "64MiB")]
    queue_max_bytes: QueueSize,
    /// How long to wait at the end until Kafka has all ticks
    #[arg(long, env = "DRAIN_TIMEOUT", value_name = "DURATION", default_value = "25s")]
    drain_timeout: PlainDuration,
    /// Check the settings and the form of the API key, and end
    #[arg(long)]
    pub check_settings: bool,
    /// The Kafka client's flags.
    #[command(flatten)]
    kafka: KafkaArgs,
    /// The S3 client's flags.
    #[command(flatten)]
    s3: S3Args,
    /// The metrics' flag.
    #[command(flatten)]
    metrics: MetricsArgs,
    /// The log's flags.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// What to poll.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum PolledEndpoint {
    /// The price alone
    #[default]
    Price,
    /// The price with its time, exchange, currency and the day's volume
    Quote,
}

/// When to poll.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PolledHours {
    /// While the symbol's market is open
    Open,
    /// Always
    Always,
}

impl From<PolledEndpoint> for Endpoint {
    fn from(endpoint: PolledEndpoint) -> Self {
        match endpoint {
            PolledEndpoint::Price => Self::Price,
            PolledEndpoint::Quote => Self::Quote,
        }
    }
}

/// What was asked for, checked.
#[derive(Debug)]
pub struct Config {
    pub(crate) feed: Settings,
    pub(crate) bucket: Option<BucketName>,
    pub(crate) instance: Text<'static>,
    pub(crate) queue_max_bytes: u64,
    pub(crate) drain_timeout: Duration,
    pub(crate) kafka: KafkaArgs,
    pub(crate) s3: S3Args,
    pub(crate) metrics: MetricsArgs,
}

impl Args {
    /// Checks the arguments and finds the API key.
    ///
    /// # Errors
    ///
    /// [`Error::ApiKeyMissing`], [`Error::ApiKeyFile`] or [`Error::ApiKeyInvalid`] if there is no usable key,
    /// [`Error::Instance`] or [`Error::HostName`] if there is no usable name.
    pub fn into_config(self) -> Result<Config, Error> {
        let key = ApiKey::find(self.api_key_file.as_deref(), |name| std::env::var_os(name))?;
        let watchlist = self.symbols.ok_or(Error::SymbolsMissing)?;
        let market_hours = match self.market_hours {
            Some(PolledHours::Open) => MarketHours::Open,
            None if self.samples.is_none() => MarketHours::Open,
            Some(PolledHours::Always) | None => MarketHours::Always,
        };
        Ok(Config {
            feed: Settings {
                base_url: self.api_base_url,
                key,
                orders: Orders {
                    endpoint: self.endpoint.into(),
                    instruments: watchlist.instruments().to_vec(),
                    interval: self.interval.0,
                    samples: self.samples,
                    market_hours,
                    is_prepost: self.prepost,
                    give_up_after: self.give_up_after.0,
                },
                watchlist,
                state_dir: state_dir(self.state_dir, |name| std::env::var_os(name)),
            },
            bucket: self.bucket,
            instance: instance(self.instance)?,
            queue_max_bytes: self.queue_max_bytes.0,
            drain_timeout: self.drain_timeout.0,
            kafka: self.kafka,
            s3: self.s3,
            metrics: self.metrics,
        })
    }
}

/// What was given, or the first directory that systemd made for the service.
fn state_dir(given: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let by_systemd = || {
        let directories = variable("STATE_DIRECTORY")?;
        std::env::split_paths(&directories).next()
    };
    let is_set = |path: &PathBuf| !path.as_os_str().is_empty();
    given.filter(is_set).or_else(by_systemd).filter(is_set)
}

fn instance(given: Option<String>) -> Result<Text<'static>, Error> {
    let name = match given {
        Some(name) => name,
        None => nix::unistd::gethostname()
            .map_err(|source| Error::HostName { source })?
            .to_string_lossy()
            .into_owned(),
    };
    if !(1..=128).contains(&name.len()) || name.contains(char::is_control) {
        return Err(Error::Instance { name });
    }
    Ok(Text::from(name))
}

/// A duration as people write it, or a bare number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlainDuration(Duration);

impl FromStr for PlainDuration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        const MAX: Duration = Duration::from_hours(365 * 24);
        let seconds = text.trim().parse().map(Duration::from_secs).ok();
        seconds
            .or_else(|| humantime::parse_duration(text.trim()).ok())
            .filter(|duration| *duration <= MAX)
            .map(Self)
            .ok_or_else(|| Error::Duration {
                text: text.to_owned(),
            })
    }
}

/// A size that librdkafka's queue can have and that holds any single tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct QueueSize(u64);

impl FromStr for QueueSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let size: Option<ByteSize> = text.trim().parse().ok();
        size.map(|size| size.as_u64())
            .filter(|bytes| (64 << 10..=1 << 40).contains(bytes))
            .map(Self)
            .ok_or_else(|| Error::QueueSize {
                text: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        let line = ["producer", "--symbols", "AAPL,MSFT"];
        CommandLine::try_parse_from(line.iter().chain(arguments)).map(|line| line.args)
    }

    #[test]
    fn the_command_line_is_consistent_and_each_flag_has_help() {
        CommandLine::command().debug_assert();
        for argument in CommandLine::command().get_arguments() {
            assert!(argument.get_help().is_some(), "{}", argument.get_id());
        }
    }

    #[test]
    fn every_flag_of_the_service_has_a_variable() {
        let line = CommandLine::command();
        let without: Vec<_> = line
            .get_arguments()
            .filter(|argument| argument.get_env().is_none())
            .map(|argument| argument.get_id().as_str())
            .collect();
        // KAFKA_PROPERTIES stands beside it
        assert_eq!(without, ["check_settings", "properties"]);
    }

    #[test]
    fn an_interval_is_a_duration_or_seconds() {
        for (text, duration) in [
            ("10", Duration::from_secs(10)),
            ("0", Duration::ZERO),
            ("0s", Duration::ZERO),
            ("1m 30s", Duration::from_secs(90)),
            ("250ms", Duration::from_millis(250)),
        ] {
            assert_eq!(parse(&["--interval", text]).unwrap().interval.0, duration);
        }
        for text in ["", "-1", "1.5", "ten", "10 parsecs", "99999999999", "366d"] {
            assert!(
                parse(&[&format!("--interval={text}")]).is_err(),
                "{text:?} was taken"
            );
        }
    }

    #[test]
    fn the_state_directory_is_the_given_one_or_systemds() {
        let systemd = |_: &str| Some(OsString::from("/var/lib/producer:/var/lib/other"));
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(state_dir(path("/given"), systemd), path("/given"));
        assert_eq!(state_dir(path(""), systemd), path("/var/lib/producer"));
        assert_eq!(state_dir(None, systemd), path("/var/lib/producer"));
        assert_eq!(state_dir(None, |_| Some(OsString::new())), None);
        assert_eq!(state_dir(None, |_| None), None);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for arguments in [
            ["--samples", "0"],
            ["--samples", "-1"],
            ["--queue-max-bytes", "1KiB"],
            ["--queue-max-bytes", "lots"],
            ["--endpoint", "time_series"],
            ["--bucket", "No"],
            ["--api-base-url", "twelvedata.com"],
            ["--topic", "a/b"],
        ] {
            assert!(parse(&arguments).is_err(), "{arguments:?} was taken");
        }
        assert!(CommandLine::try_parse_from(["producer", "--symbols", ""]).is_err());
        assert!(instance(Some(String::new())).is_err());
        assert!(instance(Some("a\nb".to_owned())).is_err());
        assert!(instance(None).is_ok());
    }
}
