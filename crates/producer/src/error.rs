use std::error::Error as StdError;
use std::path::PathBuf;

use pipeline_runtime::exit::{ExitStatus, Failure};
use rdkafka::error::RDKafkaErrorCode;

/// What ends the program before its work is done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// One of the symbols is none.
    #[error("the list of symbols is wrong, write it as `AAPL,BTC/USD`")]
    Symbol {
        /// Why.
        source: twelve_data::InstrumentError,
    },
    /// Nothing is to be polled.
    #[error("there are no symbols, name them as in `--symbols AAPL,BTC/USD`")]
    SymbolsMissing,
    /// The watchlist cannot be read.
    #[error("cannot read the symbols from {path}, check the path and its mode")]
    WatchlistFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of the watchlist is no symbol.
    #[error("the symbols in {path} are wrong at line {line}, write one a line as `AAPL` or `AAPL:NASDAQ`")]
    WatchlistLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: twelve_data::InstrumentError,
    },
    /// Two listings of one symbol would have one key.
    #[error(
        "the symbol {symbol} stands in {path} at lines {other_line} and {line} with other parameters; tell its \
         listings apart by name, as in `{symbol}:NYSE` and `{symbol}:TSX`"
    )]
    WatchlistListings {
        /// The file.
        path: PathBuf,
        /// The later line.
        line: usize,
        /// The earlier line.
        other_line: usize,
        /// As both lines have it, but for its case.
        symbol: String,
    },
    /// The watchlist has no symbol.
    #[error("there is no symbol in {path}, write one a line")]
    WatchlistEmpty {
        /// The file.
        path: PathBuf,
    },
    /// A symbol would be paid twice and its ticks could not be told apart.
    #[error("the symbol {symbol} stands in the list twice, leave one out")]
    SymbolTwice {
        /// As it stands there the second time.
        symbol: String,
    },
    /// The interval is no duration.
    #[error("`{text}` is not a duration of at most 365 days, write `10s`, `5m` or a number of seconds")]
    Duration {
        /// What was found.
        text: String,
    },
    /// The queue cannot work with this size.
    #[error("`{text}` is not a size from 64KiB to 1TiB, write it as `64MiB`")]
    QueueSize {
        /// What was found.
        text: String,
    },
    /// The instance's name would not be fit for each tick.
    #[error("`{name}` does not name an instance, use 1 to 128 bytes without control characters")]
    Instance {
        /// What was found.
        name: String,
    },
    /// The base URL is none. Its text is not repeated, as it may hold a key.
    #[error("the base URL is not one, write `https://host` without user, query or fragment")]
    ApiBaseUrl,
    /// The host has no name to use.
    #[error("the host's name is not known, name the instance with `--instance`")]
    HostName {
        /// Why.
        source: nix::Error,
    },
    /// There is no key.
    #[error(
        "there is no API key for Twelve Data; get one at https://twelvedata.com/pricing and pass it as the \
         systemd credential `twelve-data-api-key`, with `--api-key-file FILE` or in the variable \
         TWELVEDATA_API_KEY"
    )]
    ApiKeyMissing,
    /// The key's file cannot be read.
    #[error("cannot read the API key from {path}, check the path and its mode")]
    ApiKeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What was found can be no key. It is not repeated.
    #[error("the API key in {origin} cannot be one: {reason}; copy it anew from your account")]
    ApiKeyInvalid {
        /// A file or a variable.
        origin: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The asynchronous runtime does not start.
    #[error("the runtime does not start, check the limits on files and memory")]
    Runtime {
        /// Why.
        source: std::io::Error,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client does not start, check the host's CA certificates")]
    HttpClient {
        /// Why.
        source: reqwest::Error,
    },
    /// Code 401, again and again, and never an answer.
    #[error(
        "Twelve Data refuses the API key: {message}; check it at https://twelvedata.com/account/api-keys"
    )]
    KeyRefused {
        /// The vendor's words.
        message: String,
    },
    /// Code 403, again and again, and never an answer.
    #[error(
        "Twelve Data refuses the endpoint /{endpoint}: {message}; choose another `--endpoint`, or a plan that \
         has it"
    )]
    EndpointRefused {
        /// Its path.
        endpoint: &'static str,
        /// The vendor's words.
        message: String,
    },
    /// For minutes the vendor refused each symbol.
    #[error(
        "none of the symbols can be had with this API key: {}; look them up at \
         https://twelvedata.com/symbols and check `--symbols`",
        first_of(reasons)
    )]
    NoUsableSymbol {
        /// Each symbol with the vendor's words.
        reasons: Vec<String>,
    },
    /// The state directory can never be used.
    #[error("cannot keep the state in {path}, check that it is a directory and its owner and mode")]
    StateDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has the state directory.
    #[error(
        "another producer keeps its state in {path}, stop it or give this one a `--state-dir` of its own"
    )]
    StateDirInUse {
        /// The directory.
        path: PathBuf,
    },
    /// The tick cannot be written as JSON.
    #[error("cannot write a tick of {symbol} as JSON, report this")]
    Encode {
        /// As subscribed.
        symbol: String,
        /// Why.
        source: quote_model::Error,
    },
    /// Ticks were accepted that Kafka did not acknowledge.
    #[error(
        "{count} of {accepted} ticks are not known to be in Kafka, of seq {first} to {last} of the session \
         {session}; {}", advice(topic, *source)
    )]
    NotInKafka {
        /// How many.
        count: usize,
        /// Of how many.
        accepted: u64,
        /// The lowest `seq` of them.
        first: u64,
        /// The highest `seq` of them.
        last: u64,
        /// Whose `seq`.
        session: uuid::Uuid,
        /// Where they were to go.
        topic: String,
        /// The first refusal, if it was not time that ran out.
        source: Option<RDKafkaErrorCode>,
    },
    /// S3 cannot be asked for the bucket.
    #[error(
        "cannot look for the bucket {bucket}, check the AWS credentials, the region and the network, or leave \
         `--bucket` out"
    )]
    BucketLook {
        /// Without `s3://`.
        bucket: String,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Status 403.
    #[error(
        "the bucket {bucket} is refused: it is somebody else's, these credentials lack s3:ListBucket on it, or \
         their secret is wrong; choose another name, grant it or mend them"
    )]
    BucketForbidden {
        /// Without `s3://`.
        bucket: String,
        /// What S3 says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The name belongs to somebody else.
    #[error("the bucket name {bucket} is taken by another AWS account, choose another one")]
    BucketTaken {
        /// Without `s3://`.
        bucket: String,
        /// What S3 says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The bucket is not there, and these credentials may not make it.
    #[error(
        "not allowed to make the bucket {bucket} in {region}, allow `s3:CreateBucket` in the role's policy or make it by hand"
    )]
    BucketCreateDenied {
        /// Without `s3://`.
        bucket: String,
        /// In which it would be made.
        region: String,
        /// What S3 says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The bucket is not there and cannot be made.
    #[error(
        "cannot make the bucket {bucket} in {region}, check the region and the account's limit of buckets"
    )]
    BucketCreate {
        /// Without `s3://`.
        bucket: String,
        /// In which it would be made.
        region: String,
        /// What S3 says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// From what the binaries share.
    #[error(transparent)]
    Shared(Box<pipeline_runtime::Error>),
}

impl From<pipeline_runtime::Error> for Error {
    fn from(error: pipeline_runtime::Error) -> Self {
        Self::Shared(Box::new(error))
    }
}

fn first_of(reasons: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = reasons.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    match reasons.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// What to do about ticks that Kafka does not have.
fn advice(topic: &str, refusal: Option<RDKafkaErrorCode>) -> String {
    match refusal {
        // of what makes a record invalid, only its timestamp can be wrong in a tick's
        Some(RDKafkaErrorCode::InvalidTimestamp | RDKafkaErrorCode::InvalidRecord) => format!(
            "set this host's clock, by NTP: it is further from the brokers' than the topic {topic} takes, which is an \
             hour ahead unless `message.timestamp.after.max.ms` says otherwise"
        ),
        Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed) => {
            format!("allow the user to write to the topic {topic} by an ACL")
        }
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            format!("raise `max.message.bytes` of the topic {topic}, which takes no record of a tick's size")
        }
        _ => format!("look at the topic {topic} and its brokers"),
    }
}

impl Failure for Error {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Shared(error) => error.exit_status(),
            Self::NotInKafka { source, .. } => match source {
                // time that ran out, a clock, and what is no refusal of the record
                None
                | Some(
                    RDKafkaErrorCode::InvalidTimestamp
                    | RDKafkaErrorCode::InvalidRecord
                    | RDKafkaErrorCode::PurgeQueue
                    | RDKafkaErrorCode::PurgeInflight
                    | RDKafkaErrorCode::Fatal
                    | RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::UnknownTopic
                    | RDKafkaErrorCode::UnknownPartition,
                ) => ExitStatus::Failed,
                Some(_) => ExitStatus::NoPermission,
            },
            Self::KeyRefused { .. }
            | Self::EndpointRefused { .. }
            | Self::BucketForbidden { .. }
            | Self::BucketCreateDenied { .. } => ExitStatus::NoPermission,
            Self::Symbol { .. }
            | Self::SymbolsMissing
            | Self::WatchlistFile { .. }
            | Self::WatchlistLine { .. }
            | Self::WatchlistListings { .. }
            | Self::WatchlistEmpty { .. }
            | Self::SymbolTwice { .. }
            | Self::Duration { .. }
            | Self::QueueSize { .. }
            | Self::Instance { .. }
            | Self::ApiBaseUrl
            | Self::HostName { .. }
            | Self::ApiKeyMissing
            | Self::StateDir { .. }
            | Self::ApiKeyFile { .. }
            | Self::ApiKeyInvalid { .. }
            | Self::HttpClient { .. }
            | Self::NoUsableSymbol { .. }
            | Self::BucketTaken { .. } => ExitStatus::BadConfig,
            Self::Runtime { .. }
            | Self::Encode { .. }
            | Self::StateDirInUse { .. }
            | Self::BucketLook { .. }
            | Self::BucketCreate { .. } => ExitStatus::Failed,
        }
    }
}
