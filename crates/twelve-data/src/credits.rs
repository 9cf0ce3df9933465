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
