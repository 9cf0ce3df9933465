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
        /// The status.
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
    /// Another error of the vendor's.
    #[error("refused ({0})")]
    Refused(ApiError),
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
    /// The vendor answers 404 (400, of old) for an unknown symbol and for one outside the plan alike.
    #[must_use]
    pub fn from_api(error: ApiError) -> Self {
        let message = error.message.to_ascii_lowercase();
        let is_of_symbol = matches!(error.code, 400 | 403 | 404);
        if is_of_symbol && message.contains("plan") {
            Self::NotInPlan(error)
        } else if is_of_symbol && message.contains("symbol") {
            Self::Unknown(error)
        } else {
            Self::Refused(error)
        }
    }

    /// Whether asking again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::NotInPlan(_))
    }
}
