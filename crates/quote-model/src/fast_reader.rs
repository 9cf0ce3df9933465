//! Reads nearly all ticks several times as fast as a JSON parser: fields in any order, with spaces, unknown ones that
//! are no array and no object, but no escapes and only plain numbers. Whatever differs in any way is left to
//! [`strict`](crate::strict) and serde, so this decides nothing but speed.

use std::str;

use jiff::Timestamp;
use uuid::Uuid;

use crate::tick::{FIELDS, MAX_SEQ, NOT_A_TICK, session};
use crate::{Channel, Decimal, Symbol, Text, Tick, Version, strict, time};

/// Unknown fields of one tick.
const UNKNOWN_MAX: usize = 8;

/// The tick and whether it has no unknown fields, or nothing if the JSON is not of that form. It may be a valid tick
/// all the same.
pub(crate) fn decode(json: &[u8]) -> Option<(Tick<'_>, bool)> {
    let mut rest = Rest(without_escapes(json)?);
    let mut fields = Fields::default();
    rest.skip_spaces();
    rest.skip("{")?;
    loop {
        rest.skip_spaces();
        let name = rest.name(fields.next)?;
        rest.skip_spaces();
        fields.take(name, &mut rest)?;
        rest.skip_spaces();
        match rest.take_byte()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    rest.skip_spaces();
    if rest.0.is_empty() { fields.tick() } else { None }
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

/// What was read so far.
#[derive(Default)]
struct Fields<'a> {
    /// Place in [`FIELDS`] of the one that a writer of ours has next.
    next: usize,
    /// A bit for each place in [`FIELDS`].
    seen: u32,
    unknown: [&'a str; UNKNOWN_MAX],
    unknown_count: usize,
    symbol: Option<Symbol<'a>>,
    price: Option<Decimal<'a>>,
    ts_recv: Option<Timestamp>,
    ts_event: Option<Timestamp>,
    channel: Option<Channel>,
    producer: Option<Text<'a>>,
    session: Option<Uuid>,
    seq: Option<u64>,
    exchange: Option<Text<'a>>,
    mic_code: Option<Text<'a>>,
    instrument_type: Option<Text<'a>>,
    currency: Option<Text<'a>>,
    currency_base: Option<Text<'a>>,
    currency_quote: Option<Text<'a>>,
    bid: Option<Decimal<'a>>,
    ask: Option<Decimal<'a>>,
    day_volume: Option<Decimal<'a>>,
}

impl<'a> Fields<'a> {
    fn take(&mut self, name: Name<'a>, rest: &mut Rest<'a>) -> Option<()> {
        let place = match name {
            Name::Known(place) => place,
            Name::Unknown(name) => return self.take_unknown(name, rest),
        };
        self.next = place + 1;
        let bit = 1 << place;
        if self.seen & bit != 0 {
            return None;
        }
        self.seen |= bit;
        match *FIELDS.get(place)? {
            "v" => return (rest.number()? == "1").then_some(()),
            "symbol" => self.symbol = Some(Symbol::parse(rest.string()?).ok()?),
            "price" => self.price = Some(rest.decimal()?),
            "ts_recv" => self.ts_recv = Some(rest.time()?),
            "channel" => {
                self.channel = Some(match rest.string()? {
                    "websocket" => Channel::Websocket,
                    "rest_price" => Channel::RestPrice,
                    "rest_quote" => Channel::RestQuote,
                    _ => return None,
                });
            }
            "producer" => self.producer = Some(rest.string()?.into()),
            "session" => self.session = Some(session(rest.string()?).ok()?),
            "seq" => self.seq = Some(rest.number()?.parse().ok().filter(|seq| *seq <= MAX_SEQ)?),
            _ if rest.skip("null").is_some() => {}
            "ts_event" => self.ts_event = Some(rest.time()?),
            "exchange" => self.exchange = Some(rest.string()?.into()),
            "mic_code" => self.mic_code = Some(rest.string()?.into()),
            "type" => self.instrument_type = Some(rest.string()?.into()),
            "currency" => self.currency = Some(rest.string()?.into()),
            "currency_base" => self.currency_base = Some(rest.string()?.into()),
            "currency_quote" => self.currency_quote = Some(rest.string()?.into()),
            "bid" => self.bid = Some(rest.decimal()?),
            "ask" => self.ask = Some(rest.decimal()?),
            "day_volume" => self.day_volume = Some(rest.decimal()?),
            _ => return None,
        }
        Some(())
    }

    fn take_unknown(&mut self, name: &'a str, rest: &mut Rest<'a>) -> Option<()> {
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
        match rest.0.as_bytes().first()? {
            b'"' => rest.string().map(drop),
            b't' => rest.skip("true"),
            b'f' => rest.skip("false"),
            b'n' => rest.skip("null"),
            _ => rest
                .number()
                .filter(|number| number.len() <= strict::WHOLE_DIGITS_MAX)
                .map(drop),
        }
    }

    fn tick(self) -> Option<(Tick<'a>, bool)> {
        if self.seen & 1 == 0 {
            return None;
        }
        let tick = Tick {
            v: Version,
            symbol: self.symbol?,
            price: self.price?,
            ts_recv: self.ts_recv?,
            ts_event: self.ts_event,
            channel: self.channel?,
            producer: self.producer?,
            session: self.session?,
            seq: self.seq?,
            exchange: self.exchange,
            mic_code: self.mic_code,
            instrument_type: self.instrument_type,
            currency: self.currency,
            currency_base: self.currency_base,
            currency_quote: self.currency_quote,
            bid: self.bid,
            ask: self.ask,
            day_volume: self.day_volume,
        };
        Some((tick, self.unknown_count == 0))
    }
}

#[derive(Clone, Copy)]
enum Name<'a> {
    /// Its place in [`FIELDS`].
    Known(usize),
    Unknown(&'a str),
}

/// What is not read yet. Each step gives nothing if it does not find what it is for.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip_spaces(&mut self) {
        while let Some(rest) = self.0.strip_prefix(' ') {
            self.0 = rest;
        }
    }

    fn skip(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn take_byte(&mut self) -> Option<u8> {
        let byte = *self.0.as_bytes().first()?;
        self.0 = self.0.get(1..)?;
        Some(byte)
    }

    /// A field's name and its colon. `expected` is tried first, as most writers keep to their order.
    fn name(&mut self, expected: usize) -> Option<Name<'a>> {
        if let Some(name) = FIELDS.get(expected)
            && let Some(rest) = self.0.strip_prefix('"')
            && let Some(rest) = rest.strip_prefix(name)
            && let Some(rest) = rest.strip_prefix("\":")
        {
            self.0 = rest;
            return Some(Name::Known(expected));
        }
        let name = self.string()?;
        self.skip_spaces();
        self.skip(":")?;
        // from where a writer of ours would go on, so that an absent fact costs little
        let (before, after) = FIELDS.split_at_checked(expected)?;
        let place = after.iter().position(|known| *known == name);
        let place = match place {
            Some(place) => Some(place + expected),
            None => before.iter().position(|known| *known == name),
        };
        Some(place.map_or(Name::Unknown(name), Name::Known))
    }

    fn string(&mut self) -> Option<&'a str> {
        self.skip("\"")?;
        let end = memchr::memchr(b'"', self.0.as_bytes())?;
        let text = self.0.get(..end)?;
        self.0 = self.0.get(end + 1..)?;
        Some(text)
    }

    fn time(&mut self) -> Option<Timestamp> {
        time::parse(self.string()?).ok()
    }

    /// Digits, perhaps with a sign and a point. Any other number is left to serde.
    fn number(&mut self) -> Option<&'a str> {
        let is_of_it = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let len = self.0.bytes().take_while(is_of_it).count();
        let (text, rest) = self.0.split_at_checked(len)?;
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_plain =
            is_digits(whole) && is_digits(fraction) && (whole.len() == 1 || !whole.starts_with('0'));
        let is_whole = rest.starts_with([',', '}', ' ']);
        (is_plain && is_whole).then(|| {
            self.0 = rest;
            text
        })
    }

    fn decimal(&mut self) -> Option<Decimal<'a>> {
        Decimal::of_plain_number(self.number()?)
    }
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
