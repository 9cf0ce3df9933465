use std::time::Duration;

/// Why the demo ends before its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Part(#[from] test_bed::Error),
    #[error(transparent)]
    StandIn(#[from] twelve_data_stand_in::Error),
    #[error(transparent)]
    Signals(#[from] pipeline_runtime::Error),
    #[error("the results cannot be written to stdout")]
    Stdout(#[from] std::io::Error),
    #[error(
        "a replay is of one symbol, and `--symbols` names {count}; name one, such as `--symbols EUR/USD`"
    )]
    SymbolsOfReplay { count: usize },
    #[error(
        "a symbol brings no price, check `--symbols` (the stand-in knows a few well-known ones, Twelve Data itself \
         all of your plan); the producer says: {line}"
    )]
    NoQuote { line: String },
    #[error("a line of {key} is no tick")]
    NotATick { key: String, source: quote_model::Error },
    #[error("nothing new came into the bucket for {within:?}; the end of the logs:\n{logs}")]
    Stalled { within: Duration, logs: String },
}
