use std::collections::HashMap;

use quote_model::Symbol;
use tracing::{info, warn};

/// Which symbols bring no quote at present, and why. Each is reported when it begins, when its reason
/// changes and when it ends; between these it is only counted, as a poll comes every few seconds.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    present: HashMap<Symbol<'static>, Trouble>,
    odd_fields: HashMap<(Symbol<'static>, &'static str), u64>,
}

#[derive(Debug)]
struct Trouble {
    reason: String,
    times: u64,
}

impl Troubles {
    /// The symbol brought no quote.
    pub(crate) fn begin(&mut self, symbol: &Symbol<'static>, reason: String) {
        match self.present.get_mut(symbol) {
            Some(trouble) if trouble.reason == reason => trouble.times += 1,
            _ => {
                warn!(%symbol, "no quote: {reason}");
                self.present.insert(symbol.clone(), Trouble { reason, times: 1 });
            }
        }
    }

    /// The symbol brought a quote.
    pub(crate) fn end(&mut self, symbol: &Symbol<'static>) {
        if let Some(Trouble { times, .. }) = self.present.remove(symbol) {
            info!(%symbol, polls_without = times, "a quote again");
        }
    }

    /// The quote had fields that could not be read.
    pub(crate) fn note_odd_fields(&mut self, symbol: &Symbol<'static>, names: &[&'static str]) {
        for field in names {
            let times = self.odd_fields.entry((symbol.clone(), field)).or_default();
            *times += 1;
            if *times == 1 {
                warn!(%symbol, field, "the field cannot be read, the tick goes without it; counted from here on");
            }
        }
    }

    /// Symbols that bring no quote at present.
    pub(crate) fn count(&self) -> usize {
        self.present.len()
    }
}
