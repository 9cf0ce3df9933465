//! The bodies of `/price` and `/quote`, and the ledger's entries for them.

use std::cell::RefCell;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::quote::{REQUIRED, last_quote_at, quote};
use super::request::VendorRequest;
use crate::faults::{BadPrice, Fault};
use crate::ledger::{Channel, Served};
use crate::market::{Observation, Unavailable, mic_of};
use crate::stage::Stage;

/// Prices or quotes of all symbols asked for.
pub(crate) struct Prices<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) request: &'a VendorRequest,
    pub(crate) channel: Channel,
    pub(crate) places: u32,
    /// Of the request.
    pub(crate) number: u64,
    pub(crate) fault: Option<&'a Fault>,
}

impl Prices<'_> {
    pub(crate) fn answer(&self) -> (Answer, Vec<Served>) {
        let served = RefCell::new(Vec::new());
        let answer = Answer::by_symbol(self.request, self.fault, |symbol| {
            let (fields, price) = self.entry(symbol)?;
            served.borrow_mut().extend(price);
            Ok(fields)
        });
        (answer, served.into_inner())
    }

    fn entry(&self, symbol: &str) -> Result<(Map<String, Value>, Option<Served>), Unavailable> {
        let now = self.stage.clock.now();
        let listing = self.request.listing(symbol);
        if let Some(Fault::BadPrice { symbol: hit, price }) = self.fault
            && hit == symbol
        {
            let observation = self.stage.market.peek(&listing, now)?;
            let mut fields = self.fields(symbol, &observation);
            spoil(&mut fields, self.price_name(&observation), *price);
            return Ok((fields, None));
        }
        let extended = self.request.is_asked("prepost");
        let observation = self.stage.market.next(&listing, now, extended)?;
        let fields = self.fields(symbol, &observation);
        let served = self.served(symbol, &observation, &fields);
        Ok((fields, Some(served)))
    }

    /// The field that holds the price of now.
    fn price_name(&self, observation: &Observation) -> &'static str {
        match self.channel {
            Channel::RestQuote if observation.extended_price.is_some() => "extended_price",
            Channel::RestQuote => "close",
            Channel::RestPrice | Channel::Websocket => "price",
        }
    }

    fn fields(&self, symbol: &str, observation: &Observation) -> Map<String, Value> {
        if self.channel != Channel::RestQuote {
            let price = observation.extended_price.as_ref().unwrap_or(&observation.price);
            return Map::from_iter([("price".to_owned(), price.padded(self.places).into())]);
        }
        let mut fields = quote(observation, self.places);
        match self.fault {
            Some(Fault::NullFields) => {
                for (name, value) in &mut fields {
                    if !REQUIRED.contains(&name.as_str()) {
                        *value = Value::Null;
                    }
                }
            }
            Some(Fault::NoOptionalFields) => fields.retain(|name, _| REQUIRED.contains(&name.as_str())),
            Some(Fault::OtherListing {
                symbol: hit,
                answered,
                exchange,
                currency,
            }) if hit == symbol => {
                let mic_code = exchange.as_deref().and_then(mic_of);
                for (name, other) in [
                    ("symbol", answered.as_deref()),
                    ("exchange", exchange.as_deref()),
                    ("mic_code", mic_code),
                    ("currency", currency.as_deref()),
                ] {
                    if let Some(other) = other {
                        fields.insert(name.to_owned(), json!(other));
                    }
                }
            }
            Some(Fault::QuoteTimeSkewed { symbol: hit, seconds }) if hit == symbol => {
                let time = last_quote_at(observation).saturating_add(*seconds);
                fields.insert("last_quote_at".to_owned(), json!(time));
            }
            _ => {}
        }
        fields
    }

    /// What stands in the fields, read from them, so that the ledger cannot differ from the reply.
    fn served(&self, symbol: &str, observation: &Observation, fields: &Map<String, Value>) -> Served {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let time_name = match observation.extended_price {
            Some(_) => "extended_timestamp",
            None => "last_quote_at",
        };
        Served {
            request: self.number,
            time: self.stage.clock.now(),
            channel: self.channel,
            symbol: symbol.to_owned(),
            price: text(self.price_name(observation)).unwrap_or_default(),
            bid: text("bid"),
            ask: text("ask"),
            event_time: fields.get(time_name).and_then(Value::as_i64),
        }
    }
}

fn spoil(fields: &mut Map<String, Value>, name: &str, price: BadPrice) {
    let value = match price {
        BadPrice::Null => Value::Null,
        BadPrice::NotANumber => json!("NaN"),
        BadPrice::Empty => json!(""),
        BadPrice::Missing => {
            fields.remove(name);
            return;
        }
    };
    fields.insert(name.to_owned(), value);
}
