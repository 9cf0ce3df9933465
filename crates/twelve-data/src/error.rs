use crate::Exhaustion;

/// The vendor's error: `{"code":…,"message":…,"status":"error"}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The vendor's code, or the HTTP status where it has none.
    pub code: u16,
    /// As sent, cut.
    pub message: String,
}

/// Why a reply brings nothing for any symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The vendor says so.
    #[error("{0}")]
    Api(ApiError),
    /// The HTTP status says so, and the body is not the vendor's.
    #[error("HTTP status {status}, with the body `{body}`")]
    Http {
        /// Outside 200 to 299.
        status: u16,
        /// The body's start.
        body: String,
    },
    /// The body is no JSON object, or was cut off.
    #[error("the reply is not a JSON object: `{body}`")]
    NotJson {
        /// The body's start.
        body: String,
    },
}

/// Why a reply has no quote of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// There is no such symbol.
    #[error("unknown symbol ({0})")]
    Unknown(ApiError),
    /// The symbol needs a larger plan.
    #[error("not in the plan of this API key ({0})")]
    NotInPlan(ApiError),
    /// Refused for another reason.
    #[error("refused ({0})")]
    Refused(ApiError),
    /// An error of the vendor's that is not the symbol's.
    #[error("failed ({0})")]
    Failed(ApiError),
    /// There were no credits left for it.
    #[error("no credits ({error})")]
    OutOfCredits {
        /// Which ones.
        exhausted: Exhaustion,
        /// The vendor's words.
        error: ApiError,
    },
    /// The entry is another symbol's.
    #[error("answered with the symbol {answered}; name the listing, as in `AAPL:NASDAQ`")]
    OtherSymbol {
        /// The other symbol.
        answered: String,
    },
    /// The entry is of another listing than the one that was asked for.
    #[error("answered with the listing at {answered}; look the exchange's name up at the vendor's")]
    OtherListing {
        /// Where the other one is listed.
        answered: String,
    },
    /// The reply has two entries that can be its own.
    #[error("answered twice in one reply; name the listing, as in `AAPL:NASDAQ`")]
    AnsweredTwice,
    /// The reply does not mention it.
    #[error("missing in the reply")]
    Missing,
    /// The price is `null`, empty or absent.
    #[error("no `{name}` in its entry")]
    NoPrice {
        /// The field.
        name: &'static str,
    },
    /// The price is something else than digits.
    #[error("its `{name}` is not a decimal number: {text}")]
    NotDecimal {
        /// The field.
        name: &'static str,
        /// What stands there.
        text: String,
    },
    /// The entry is not what the vendor documents.
    #[error("its entry cannot be read: {entry}")]
    Malformed {
        /// The entry's start.
        entry: String,
    },
}

impl SymbolError {
    /// Whether asking again is of no use for long.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Unknown(_)
            | Self::NotInPlan(_)
            | Self::Refused(_)
            | Self::OtherSymbol { .. }
            | Self::OtherListing { .. }
            | Self::AnsweredTwice => true,
            Self::OutOfCredits { .. }
            | Self::Failed(_)
            | Self::Missing
            | Self::NoPrice { .. }
            | Self::NotDecimal { .. }
            | Self::Malformed { .. } => false,
        }
    }
}
