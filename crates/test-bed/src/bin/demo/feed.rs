//! Where the prices come from.

use test_bed::{Launch, S3, program};
use twelve_data_stand_in::{Config, MarketConfig, Replay, StandIn};

use crate::args::Args;
use crate::error::Error;

pub(crate) enum Feed {
    /// The stand-in's random walks: an open end, until each symbol has come.
    Walks(StandIn),
    /// A file's ticks, by the stand-in.
    Replay { stand_in: StandIn, ticks: usize },
    /// Twelve Data itself, with the user's key: one poll, to be easy on the plan's credits.
    TwelveData,
}

impl Feed {
    /// # Errors
    ///
    /// If the file is missing or wrong, or more symbols than one are to be replayed.
    pub(crate) async fn open(args: &Args) -> Result<Self, Error> {
        let symbols = args.symbols();
        if let Some(file) = &args.replay {
            let [symbol] = &symbols[..] else {
                return Err(Error::SymbolsOfReplay { count: symbols.len() });
            };
            let config = Config {
                market: MarketConfig {
                    replay: Some(Replay::load(file, symbol)?),
                    ..MarketConfig::default()
                },
                ..Config::default()
            };
            let stand_in = StandIn::start(config).await?;
            let ticks = stand_in.replay_progress().map_or(0, |progress| progress.total);
            return Ok(Self::Replay { stand_in, ticks });
        }
        let is_key_given = std::env::var_os("TWELVEDATA_API_KEY").is_some_and(|key| !key.is_empty());
        if is_key_given {
            return Ok(Self::TwelveData);
        }
        let config = Config {
            market: MarketConfig {
                known_only: true,
                ..MarketConfig::default()
            },
            ..Config::default()
        };
        Ok(Self::Walks(StandIn::start(config).await?))
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Walks(stand_in) => format!(
                "a stand-in for Twelve Data serves random walks at {}",
                stand_in.base_url()
            ),
            Self::Replay { stand_in, ticks } => {
                format!(
                    "a stand-in for Twelve Data serves {ticks} ticks at {}",
                    stand_in.base_url()
                )
            }
            Self::TwelveData => "prices come from Twelve Data itself, by your API key".to_owned(),
        }
    }

    /// The ticks that will come, where their number is known.
    pub(crate) fn ticks(&self) -> Option<usize> {
        match self {
            Self::Replay { ticks, .. } => Some(*ticks),
            Self::Walks(_) | Self::TwelveData => None,
        }
    }

    /// A producer for this feed.
    pub(crate) fn producer(
        &self,
        args: &Args,
        s3: &S3,
        brokers: &str,
        bucket: &str,
    ) -> Result<Launch, Error> {
        let launch = program::launch("producer", "producer")?
            .args(["--symbols", &args.symbols().join(",")])
            .args(["--bucket", bucket, "--brokers", brokers])
            .variables(s3.variables());
        Ok(match self {
            Self::Walks(stand_in) => launch
                .args(["--interval", "1s"])
                .variable("TWELVEDATA_API_BASE_URL", stand_in.base_url())
                .variable("TWELVEDATA_API_KEY", "any"),
            Self::Replay { stand_in, ticks } => launch
                .args([
                    "--endpoint",
                    "quote",
                    "--interval",
                    "0s",
                    "--samples",
                    &ticks.to_string(),
                ])
                .variable("TWELVEDATA_API_BASE_URL", stand_in.base_url())
                .variable("TWELVEDATA_API_KEY", "any"),
            Self::TwelveData => launch.args(["--samples", "1"]).inherit([
                "TWELVEDATA_API_KEY",
                "TWELVEDATA_API_BASE_URL",
                "HTTPS_PROXY",
                "https_proxy",
                "NO_PROXY",
                "no_proxy",
                "SSL_CERT_FILE",
                "SSL_CERT_DIR",
            ]),
        })
    }

    pub(crate) async fn stop(self) -> Result<(), Error> {
        match self {
            Self::Walks(stand_in) | Self::Replay { stand_in, .. } => Ok(stand_in.stop().await?),
            Self::TwelveData => Ok(()),
        }
    }
}
