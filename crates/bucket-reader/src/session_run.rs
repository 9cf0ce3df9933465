use std::collections::HashMap;

use super::finding::Kind;
use super::moment::Times;
use super::seq_set::SeqSet;
use super::tick::Tick;

/// What a run and a symbol take in memory beside their texts, about.
const RUN_BYTES: usize = 500;
const SYMBOL_BYTES: usize = 100;

/// What one object holds of one session.
#[derive(Debug, Default)]
pub struct SessionRun {
    /// The ticks that are there.
    pub seqs: SeqSet,
    /// First and last `seq` of each symbol.
    pub symbols: HashMap<Box<str>, (u64, u64)>,
    /// Least `seq` of a tick that was received at or after [`Times::since`].
    pub since_seq: Option<u64>,
    /// Least `seq` of a tick that is recent.
    pub recent_from_seq: Option<u64>,
    symbols_bytes: usize,
}

impl SessionRun {
    /// Memory taken, about.
    pub(super) fn held_bytes(&self) -> usize {
        let begun = if self.symbols.is_empty() { 0 } else { RUN_BYTES };
        begun + self.symbols_bytes + self.seqs.held_bytes()
    }

    /// Adds the next tick, and tells what is wrong with it.
    pub(super) fn tick(&mut self, tick: &Tick<'_>, times: Times) -> Option<(Kind, String)> {
        let seq = tick.seq;
        let is_new = self.seqs.insert(seq);
        for (from, least) in [
            (times.since, &mut self.since_seq),
            (times.recent_from, &mut self.recent_from_seq),
        ] {
            if from.is_some_and(|from| tick.ts_recv >= from) {
                *least = Some(least.map_or(seq, |least| least.min(seq)));
            }
        }
        let symbol = &*tick.symbol;
        let before = if let Some((_, last)) = self.symbols.get_mut(symbol) {
            Some(std::mem::replace(last, seq.max(*last)))
        } else {
            self.symbols.insert(symbol.into(), (seq, seq));
            self.symbols_bytes += SYMBOL_BYTES + symbol.len();
            None
        };
        match before {
            _ if !is_new => Some((Kind::DoubledTick, "the object holds it twice".to_owned())),
            Some(before) if before > seq => {
                let what = format!("it stands behind seq {before} of the same symbol {symbol}");
                Some((Kind::Disorder, what))
            }
            _ => None,
        }
    }
}
