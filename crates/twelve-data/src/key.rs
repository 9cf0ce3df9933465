use quote_model::Symbol;

/// Which of `symbols` an entry's key stands for: the key is the requested string; should it differ in case,
/// or lack the exchange of `RY:TSX`, it counts if it can mean one symbol only.
pub(crate) fn position_of(key: &str, symbols: &[Symbol<'_>]) -> Option<usize> {
    let only = |is_meant: &dyn Fn(&str) -> bool| {
        let mut meant = (0..symbols.len()).filter(|at| is_meant(symbols[*at].as_str()));
        meant.next().filter(|_| meant.next().is_none())
    };
    only(&|symbol| symbol == key)
        .or_else(|| only(&|symbol| symbol.eq_ignore_ascii_case(key)))
        .or_else(|| {
            only(&|symbol| {
                symbol
                    .split_once(':')
                    .is_some_and(|(ticker, _)| ticker.eq_ignore_ascii_case(key))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_the_symbol_that_it_can_only_mean() {
        let symbols = ["BTC/USD", "RY:TSX", "RY:NYSE", "SBIN:NSE"].map(|text| Symbol::parse(text).unwrap());
        let position = |key| position_of(key, &symbols);
        assert_eq!(position("BTC/USD"), Some(0));
        assert_eq!(position("btc/usd"), Some(0));
        assert_eq!(position("RY:NYSE"), Some(2));
        assert_eq!(position("SBIN"), Some(3));
        assert_eq!(position("RY"), None);
        assert_eq!(position("AAPL"), None);
    }
}
