//! What the vendor answers, before it is a reply: flat for one symbol, a map by the requested text for several.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::request::VendorRequest;
use crate::faults::Fault;
use crate::market::Unavailable;
use crate::vendor_error::VendorError;

/// A body, and what its reply must say beside it.
pub(crate) struct Answer {
    pub(crate) body: Body,
    /// The code if the whole of it is an error.
    pub(crate) code: Option<u16>,
}

pub(crate) enum Body {
    Json(Value),
    /// A batch. A name may stand in it twice.
    Entries(Vec<(String, Value)>),
    Csv(String),
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(value) => value.serialize(serializer),
            Self::Entries(entries) => {
                serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
            }
            Self::Csv(text) => text.serialize(serializer),
        }
    }
}

impl Answer {
    pub(crate) fn json(body: impl Into<Value>) -> Self {
        Self {
            body: Body::Json(body.into()),
            code: None,
        }
    }

    pub(crate) fn csv(text: String) -> Self {
        Self {
            body: Body::Csv(text),
            code: None,
        }
    }

    pub(crate) fn error(error: &VendorError) -> Self {
        Self {
            body: Body::Json(json!(error)),
            code: Some(error.code),
        }
    }

    /// One entry a symbol, each as `entry` gives it but for what `fault` does to one of them.
    pub(crate) fn by_symbol(
        request: &VendorRequest,
        fault: Option<&Fault>,
        mut entry: impl FnMut(&str) -> Result<Map<String, Value>, VendorRefusal>,
    ) -> Self {
        let mut entry = |symbol: &str| match fault {
            Some(Fault::SymbolUnknown { symbol: hit }) if hit == symbol => {
                Err(VendorRefusal::Unavailable(Unavailable::Unknown))
            }
            Some(Fault::EntryRefused {
                symbol: hit,
                code,
                message,
            }) if hit == symbol => Err(VendorRefusal::Said(VendorError::new(u16::from(*code), message))),
            _ => entry(symbol),
        };
        if let [symbol] = request.symbols.as_slice() {
            return match entry(symbol) {
                Ok(fields) => Self::json(fields),
                Err(refusal) => Self::error(&refusal.alone(&request.requested)),
            };
        }
        let mut entries = Vec::new();
        for symbol in &request.symbols {
            let mut put = |name: &str, result: Result<Map<String, Value>, VendorRefusal>| {
                let value = match result {
                    Ok(fields) => fields.into(),
                    Err(refusal) => json!(refusal.in_batch(symbol).with_meta(&request.requested)),
                };
                entries.push((name.to_owned(), value));
            };
            match fault {
                Some(Fault::EntryMissing { symbol: hit }) if hit == symbol => {}
                Some(Fault::EntryRenamed { symbol: hit, name }) if hit == symbol => put(name, entry(symbol)),
                Some(Fault::EntryTwice { symbol: hit }) if hit == symbol => {
                    put(symbol, entry(symbol));
                    put(symbol, entry(symbol));
                }
                _ => put(symbol, entry(symbol)),
            }
        }
        Self {
            body: Body::Entries(entries),
            code: None,
        }
    }
}

/// Why there is nothing for a symbol.
pub(crate) enum VendorRefusal {
    Unavailable(Unavailable),
    Said(VendorError),
}

impl From<Unavailable> for VendorRefusal {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

impl VendorRefusal {
    fn alone(self, requested: &str) -> VendorError {
        match self {
            Self::Unavailable(Unavailable::Unknown) => VendorError::symbol_unknown(),
            Self::Unavailable(Unavailable::NotInPlan) => VendorError::plan(),
            Self::Unavailable(Unavailable::Ended) => VendorError::data_not_found().with_meta(requested),
            Self::Said(error) => error,
        }
    }

    fn in_batch(self, symbol: &str) -> VendorError {
        match self {
            Self::Unavailable(Unavailable::Unknown) => VendorError::symbol_unknown_in_batch(symbol),
            Self::Unavailable(Unavailable::NotInPlan) => VendorError::plan_in_batch(symbol),
            Self::Unavailable(Unavailable::Ended) => VendorError::data_not_found(),
            Self::Said(error) => error,
        }
    }
}
