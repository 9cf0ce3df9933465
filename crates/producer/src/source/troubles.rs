use std::collections::HashMap;

use quote_model::Symbol;
use tracing::{info, warn};

/// Which symbols bring no quote at present, and why. Each is reported when it begins, when its reason
/// changes and when it ends; between these it is only counted, as a poll comes every few seconds.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    present: HashMap<Symbol<'static>, Trouble>,
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
}
