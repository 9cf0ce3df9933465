/// The reply's headers `api-credits-used` and `api-credits-left`, of the current minute. Both may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreditHeaders {
    /// Credits used in this minute.
    pub used: Option<u32>,
    /// Credits that this minute has left.
    pub left: Option<u32>,
}

/// Which of the two allowances a 429 speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The minute's.
    Minute,
    /// The UTC day's.
    Day,
}

/// A 429: credits are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhaustion {
    /// Of which allowance.
    pub of: Exhausted,
    /// The limit that the vendor states, as in `with the current limit being 8`.
    pub limit: Option<u32>,
}

impl Exhaustion {
    /// Reads the vendor's words.
    pub(crate) fn of(message: &str) -> Self {
        // the text for the day may speak of minutes too
        let of = if message.contains("for the day") {
            Exhausted::Day
        } else {
            Exhausted::Minute
        };
        let limit = message.split_once("limit being ").map(|(_, rest)| rest);
        let digits = limit.map(|rest| {
            rest.split(|char: char| !char.is_ascii_digit())
                .next()
                .unwrap_or_default()
        });
        Self {
            of,
            limit: digits.and_then(|digits| digits.parse().ok()),
        }
    }
}
