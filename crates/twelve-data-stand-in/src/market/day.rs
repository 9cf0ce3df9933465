use rust_decimal::Decimal;

/// What a quote says of the day so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Day {
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) close: Decimal,
    pub(crate) previous_close: Decimal,
    pub(crate) volume: u64,
}

impl Day {
    pub(crate) fn opened_at(price: Decimal) -> Self {
        Self {
            open: price,
            high: price,
            low: price,
            close: price,
            previous_close: price,
            volume: 0,
        }
    }

    pub(crate) fn trade(&mut self, price: Decimal, volume: u64) {
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.volume = self.volume.saturating_add(volume);
    }
}
