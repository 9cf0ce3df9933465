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
