use quote_model::Channel;

/// The REST endpoint that is polled. Each costs one credit a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endpoint {
    /// The price alone.
    #[default]
    Price,
    /// The price with its time, exchange, currency and the day's volume.
    Quote,
}

impl Endpoint {
    /// Its path below the base URL.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Quote => "quote",
        }
    }

    /// What a tick from it says of its way.
    #[must_use]
    pub fn channel(self) -> Channel {
        match self {
            Self::Price => Channel::RestPrice,
            Self::Quote => Channel::RestQuote,
        }
    }
}

/// Kind of instrument, as far as it decides when prices move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetClass {
    /// Traded at an exchange, in its hours.
    Listed,
    /// A pair of currencies or a metal: from Sunday evening to Friday evening.
    Forex,
    /// A coin: always.
    Crypto,
}
