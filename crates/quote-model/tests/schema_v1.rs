//! The wire form of version 1, held to golden files that are never edited.
#![expect(
    clippy::unwrap_used,
    reason = "the strategies are test code, though clippy does not see it"
)]

use jiff::Timestamp;
use proptest::option;
use proptest::prelude::*;
use quote_model::{Channel, Decimal, Symbol, Text, Tick, Version};
use uuid::Uuid;

const REST_PRICE: &str = include_str!("golden/v1-rest-price.json");
const REST_QUOTE: &str = include_str!("golden/v1-rest-quote.json");
const WEBSOCKET: &str = include_str!("golden/v1-websocket.json");

#[test]
fn golden_files_read_and_write_byte_for_byte() {
    for golden in [REST_PRICE, REST_QUOTE, WEBSOCKET] {
        let tick = Tick::decode(golden.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(tick.encode().unwrap()).unwrap(), golden);
    }
}

#[test]
fn a_golden_file_means_what_it_says() {
    let expected = Tick {
        v: Version,
        symbol: Symbol::parse("BTC/USD").unwrap(),
        price: Decimal::parse("29299.0").unwrap(),
        ts_recv: Timestamp::new(1_795_442_410, 1).unwrap(),
        ts_event: Some(Timestamp::from_second(1_653_116_988).unwrap()),
        channel: Channel::Websocket,
        producer: Text::from("ip-10-0-1-12"),
        session: Uuid::from_u128(0x0193_577e_2b4b_7cc0_9d3c_2f6b_9c1c_5a10),
        seq: i64::MAX.unsigned_abs(),
        exchange: Text::present("Coinbase Pro"),
        mic_code: None,
        instrument_type: Text::present("Digital Currency"),
        currency: Text::present(""),
        currency_base: Text::present("Bitcoin"),
        currency_quote: Text::present("US Dollar"),
        bid: Some(Decimal::parse("29298.95").unwrap()),
        ask: Some(Decimal::parse("29299.05").unwrap()),
        day_volume: Some(Decimal::parse("28306").unwrap()),
    };
    assert_eq!(Tick::decode(WEBSOCKET.as_bytes()).unwrap(), expected);
}

#[test]
fn unknown_fields_are_ignored_and_absent_ones_stay_absent() {
    let with_more = REST_PRICE.replacen('{', r#"{"from_the_future":{"a":[1,2]},"bid":null,"#, 1);
    let tick = Tick::decode(with_more.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(tick.encode().unwrap()).unwrap(), REST_PRICE);
}

#[test]
fn what_is_no_tick_of_version_1_is_refused() {
    let without = |field: &str, json: &str| {
        let mut map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
        map.remove(field).expect("the field is in the golden file");
        serde_json::to_string(&map).unwrap()
    };
    let mut refused: Vec<String> = [
        "v", "symbol", "price", "ts_recv", "channel", "producer", "session", "seq",
    ]
    .iter()
    .map(|field| without(field, REST_PRICE))
    .collect();
    refused.extend([
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        REST_PRICE.replace("\"v\":1", "\"v\":2"),
        REST_PRICE.replace("231.40000", "\"231.40000\""),
        REST_PRICE.replace("231.40000", "null"),
        REST_PRICE.replace("231.40000", "NaN"),
        REST_PRICE.replace("\"AAPL\"", "\"\""),
        REST_PRICE.replace("rest_price", "carrier_pigeon"),
        REST_PRICE.replace("\"seq\":0", "\"seq\":-1"),
        REST_PRICE.replace("2026-11-23T14", "yesterday"),
        REST_PRICE.replace("2026-11-23T14", "2026-11-23 14"),
        REST_PRICE.replace("231.40000", "1e400"),
        REST_PRICE.replace("231.40000", "0.0000000000000000001"),
        REST_PRICE.replace("\"seq\":0", "\"seq\":9223372036854775808"),
        REST_PRICE.replace("\"session\":\"", "\"session\":\"urn:uuid:"),
        REST_PRICE.replacen('{', "{\"Bid\":1,", 1),
        REST_PRICE.replacen('{', "{\"x\":1e400,", 1),
        REST_PRICE.replacen('{', "{\"x\":1,\"x\":1,", 1),
        REST_PRICE.replacen('{', "{\"x\":\"\\ud800\",", 1),
        format!("{REST_PRICE}{REST_PRICE}"),
        REST_PRICE.replacen(',', ",\n", 1),
        format!("{REST_PRICE}\n"),
        REST_PRICE[..REST_PRICE.len() - 1].to_owned(),
    ]);
    for json in refused {
        assert!(Tick::decode(json.as_bytes()).is_err(), "taken: {json}");
    }
    assert!(Tick::decode(b"\xff\xfe").is_err());
}

prop_compose! {
    fn decimals()(text in "-?(0|[1-9][0-9]{0,19})(\\.[0-9]{1,18})?|-?[1-9]\\.[0-9]{1,8}[eE](-10|-?0?[0-9]|[+]1[0-9])") -> Decimal<'static> {
        Decimal::parse(text).unwrap()
    }
}

prop_compose! {
    fn symbols()(text in "[^\\pC\\s,]([^\\pC,]{0,10}[^\\pC\\s,])?") -> Symbol<'static> {
        Symbol::parse(text).unwrap()
    }
}

fn timestamps() -> impl Strategy<Value = Timestamp> {
    (0..9_214_646_400_i64, 0..1_000_000_000_i32)
        .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap())
}

fn texts() -> impl Strategy<Value = Option<Text<'static>>> {
    option::of(".{1,20}".prop_map(Text::from))
}

prop_compose! {
    fn ticks()(
        (symbol, price, ts_recv, ts_event) in (symbols(), decimals(), timestamps(), option::of(timestamps())),
        channel in prop_oneof![Just(Channel::Websocket), Just(Channel::RestPrice), Just(Channel::RestQuote)],
        (producer, session, seq) in (".{0,20}", any::<u128>(), 0..=i64::MAX.unsigned_abs()),
        (exchange, mic_code, instrument_type) in (texts(), texts(), texts()),
        (currency, currency_base, currency_quote) in (texts(), texts(), texts()),
        (bid, ask, day_volume) in (option::of(decimals()), option::of(decimals()), option::of(decimals())),
    ) -> Tick<'static> {
        Tick {
            v: Version, symbol, price, ts_recv, ts_event, channel,
            producer: Text::from(producer), session: Uuid::from_u128(session), seq,
            exchange, mic_code, instrument_type, currency, currency_base, currency_quote,
            bid, ask, day_volume,
        }
    }
}

proptest! {
    #[test]
    fn decode_after_encode_is_the_identity(tick in ticks()) {
        let json = tick.encode().unwrap();
        prop_assert!(!json.contains(&b'\n'));
        prop_assert_eq!(Tick::decode(&json).unwrap(), tick);
    }

    #[test]
    fn no_price_ever_changes_its_digits(price in decimals(), tick in ticks()) {
        let digits = price.to_string();
        let json = Tick { price, ..tick }.encode().unwrap();
        let needle = format!("\"price\":{digits},\"ts_recv\"");
        let written = String::from_utf8(json).unwrap();
        prop_assert!(written.contains(&needle), "{} not in {}", needle, written);
        let read = Tick::decode(written.as_bytes()).unwrap();
        prop_assert_eq!(read.price.as_str(), digits);
    }
}

#[test]
fn fields_of_a_later_writer_are_noticed() {
    for golden in [REST_PRICE, REST_QUOTE, WEBSOCKET] {
        let (tick, is_whole) = Tick::decode_whole(golden.as_bytes()).unwrap();
        assert!(is_whole);
        let with_more = golden.replacen('{', r#"{"from_the_future":1,"#, 1);
        assert_eq!(Tick::decode_whole(with_more.as_bytes()).unwrap(), (tick, false));
    }
}
