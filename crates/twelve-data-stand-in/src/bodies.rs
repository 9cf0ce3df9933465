//! The bodies of `/price` and `/quote`: flat for one symbol, a map by the requested text for several.

use serde_json::{Map, Value, json};

use crate::faults::{BadPrice, Fault};
use crate::ledger::{Channel, Served};
use crate::market::{Observation, Unavailable};
use crate::quote::{REQUIRED, last_quote_at, quote};
use crate::request::VendorRequest;
use crate::server::Stage;
use crate::vendor_error::VendorError;

/// A body, and what its reply must say beside it.
pub(crate) struct Answer {
    pub(crate) body: Value,
    /// The code if the whole of it is an error.
    pub(crate) code: Option<u16>,
    pub(crate) is_batch: bool,
}

impl Answer {
    pub(crate) fn object(body: Value) -> Self {
        Self {
            body,
            code: None,
            is_batch: false,
        }
    }

    pub(crate) fn error(error: &VendorError) -> Self {
        Self {
            body: json!(error),
            code: Some(error.code),
            is_batch: false,
        }
    }
}

/// Prices or quotes of all symbols asked for, and the ledger's entries for them.
pub(crate) fn prices_and_quotes(
    stage: &Stage,
    request: &VendorRequest,
    channel: Channel,
    places: u32,
    number: u64,
    fault: Option<&Fault>,
) -> (Answer, Vec<Served>) {
    let entries = Entries {
        stage,
        channel,
        places,
        number,
        fault,
    };
    if let [symbol] = request.symbols.as_slice() {
        return match entries.entry(symbol) {
            Ok((fields, served)) => (Answer::object(fields.into()), served.into_iter().collect()),
            Err(unavailable) => {
                let error = match unavailable {
                    Unavailable::Unknown => VendorError::symbol_unknown(),
                    Unavailable::NotInPlan => VendorError::plan(),
                    Unavailable::Ended => VendorError::data_not_found().with_meta(&request.requested),
                };
                (Answer::error(&error), Vec::new())
            }
        };
    }
    let mut served = Vec::new();
    let mut body = Map::new();
    for symbol in &request.symbols {
        let value = match entries.entry(symbol) {
            Ok((fields, price)) => {
                served.extend(price);
                fields.into()
            }
            Err(unavailable) => {
                let error = match unavailable {
                    Unavailable::Unknown => VendorError::symbol_unknown_in_batch(symbol),
                    Unavailable::NotInPlan => VendorError::plan_in_batch(symbol),
                    Unavailable::Ended => VendorError::data_not_found(),
                };
                json!(error.with_meta(&request.requested))
            }
        };
        body.insert(symbol.clone(), value);
    }
    let answer = Answer {
        body: body.into(),
        code: None,
        is_batch: true,
    };
    (answer, served)
}

/// What all entries of a reply have in common.
struct Entries<'a> {
    stage: &'a Stage,
    channel: Channel,
    places: u32,
    number: u64,
    fault: Option<&'a Fault>,
}

type Entry = (Map<String, Value>, Option<Served>);

impl Entries<'_> {
    fn entry(&self, symbol: &str) -> Result<Entry, Unavailable> {
        let now = self.stage.clock.now();
        match self.fault {
            Some(Fault::SymbolUnknown { symbol: hit }) if hit == symbol => Err(Unavailable::Unknown),
            Some(Fault::BadPrice { symbol: hit, price }) if hit == symbol => {
                let observation = self.stage.market.peek(symbol, now)?;
                let mut fields = self.fields(&observation);
                spoil(&mut fields, self.price_name(), *price);
                Ok((fields, None))
            }
            _ => {
                let observation = self.stage.market.next(symbol, now)?;
                let fields = self.fields(&observation);
                let served = self.served(symbol, &observation, &fields);
                Ok((fields, Some(served)))
            }
        }
    }

    fn price_name(&self) -> &'static str {
        match self.channel {
            Channel::RestQuote => "close",
            Channel::RestPrice | Channel::Websocket => "price",
        }
    }

    fn fields(&self, observation: &Observation) -> Map<String, Value> {
        if self.channel != Channel::RestQuote {
            let price = observation.price.padded(self.places);
            return Map::from_iter([("price".to_owned(), price.into())]);
        }
        let mut fields = quote(observation, self.places);
        if self.fault == Some(&Fault::NullFields) {
            for (name, value) in &mut fields {
                if !REQUIRED.contains(&name.as_str()) {
                    *value = Value::Null;
                }
            }
        }
        fields
    }

    /// What stands in the fields, read from them, so that the ledger cannot differ from the reply.
    fn served(&self, symbol: &str, observation: &Observation, fields: &Map<String, Value>) -> Served {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        Served {
            request: self.number,
            time: self.stage.clock.now(),
            channel: self.channel,
            symbol: symbol.to_owned(),
            price: text(self.price_name()).unwrap_or_default(),
            bid: text("bid"),
            ask: text("ask"),
            event_time: fields
                .get("last_quote_at")
                .is_some_and(Value::is_i64)
                .then(|| last_quote_at(observation)),
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
