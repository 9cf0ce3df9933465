use crate::Instrument;

/// Which of `instruments` an entry's key stands for: the key is the requested string; should it differ in case, or
/// lack the exchange of `RY:TSX`, it counts if it can mean one only. A key that comes twice can mean each
/// instrument of that ticker.
pub(crate) fn positions_of(key: &str, instruments: &[Instrument], is_repeated: bool) -> Vec<usize> {
    let all = |is_meant: &dyn Fn(&Instrument) -> bool| -> Vec<usize> {
        let meant = instruments
            .iter()
            .enumerate()
            .filter(|(_, instrument)| is_meant(instrument));
        meant.map(|(at, _)| at).collect()
    };
    let only = |is_meant: &dyn Fn(&Instrument) -> bool| Some(all(is_meant)).filter(|meant| meant.len() == 1);
    let is_ticker = |instrument: &Instrument| instrument.ticker().eq_ignore_ascii_case(key);
    if is_repeated {
        return all(&|instrument| {
            is_ticker(instrument) || instrument.symbol.as_str().eq_ignore_ascii_case(key)
        });
    }
    only(&|instrument| instrument.symbol.as_str() == key)
        .or_else(|| only(&|instrument| instrument.symbol.as_str().eq_ignore_ascii_case(key)))
        .or_else(|| only(&is_ticker))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_the_instrument_that_it_can_only_mean() {
        let instruments: Vec<Instrument> = ["BTC/USD", "RY:TSX", "RY:NYSE", "SBIN:NSE"]
            .into_iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let position = |key| positions_of(key, &instruments, false);
        assert_eq!(position("BTC/USD"), [0]);
        assert_eq!(position("btc/usd"), [0]);
        assert_eq!(position("RY:NYSE"), [2]);
        assert_eq!(position("SBIN"), [3]);
        assert!(position("RY").is_empty());
        assert!(position("AAPL").is_empty());
        assert_eq!(positions_of("RY", &instruments, true), [1, 2]);
    }
}
