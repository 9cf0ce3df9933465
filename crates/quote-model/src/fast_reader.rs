//! Reads nearly all ticks several times as fast as a JSON parser: fields in any order, with spaces, unknown ones that
//! are no array and no object, but no escapes and only plain numbers. Whatever differs in any way is left to
//! [`strict`](crate::strict) and serde, so this decides nothing but speed.

use std::str;

use jiff::Timestamp;
use uuid::Uuid;

use crate::decimal::PlainDecimal;
use crate::tick::{FIELDS, MAX_SEQ, NOT_A_TICK, session};
use crate::{Channel, Decimal, Symbol, Text, Tick, Version, strict, time};

/// Unknown fields of one tick.
const UNKNOWN_MAX: usize = 8;

/// The tick and whether it has no unknown fields, or nothing if the JSON is not of that form. It may be a valid tick
/// all the same.
#[inline]
pub(crate) fn decode(json: &[u8]) -> Option<(Tick<'_>, bool)> {
    let mut fields = Fields::default();
    fields.read(without_escapes(json)?)?;
    Some((fields.tick()?, fields.unknown_count == 0))
}

/// The text, if a quotation mark in it can only be a string's end and a space is all white space that there is.
fn without_escapes(json: &[u8]) -> Option<&str> {
    // all bytes are looked at, as that takes less time than to stop early
    let escapes = json.iter().fold(0, |found, byte| {
        found | u8::from(*byte < b' ') | u8::from(*byte == b'\\')
    });
    if escapes == 0 {
        str::from_utf8(json).ok()
    } else {
        None
    }
}

/// A field of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    V,
    Symbol,
    Price,
    TsRecv,
    TsEvent,
    Channel,
    Producer,
    Session,
    Seq,
    Exchange,
    MicCode,
    InstrumentType,
    Currency,
    CurrencyBase,
    CurrencyQuote,
    Bid,
    Ask,
    DayVolume,
}

impl Field {
    /// Of bytes, as the compiler makes a tree of lengths and bytes of that, and of strings a list.
    fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"v" => Self::V,
            b"symbol" => Self::Symbol,
            b"price" => Self::Price,
            b"ts_recv" => Self::TsRecv,
            b"ts_event" => Self::TsEvent,
            b"channel" => Self::Channel,
            b"producer" => Self::Producer,
            b"session" => Self::Session,
            b"seq" => Self::Seq,
            b"exchange" => Self::Exchange,
            b"mic_code" => Self::MicCode,
            b"type" => Self::InstrumentType,
            b"currency" => Self::Currency,
            b"currency_base" => Self::CurrencyBase,
            b"currency_quote" => Self::CurrencyQuote,
            b"bid" => Self::Bid,
            b"ask" => Self::Ask,
            b"day_volume" => Self::DayVolume,
            _ => return None,
        })
    }

    fn may_be_null(self) -> bool {
        !matches!(
            self,
            Self::V
                | Self::Symbol
                | Self::Price
                | Self::TsRecv
                | Self::Channel
                | Self::Producer
                | Self::Session
                | Self::Seq
        )
    }
}

/// What was read so far, borrowed, so that it costs nothing to drop.
#[derive(Default)]
struct Fields<'a> {
    /// A bit for each [`Field`].
    seen: u32,
    unknown: [&'a str; UNKNOWN_MAX],
    unknown_count: usize,
    symbol: Option<&'a str>,
    price: Option<PlainDecimal<'a>>,
    ts_recv: Option<Timestamp>,
    ts_event: Option<Timestamp>,
    channel: Option<Channel>,
    producer: Option<&'a str>,
    session: Option<Uuid>,
    seq: Option<u64>,
    exchange: Option<&'a str>,
    mic_code: Option<&'a str>,
    instrument_type: Option<&'a str>,
    currency: Option<&'a str>,
    currency_base: Option<&'a str>,
    currency_quote: Option<&'a str>,
    bid: Option<PlainDecimal<'a>>,
    ask: Option<PlainDecimal<'a>>,
    day_volume: Option<PlainDecimal<'a>>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, text: &'a str) -> Option<()> {
        let mut reader = Reader { text, at: 0 };
        reader.skip_to(b'{')?;
        loop {
            reader.skip_spaces();
            let name = reader.string()?;
            reader.skip_to(b':')?;
            reader.skip_spaces();
            self.take(name, &mut reader)?;
            if reader.skip_to(b',').is_none() {
                reader.skip(b'}')?;
                break;
            }
        }
        reader.skip_spaces();
        reader.peek().is_none().then_some(())
    }

    fn take(&mut self, name: &'a str, reader: &mut Reader<'a>) -> Option<()> {
        let Some(field) = Field::named(name.as_bytes()) else {
            return self.take_unknown(name, reader);
        };
        let bit = 1 << field as u32;
        if self.seen & bit != 0 {
            return None;
        }
        self.seen |= bit;
        if field.may_be_null() && reader.skip_word("null").is_some() {
            return Some(());
        }
        match field {
            Field::V => return (reader.number()?.text == "1").then_some(()),
            Field::Symbol => self.symbol = Some(reader.string()?),
            Field::Price => self.price = Some(reader.decimal()?),
            Field::TsRecv => self.ts_recv = Some(reader.time()?),
            Field::TsEvent => self.ts_event = Some(reader.time()?),
            Field::Channel => {
                self.channel = Some(match reader.string()? {
                    "websocket" => Channel::Websocket,
                    "rest_price" => Channel::RestPrice,
                    "rest_quote" => Channel::RestQuote,
                    _ => return None,
                });
            }
            Field::Producer => self.producer = Some(reader.string()?),
            Field::Session => self.session = Some(session(reader.string()?).ok()?),
            Field::Seq => self.seq = Some(reader.number()?.text.parse().ok().filter(|seq| *seq <= MAX_SEQ)?),
            Field::Exchange => self.exchange = Some(reader.string()?),
            Field::MicCode => self.mic_code = Some(reader.string()?),
            Field::InstrumentType => self.instrument_type = Some(reader.string()?),
            Field::Currency => self.currency = Some(reader.string()?),
            Field::CurrencyBase => self.currency_base = Some(reader.string()?),
            Field::CurrencyQuote => self.currency_quote = Some(reader.string()?),
            Field::Bid => self.bid = Some(reader.decimal()?),
            Field::Ask => self.ask = Some(reader.decimal()?),
            Field::DayVolume => self.day_volume = Some(reader.decimal()?),
        }
        Some(())
    }

    fn take_unknown(&mut self, name: &'a str, reader: &mut Reader<'a>) -> Option<()> {
        let before = self.unknown.get(..self.unknown_count)?;
        let is_name = |other: &&str| other.eq_ignore_ascii_case(name);
        if !name.is_ascii()
            || NOT_A_TICK.eq_ignore_ascii_case(name)
            || FIELDS.iter().any(is_name)
            || before.iter().any(is_name)
        {
            return None;
        }
        *self.unknown.get_mut(self.unknown_count)? = name;
        self.unknown_count += 1;
        match reader.peek()? {
            b'"' => reader.string().map(drop),
            b't' => reader.skip_word("true"),
            b'f' => reader.skip_word("false"),
            b'n' => reader.skip_word("null"),
            _ => reader
                .number()
                .filter(|number| number.text.len() <= strict::WHOLE_DIGITS_MAX)
                .map(drop),
        }
    }

    #[inline]
    fn tick(&self) -> Option<Tick<'a>> {
        if self.seen & (1 << Field::V as u32) == 0 {
            return None;
        }
        Some(Tick {
            v: Version,
            symbol: Symbol::parse(self.symbol?).ok()?,
            price: self.price?.into(),
            ts_recv: self.ts_recv?,
            ts_event: self.ts_event,
            channel: self.channel?,
            producer: self.producer?.into(),
            session: self.session?,
            seq: self.seq?,
            exchange: self.exchange.map(Text::from),
            mic_code: self.mic_code.map(Text::from),
            instrument_type: self.instrument_type.map(Text::from),
            currency: self.currency.map(Text::from),
            currency_base: self.currency_base.map(Text::from),
            currency_quote: self.currency_quote.map(Text::from),
            bid: self.bid.map(Decimal::from),
            ask: self.ask.map(Decimal::from),
            day_volume: self.day_volume.map(Decimal::from),
        })
    }
}

/// A number in plain digits.
struct Number<'a> {
    text: &'a str,
    whole_digits: usize,
    fraction_digits: usize,
}

/// The text and how far it is read. Each step gives nothing if it does not find what it is for.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// With the spaces before it, which are rare.
    fn skip_to(&mut self, byte: u8) -> Option<()> {
        self.skip(byte).or_else(|| {
            self.skip_spaces();
            self.skip(byte)
        })
    }

    fn skip_word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.skip(b'"')?;
        let start = self.at;
        let end = start + quotation_mark(self.text.as_bytes().get(start..)?)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    fn time(&mut self) -> Option<Timestamp> {
        time::read(self.string()?.as_bytes()).ok()
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    /// Digits, perhaps with a sign and a point. Any other number is left to serde.
    #[inline]
    fn number(&mut self) -> Option<Number<'a>> {
        let start = self.at;
        let _has_sign = self.skip(b'-');
        let first = self.peek()?;
        let whole_digits = self.digits();
        let fraction_digits = match self.skip(b'.') {
            Some(()) => Some(self.digits()).filter(|digits| *digits > 0)?,
            None => 0,
        };
        let is_at_end = matches!(self.peek()?, b',' | b'}' | b' ');
        if whole_digits == 0 || (whole_digits > 1 && first == b'0') || !is_at_end {
            return None;
        }
        Some(Number {
            text: self.text.get(start..self.at)?,
            whole_digits,
            fraction_digits,
        })
    }

    fn decimal(&mut self) -> Option<PlainDecimal<'a>> {
        let number = self.number()?;
        PlainDecimal::new(number.text, number.whole_digits, number.fraction_digits)
    }
}

/// Where the first one is, eight bytes at a time: names and facts are so short that the call of a search with wider
/// registers takes longer than the search.
fn quotation_mark(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, tail) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        // a byte that is zero now was a quotation mark; the lowest one that this marks is right
        let zero_if_found = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'"'));
        let found = zero_if_found.wrapping_sub(ONES) & !zero_if_found & (ONES << 7);
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let in_tail = tail.iter().position(|byte| *byte == b'"')?;
    Some(words.len() * 8 + in_tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    const TICK: &str = include_str!("../tests/golden/v1-rest-quote.json");
    const GOLDEN: [&str; 3] = [
        include_str!("../tests/golden/v1-rest-price.json"),
        TICK,
        include_str!("../tests/golden/v1-websocket.json"),
    ];

    fn members(json: &str) -> Vec<String> {
        let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
        let inner = &json[1..json.len() - 1];
        // the golden files hold no comma and no brace inside a value
        let members: Vec<String> = inner
            .split(",\"")
            .map(|it| format!("\"{}", it.trim_start_matches('"')))
            .collect();
        assert_eq!(members.len(), map.len());
        members
    }

    #[test]
    fn what_encode_writes_needs_no_parser_in_any_order() {
        for golden in GOLDEN {
            let tick = crate::tick::decode_slowly(golden.as_bytes()).unwrap();
            assert_eq!(decode(golden.as_bytes()), Some(tick.clone()));
            let mut members = members(golden);
            members.reverse();
            for json in [
                format!("{{{}}}", members.join(",")),
                format!(" {{ {} }} ", members.join(" , ").replace("\":", "\" : ")),
            ] {
                assert_eq!(decode(json.as_bytes()), Some(tick.clone()), "{json}");
            }
        }
    }

    #[test]
    fn other_forms_are_left_to_the_parser() {
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("\"v\":1", "\"x\":1"),
            ("\"seq\":", "\"seq\":-"),
            ("\"seq\":", "\"seq\":0"),
            ("\"price\":", "\"price\":0"),
            ("\"price\":", "\"price\":-."),
            ("\"price\":", "\"price\":1e5,\"x\":"),
            ("\"price\":", "\"price\":null,\"x\":"),
            ("\"symbol\":\"", "\"symbol\":\"\\u0041"),
            ("\"session\":\"", "\"session\":\"x"),
            ("}", "}}"),
            ("}", ",\"more\":[1]}"),
            ("}", ",\"v\":1}"),
            ("}", ",\"Bid\":1}"),
            ("}", ",\"é\":1}"),
            ("}", ",\"x\":1,\"X\":1}"),
            ("}", ",\"not_a_tick\":1}"),
            ("}", ","),
            ("{", "{,"),
        ] {
            let other = TICK.replacen(from, to, 1);
            assert_ne!(other, TICK);
            assert_eq!(decode(other.as_bytes()), None, "{to}");
        }
    }

    #[test]
    fn a_decimal_is_taken_up_to_its_last_digit_and_no_further() {
        for (price, is_taken) in [
            ("-99999999999999999999.999999999999999999", true),
            ("100000000000000000000", false),
            ("0.0000000000000000001", false),
        ] {
            let json = TICK.replacen("332.695", price, 1);
            assert_eq!(decode(json.as_bytes()).is_some(), is_taken, "{price}");
            assert_eq!(Tick::decode(json.as_bytes()).is_ok(), is_taken, "{price}");
        }
    }

    #[test]
    fn every_field_has_its_name() {
        for (place, name) in FIELDS.iter().enumerate() {
            assert_eq!(
                Field::named(name.as_bytes()).map(|field| field as usize),
                Some(place)
            );
        }
    }

    #[test]
    fn a_quotation_mark_is_found_at_any_place() {
        for before in 0..30 {
            for after in ["", "!", "\"#\"", "é#######\""] {
                // a byte above and below the mark, and one with the high bit, may look like one
                for filler in ["!", "#", "\u{a2}"] {
                    let text = format!("{}\"{after}", filler.repeat(before));
                    assert_eq!(quotation_mark(text.as_bytes()), text.find('"'), "{text}");
                    let without = text.replace('"', "x");
                    assert_eq!(quotation_mark(without.as_bytes()), None, "{without}");
                }
            }
        }
    }

    prop_compose! {
        fn spaces()(count in prop_oneof![4 => Just(0_usize), 1 => 0..3_usize]) -> String { " ".repeat(count) }
    }

    fn more() -> impl Strategy<Value = Vec<String>> {
        let value = select(vec![
            "1",
            "-0",
            "1.50",
            "1e400",
            "1e5",
            "true",
            "false",
            "null",
            "nul",
            "\"\"",
            "\"é\"",
            "\"\\ud800\"",
            "[]",
            "[[1]]",
            "{\"a\":1,\"a\":2}",
            "99999999999999999999999999999999999999",
            "999999999999999999999999999999999999999",
            "01",
            "",
        ]);
        let name = select(vec![
            "x",
            "X",
            "y",
            "Bid",
            "bid",
            "ask",
            "ts_event",
            "v",
            "seq",
            "not_a_tick",
            "",
            "é",
            "É",
            "\\u0062id",
        ]);
        prop::collection::vec(
            (name, value).prop_map(|(name, value)| format!("\"{name}\":{value}")),
            0..3,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn the_fast_reader_and_the_parser_read_the_same(
            golden in select(GOLDEN.to_vec()),
            order in any::<[u16; 24]>(),
            more in more(),
            gaps in [spaces(), spaces(), spaces(), spaces()],
            at in any::<Index>(),
            byte in prop_oneof![any::<u8>(), select(b"0123456789-.eE+\"\\,:{}[] nulTZ".to_vec())],
            change in 0..6,
        ) {
            let mut members = members(golden);
            members.extend(more);
            let mut by_order: Vec<_> = order.into_iter().cycle().zip(members).collect();
            by_order.sort();
            let members: Vec<_> = by_order.into_iter().map(|(_, member)| member).collect();
            let [a, b, c, d] = gaps;
            let json = format!("{a}{{{b}{}{c}}}{d}", members.join(&format!("{c},{b}")));
            let mut json = json.into_bytes();
            let at = at.index(json.len());
            match change {
                0 => json[at] = byte,
                1 => json.insert(at, byte),
                2 => drop(json.remove(at)),
                _ => {}
            }
            let slow = crate::tick::decode_slowly(&json).ok();
            if let Some(fast) = decode(&json) {
                prop_assert_eq!(Some(fast), slow.clone(), "{}", String::from_utf8_lossy(&json));
            }
            prop_assert_eq!(Tick::decode_whole(&json).ok(), slow.clone());
            prop_assert_eq!(Tick::decode(&json).ok(), slow.map(|(tick, _)| tick));
        }
    }
}
