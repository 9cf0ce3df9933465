//! Numbers as the vendor writes them, which is not one way: `"332.525"`, `"700"` and `"331.34000"` come in
//! one reply.

use rust_decimal::{Decimal, RoundingStrategy};

/// A price, and who decides on its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Price {
    /// A walk's: written as the reply asks, a third of them each way where ways are mixed.
    Walked { value: Decimal, way: Way },
    /// A replayed one: digit for digit as in the file.
    Replayed(String),
}

/// One of the ways in which the vendor writes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `700`
    Trimmed,
    /// `331.34000`
    Padded,
    /// `332.525`
    AsIs,
}

/// Digits after the point of `/price` and `/quote` if the request names none.
pub(crate) const DEFAULT_PLACES: u32 = 5;

impl Price {
    /// As a number, where it is one that was made here.
    pub(crate) fn value(&self) -> Option<Decimal> {
        match self {
            Self::Walked { value, .. } => Some(*value),
            Self::Replayed(_) => None,
        }
    }

    /// With all of its decimal places, as in `/price`.
    pub(crate) fn padded(&self, places: u32) -> String {
        match self {
            Self::Walked { value, .. } => written(*value, Way::Padded, places),
            Self::Replayed(text) => text.clone(),
        }
    }

    /// One way or another, as in `/quote`.
    pub(crate) fn mixed(&self, places: u32) -> String {
        match self {
            Self::Walked { value, way } => written(*value, *way, places),
            Self::Replayed(text) => text.clone(),
        }
    }

    /// As it is, as in WebSocket events.
    pub(crate) fn number(&self) -> String {
        match self {
            Self::Walked { value, .. } => value.to_string(),
            Self::Replayed(text) => text.clone(),
        }
    }
}

/// Writes a number one way, with at most so many digits after the point.
pub(crate) fn written(value: Decimal, way: Way, places: u32) -> String {
    let mut rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    match way {
        Way::Trimmed => rounded = rounded.normalize(),
        Way::Padded => rounded.rescale(places),
        Way::AsIs => {}
    }
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(text: &str, way: Way) -> Price {
        Price::Walked {
            value: text.parse().unwrap(),
            way,
        }
    }

    #[test]
    fn a_number_is_written_in_each_of_the_vendors_ways() {
        assert_eq!(walked("700.00", Way::Trimmed).mixed(5), "700");
        assert_eq!(walked("331.34", Way::Padded).mixed(5), "331.34000");
        assert_eq!(walked("332.525", Way::AsIs).mixed(5), "332.525");
        assert_eq!(walked("332.525", Way::Trimmed).padded(5), "332.52500");
        assert_eq!(walked("332.525", Way::AsIs).padded(0), "333");
        assert_eq!(walked("29299.00", Way::Trimmed).number(), "29299.00");
    }

    #[test]
    fn a_replayed_price_keeps_its_digits() {
        let price = Price::Replayed("1.121200".to_owned());
        for text in [price.padded(2), price.mixed(2), price.number()] {
            assert_eq!(text, "1.121200");
        }
    }
}
