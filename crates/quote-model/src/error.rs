/// Why something is not a tick, or not a part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a decimal number as JSON writes one.
    #[error("`{text}` is not a decimal number, expected digits such as `231.40000`")]
    Decimal {
        /// What was found, cut to its first characters.
        text: String,
    },
    /// The number has more digits than readers keep.
    #[error("`{text}` does not fit DECIMAL(38,18): at most 20 digits before the point and 18 behind it")]
    DecimalRange {
        /// What was found, cut to its first characters.
        text: String,
    },
    /// The text is not a time that all readers read.
    #[error("`{text}` is not a time: {reason}")]
    Time {
        /// What was found, cut to its first characters.
        text: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A number outside what readers take, in a field that the schema does not know.
    #[error(
        "`{text}` is no number that all readers read, expected at most 38 digits, 64 characters, an exponent below 1000"
    )]
    Number {
        /// What was found, cut to its first characters.
        text: String,
    },
    /// The text cannot be a symbol.
    #[error("`{symbol}` is not a symbol: {reason}")]
    Symbol {
        /// What was found, cut to its first characters.
        symbol: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The bytes are not a tick.
    #[error("{0}")]
    Tick(#[from] serde_json::Error),
    /// The bytes hold a line break, so they would be two lines of an object.
    #[error("a line break stands at byte {at}, a tick is one line")]
    LineBreak {
        /// Index of the byte.
        at: usize,
    },
}

/// The start of what was refused, so that an error never grows with its input.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}
