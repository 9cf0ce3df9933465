//! The form that [`Tick::encode`] writes, read back several times as fast as by a JSON parser: field names in their
//! order, no white space, no escapes, plain numbers. Whatever differs in any way is left to serde, so this decides
//! nothing but speed.

use std::borrow::Cow;
use std::str;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Channel, Decimal, Symbol, Text, Tick, Version};

/// The tick, or nothing if the JSON is not of that form. It may be a valid tick all the same.
pub(crate) fn decode(json: &[u8]) -> Option<Tick<'_>> {
    let mut rest = Rest(without_escapes(json)?);
    rest.skip(r#"{"v":1,"symbol":""#)?;
    let symbol = Symbol::parse(rest.string()?).ok()?;
    rest.skip(r#","price":"#)?;
    let price = rest.decimal()?;
    rest.skip(r#","ts_recv":""#)?;
    let ts_recv = rest.string()?.parse().ok()?;
    let ts_event: Option<Timestamp> = match rest.skip(r#","ts_event":""#) {
        Some(()) => Some(rest.string()?.parse().ok()?),
        None => None,
    };
    rest.skip(r#","channel":""#)?;
    let channel = match rest.string()? {
        "websocket" => Channel::Websocket,
        "rest_price" => Channel::RestPrice,
        "rest_quote" => Channel::RestQuote,
        _ => return None,
    };
    rest.skip(r#","producer":""#)?;
    let producer = rest.string()?.into();
    rest.skip(r#","session":""#)?;
    let session = Uuid::try_parse(rest.string()?).ok()?;
    rest.skip(r#","seq":"#)?;
    let seq = rest.number()?.parse().ok()?;
    let tick = Tick {
        v: Version,
        symbol,
        price,
        ts_recv,
        ts_event,
        channel,
        producer,
        session,
        seq,
        exchange: rest.optional_text(r#","exchange":""#),
        mic_code: rest.optional_text(r#","mic_code":""#),
        instrument_type: rest.optional_text(r#","type":""#),
        currency: rest.optional_text(r#","currency":""#),
        currency_base: rest.optional_text(r#","currency_base":""#),
        currency_quote: rest.optional_text(r#","currency_quote":""#),
        bid: rest.optional_decimal(r#","bid":"#),
        ask: rest.optional_decimal(r#","ask":"#),
        day_volume: rest.optional_decimal(r#","day_volume":"#),
    };
    (rest.0 == "}").then_some(tick)
}

/// The text, if a quotation mark in it can only be a string's end.
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

/// What is not read yet. Each step gives nothing if it does not find what it is for.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// What comes before the next quotation mark.
    fn string(&mut self) -> Option<&'a str> {
        let end = memchr::memchr(b'"', self.0.as_bytes())?;
        let text = self.0.get(..end)?;
        self.0 = self.0.get(end + 1..)?;
        Some(text)
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
        let is_whole = rest.starts_with([',', '}']);
        (is_plain && is_whole).then(|| {
            self.0 = rest;
            text
        })
    }

    fn decimal(&mut self) -> Option<Decimal<'a>> {
        Some(Decimal::of_json_number(Cow::Borrowed(self.number()?)))
    }

    /// The field, if it is there and well formed; one that is malformed stays, and the form ends there.
    fn optional_text(&mut self, name: &str) -> Option<Text<'a>> {
        let mut rest = Rest(self.0);
        rest.skip(name)?;
        let text = rest.string()?;
        *self = rest;
        Some(text.into())
    }

    /// The same for a number.
    fn optional_decimal(&mut self, name: &str) -> Option<Decimal<'a>> {
        let mut rest = Rest(self.0);
        rest.skip(name)?;
        let decimal = rest.decimal()?;
        *self = rest;
        Some(decimal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: &str = include_str!("../tests/golden/v1-rest-quote.json");

    #[test]
    fn what_encode_writes_needs_no_parser() {
        for golden in [
            include_str!("../tests/golden/v1-rest-price.json"),
            TICK,
            include_str!("../tests/golden/v1-websocket.json"),
        ] {
            let tick: Tick<'_> = serde_json::from_str(golden).unwrap();
            assert_eq!(decode(golden.as_bytes()), Some(tick));
        }
    }

    #[test]
    fn other_forms_are_left_to_the_parser() {
        for (from, to) in [
            ("{\"v\":1", "{ \"v\":1"),
            ("\"v\":1", "\"v\":2"),
            ("\"seq\":", "\"seq\":-"),
            ("\"seq\":", "\"seq\":0"),
            ("\"price\":", "\"price\":0"),
            ("\"price\":", "\"price\":-."),
            ("\"price\":", "\"price\":1e5,\"x\":"),
            ("\"symbol\":\"", "\"symbol\":\"\\u0041"),
            ("\"session\":\"", "\"session\":\"x"),
            ("}", "} "),
            ("}", ",\"more\":1}"),
        ] {
            let other = TICK.replacen(from, to, 1);
            assert_ne!(other, TICK);
            assert_eq!(decode(other.as_bytes()), None, "{to}");
        }
    }
}
