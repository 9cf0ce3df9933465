//! What a tick is, by the schema's page and by no code of the writer's.

use std::borrow::Cow;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Digits of a price or volume before and behind its point: what `DECIMAL(38,18)` holds.
const WHOLE_DIGITS: i64 = 20;
const FRACTION_DIGITS: i64 = 18;

/// No number that fits needs more characters, but for zeros that say nothing.
const NUMBER_MAX_LEN: usize = 1024;

/// The first moment that is too late: times in nanoseconds end in 2262.
const TIME_END: Timestamp = Timestamp::constant(9_214_646_400, 0);

/// Kafka's keys are shorter by far.
const SYMBOL_MAX_LEN: usize = 128;

const CHANNELS: [&str; 3] = ["websocket", "rest_price", "rest_quote"];

/// What whoever reads the bucket asks of a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick<'t> {
    pub(crate) symbol: Cow<'t, str>,
    pub(crate) ts_recv: Timestamp,
    pub(crate) producer: Cow<'t, str>,
    pub(crate) session: Uuid,
    pub(crate) seq: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "of some fields only the type matters")]
struct TickJson<'t> {
    v: u64,
    #[serde(borrow)]
    symbol: Cow<'t, str>,
    #[serde(borrow)]
    price: &'t RawValue,
    #[serde(borrow)]
    ts_recv: Cow<'t, str>,
    ts_event: Option<String>,
    #[serde(borrow)]
    channel: Cow<'t, str>,
    #[serde(borrow)]
    producer: Cow<'t, str>,
    #[serde(borrow)]
    session: Cow<'t, str>,
    seq: u64,
    exchange: Option<String>,
    mic_code: Option<String>,
    r#type: Option<String>,
    currency: Option<String>,
    currency_base: Option<String>,
    currency_quote: Option<String>,
    #[serde(borrow)]
    bid: Option<&'t RawValue>,
    #[serde(borrow)]
    ask: Option<&'t RawValue>,
    #[serde(borrow)]
    day_volume: Option<&'t RawValue>,
}

impl<'t> Tick<'t> {
    /// Reads a tick from [readable](crate::readable) JSON, or says why it is none.
    pub(crate) fn parse(json: &'t str) -> Result<Self, String> {
        let tick: TickJson<'t> = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if tick.v != 1 {
            return Err(format!("version {}, expected 1", tick.v));
        }
        for (field, number) in [
            ("price", Some(tick.price)),
            ("bid", tick.bid),
            ("ask", tick.ask),
            ("day_volume", tick.day_volume),
        ] {
            if let Some(number) = number {
                decimal(field, number.get())?;
            }
        }
        if let Some(ts_event) = &tick.ts_event {
            time("ts_event", ts_event)?;
        }
        channel(&tick.channel)?;
        symbol(&tick.symbol)?;
        Ok(Self {
            ts_recv: time("ts_recv", &tick.ts_recv)?,
            session: session(&tick.session)?,
            seq: seq(tick.seq)?,
            symbol: tick.symbol,
            producer: tick.producer,
        })
    }
}

fn decimal(field: &str, number: &str) -> Result<(), String> {
    let refused = || format!("{field} is {}, which is no DECIMAL(38,18)", excerpt(number));
    let decimal = Some(number)
        .filter(|number| number.len() <= NUMBER_MAX_LEN)
        .and_then(|number| BigDecimal::from_str(number).ok())
        .ok_or_else(refused)?
        .normalized();
    let (digits, fraction) = (decimal.digits(), decimal.fractional_digit_count());
    let whole = i64::try_from(digits).map_err(|_| refused())? - fraction;
    if fraction > FRACTION_DIGITS || whole > WHOLE_DIGITS {
        return Err(refused());
    }
    Ok(())
}

fn time(field: &str, text: &str) -> Result<Timestamp, String> {
    let refused = || {
        let text = excerpt(text);
        format!("{field} is `{text}`, expected a time like 2026-11-23T14:00:00.5Z between 1970 and 2261")
    };
    let moment = Some(text).filter(|text| is_plain_rfc_3339(text));
    let moment = moment.and_then(|text| text.parse().ok()).ok_or_else(refused)?;
    in_range(moment).then_some(moment).ok_or_else(refused)
}

/// Whether a tick's time may be this one.
pub(crate) fn in_range(moment: Timestamp) -> bool {
    (Timestamp::UNIX_EPOCH..TIME_END).contains(&moment)
}

/// Date and time as every reader knows them: no zone's name, no leap second, no other separators.
fn is_plain_rfc_3339(text: &str) -> bool {
    let is_of_form = |text: &[u8], form: &[u8]| {
        let is_same = |(byte, form): (&u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        };
        text.len() == form.len() && text.iter().zip(form).all(is_same)
    };
    let form = b"0000-00-00T00:00:00";
    let Some((date_time, rest)) = text.as_bytes().split_at_checked(form.len()) else {
        return false;
    };
    let zone = match rest.strip_prefix(b".") {
        None => rest,
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
    };
    is_of_form(date_time, form)
        && !date_time.ends_with(b":60")
        && (zone == b"Z" || is_of_form(zone, b"+00:00") || is_of_form(zone, b"-00:00"))
}

pub(crate) fn symbol(symbol: &str) -> Result<(), String> {
    let is_right = (1..=SYMBOL_MAX_LEN).contains(&symbol.len())
        && symbol.trim() == symbol
        && !symbol.contains(|char: char| char.is_control() || char == ',');
    is_right
        .then_some(())
        .ok_or_else(|| format!("`{}` is no symbol", excerpt(symbol)))
}

pub(crate) fn channel(channel: &str) -> Result<(), String> {
    let is_known = CHANNELS.contains(&channel);
    is_known
        .then_some(())
        .ok_or_else(|| format!("channel is `{}`", excerpt(channel)))
}

pub(crate) fn session(text: &str) -> Result<Uuid, String> {
    const HYPHENATED_LEN: usize = 36;
    let id = Some(text).filter(|text| text.len() == HYPHENATED_LEN);
    id.and_then(|text| Uuid::try_parse(text).ok())
        .ok_or_else(|| format!("session is `{}`, expected a hyphenated UUID", excerpt(text)))
}

/// Most engines have no unsigned integers.
pub(crate) fn seq(seq: u64) -> Result<u64, String> {
    let is_signed_too = i64::try_from(seq).is_ok();
    is_signed_too
        .then_some(seq)
        .ok_or_else(|| format!("seq is {seq}, more than a signed integer of 64 bits holds"))
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: &str = r#"{"v":1,"symbol":"BTC/USD","price":1.5,"ts_recv":"2026-11-23T14:00:00.25Z","ts_event":"2026-11-23T14:00:00+00:00","channel":"rest_quote","producer":"p","session":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","seq":7,"exchange":"X","mic_code":"M","type":"T","currency":"C","currency_base":"B","currency_quote":"Q","bid":1.4,"ask":1.6,"day_volume":10}"#;

    fn refusal(from: &str, to: &str) -> Option<String> {
        assert!(TICK.contains(from), "{from}");
        Tick::parse(&TICK.replacen(from, to, 1)).err()
    }

    #[test]
    fn a_tick_tells_what_is_asked_of_it() {
        let tick = Tick::parse(TICK).unwrap();
        assert_eq!((&*tick.symbol, &*tick.producer, tick.seq), ("BTC/USD", "p", 7));
        assert_eq!(tick.ts_recv, "2026-11-23T14:00:00.25Z".parse().unwrap());
        assert_eq!(
            tick.session,
            Uuid::from_u128(0x0193_577e_2b4b_7cc0_9d3c_2f6b_9c1c_5a10)
        );
    }

    #[test]
    fn numbers_are_what_a_decimal_of_38_digits_with_18_behind_the_point_holds() {
        let (whole, fraction) = ("9".repeat(20), "9".repeat(18));
        for number in [
            "0",
            "-0.0",
            "1e-18",
            "1e19",
            "-1.5E3",
            &format!("{whole}.{fraction}"),
            &format!("{whole}.{fraction}000"),
            &format!("{}e-18", "9".repeat(38)),
        ] {
            for (from, field) in [
                ("1.5", "price"),
                ("1.4", "bid"),
                ("1.6", "ask"),
                ("10}", "day_volume"),
            ] {
                let brace = if from.ends_with('}') { "}" } else { "" };
                assert_eq!(
                    refusal(from, &format!("{number}{brace}")),
                    None,
                    "{field} {number}"
                );
            }
        }
        for number in [
            "1e-19",
            "1e20",
            "1e400",
            "1e-99999999999999999999",
            &format!("1{}", "0".repeat(20)),
            &format!("0.{}1", "0".repeat(18)),
            &"1".repeat(100_000),
            "\"1\"",
            "null",
            "[1]",
        ] {
            assert!(refusal("1.5", number).is_some(), "{} was taken", excerpt(number));
        }
    }

    #[test]
    fn times_are_plain_rfc_3339() {
        for time in [
            "1970-01-01T00:00:00Z",
            "2261-12-31T23:59:59.999999999Z",
            "2026-11-23T14:00:00-05:30",
        ] {
            assert_eq!(refusal("2026-11-23T14:00:00.25Z", time), None, "{time}");
        }
        for time in [
            "1969-12-31T23:59:59Z",
            "2262-01-01T00:00:00Z",
            "2026-11-23T14:00:00",
            "2026-11-23 14:00:00Z",
            "2026-11-23t14:00:00z",
            "2026-11-23T14:00Z",
            "2026-11-23T14:00:00,5Z",
            "2026-11-23T14:00:00.Z",
            "2026-11-23T14:00:00.0123456789Z",
            "2026-11-23T14:00:00+02",
            "2026-11-23T14:00:00+02:00[Europe/Berlin]",
            "2026-11-23T14:00:00Z[UTC]",
            "2016-12-31T23:59:60Z",
            "2026-02-30T14:00:00Z",
            "20261123T140000Z",
            "",
        ] {
            for field in ["2026-11-23T14:00:00.25Z", "2026-11-23T14:00:00+00:00"] {
                assert!(refusal(field, time).is_some(), "{time} was taken");
            }
        }
    }

    #[test]
    fn every_other_field_has_its_form() {
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("\"v\":1,", ""),
            ("BTC/USD", ""),
            ("BTC/USD", " A"),
            ("BTC/USD", "A,B"),
            ("BTC/USD", "A\\n"),
            ("BTC/USD", &"A".repeat(129)),
            ("rest_quote", "rest_other"),
            (
                "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10",
                "0193577e2b4b7cc09d3c2f6b9c1c5a10",
            ),
            (
                "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10",
                "{0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10}",
            ),
            (
                "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10",
                "0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a1x",
            ),
            ("\"seq\":7", "\"seq\":7.0"),
            ("\"seq\":7", "\"seq\":-7"),
            ("\"seq\":7", "\"seq\":9223372036854775808"),
            ("\"producer\":\"p\"", "\"producer\":1"),
            ("\"exchange\":\"X\"", "\"exchange\":1"),
            ("\"type\":\"T\"", "\"type\":{}"),
            ("\"seq\":7", "\"seq\":7,\"seq\":7"),
        ] {
            assert!(refusal(from, to).is_some(), "{to} was taken");
        }
    }
}
