//! Acceptance: a quote gets its `seq` and is a tick from there on.

use jiff::Timestamp;
use quote_model::{Channel, Symbol, Text, Tick, Version};
use twelve_data::Quote;
use uuid::Uuid;

/// One run of this process. It accepts quotes: from the moment that a quote has a `seq` it is a tick, and
/// either Kafka gets it or the process ends with an error that counts it.
#[derive(Debug)]
pub(crate) struct Session {
    producer: Text<'static>,
    id: Uuid,
    next_seq: u64,
}

impl Session {
    pub(crate) fn begin(producer: Text<'static>, id: Uuid) -> Self {
        Self {
            producer,
            id,
            next_seq: 0,
        }
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Makes a tick of the quote: +1 from 0, over all symbols, with no hole.
    pub(crate) fn accept<'a>(
        &'a mut self,
        symbol: Symbol<'a>,
        quote: Quote,
        channel: Channel,
        ts_recv: Timestamp,
    ) -> Tick<'a> {
        let seq = self.next_seq;
        self.next_seq += 1;
        Tick {
            v: Version,
            symbol,
            price: quote.price,
            ts_recv,
            ts_event: quote.ts_event,
            channel,
            producer: Text::from(self.producer.as_str()),
            session: self.id,
            seq,
            exchange: quote.exchange,
            mic_code: quote.mic_code,
            // the vendor's `type` stands in WebSocket events only
            instrument_type: None,
            currency: quote.currency,
            currency_base: quote.currency_base,
            currency_quote: quote.currency_quote,
            bid: quote.bid,
            ask: quote.ask,
            day_volume: quote.day_volume,
        }
    }
}

#[cfg(test)]
mod tests {
    use quote_model::Decimal;

    use super::*;

    #[test]
    fn the_seq_counts_from_zero_without_a_hole_over_all_symbols() {
        let mut session = Session::begin(Text::from("host-1"), Uuid::nil());
        let ts_recv = Timestamp::from_second(1_789_574_220).unwrap();
        for (seq, symbol) in (0..).zip(["AAPL", "BTC/USD", "AAPL"]) {
            let quote = Quote::of_price(Decimal::parse("231.40000").unwrap());
            let symbol = Symbol::parse(symbol).unwrap();
            let tick = session.accept(symbol, quote, Channel::RestPrice, ts_recv);
            assert_eq!(tick.seq, seq);
            assert_eq!(tick.ts_recv, ts_recv);
        }
    }
}
