use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::text::borrowed;
use crate::{Decimal, Error, Symbol, Text, fast_reader, strict, time};

/// The fields' names, in the order in which [`Tick::encode`] writes them.
pub(crate) const FIELDS: [&str; 18] = [
    "v",
    "symbol",
    "price",
    "ts_recv",
    "ts_event",
    "channel",
    "producer",
    "session",
    "seq",
    "exchange",
    "mic_code",
    "type",
    "currency",
    "currency_base",
    "currency_quote",
    "bid",
    "ask",
    "day_volume",
];

/// By this name readers know a line that is no tick.
pub(crate) const NOT_A_TICK: &str = "not_a_tick";

/// Readers keep whole numbers in 64 bits with a sign.
pub(crate) const MAX_SEQ: u64 = i64::MAX.unsigned_abs();

/// One price of one symbol, version 1: one JSON object on one line.
///
/// A rename, or a change of a unit or a type, is version 2. Readers ignore fields that they do not know.
/// Absent facts are absent, never `null` and never 0.
///
/// What [`Tick::decode`] takes, every reader reads: valid JSON in UTF-8 on one line, not nested deeper than 32, no name
/// twice in an object, numbers that fit `DECIMAL(38,18)`, plain RFC 3339 times from 1970 to 2261, a hyphenated UUID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick<'a> {
    /// Version of this schema, always 1.
    pub v: Version,
    /// The symbol as subscribed.
    #[serde(borrow)]
    pub symbol: Symbol<'a>,
    /// Last price, in `currency`.
    #[serde(borrow)]
    pub price: Decimal<'a>,
    /// When the producer's host read the reply or the frame. Also the Kafka record's timestamp, there in ms.
    #[serde(deserialize_with = "time::deserialize")]
    pub ts_recv: Timestamp,
    /// The vendor's time of the price, where it gives one: WebSocket `timestamp`, `/quote` `last_quote_at`.
    #[serde(
        default,
        deserialize_with = "time::optional::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub ts_event: Option<Timestamp>,
    /// Which of the vendor's interfaces it came by.
    pub channel: Channel,
    /// Which instance of the producer took it.
    #[serde(borrow)]
    pub producer: Text<'a>,
    /// Which run of that producer's process took it.
    #[serde(deserialize_with = "deserialize_session")]
    pub session: Uuid,
    /// Position in the session, from 0 with no hole over all symbols. At most `i64::MAX`.
    #[serde(deserialize_with = "deserialize_seq")]
    pub seq: u64,
    /// The vendor's `exchange`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Text<'a>>,
    /// The vendor's `mic_code`, ISO 10383.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub mic_code: Option<Text<'a>>,
    /// The vendor's `type`, such as `Common Stock`.
    #[serde(borrow, default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub instrument_type: Option<Text<'a>>,
    /// The vendor's `currency`, in its own case: `GBp` is pence.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text<'a>>,
    /// The vendor's `currency_base`, of a pair.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub currency_base: Option<Text<'a>>,
    /// The vendor's `currency_quote`, of a pair.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub currency_quote: Option<Text<'a>>,
    /// Best bid.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Decimal<'a>>,
    /// Best ask.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Decimal<'a>>,
    /// Volume of the current trading day so far, in the instrument's own unit.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub day_volume: Option<Decimal<'a>>,
}

impl<'a> Tick<'a> {
    /// Reads a tick from a Kafka record's value or a line of an object, and borrows from it.
    ///
    /// # Errors
    ///
    /// [`Error::LineBreak`] if the bytes span lines, [`Error::Tick`] or [`Error::Number`] if they are no tick of
    /// version 1.
    pub fn decode(json: &'a [u8]) -> Result<Self, Error> {
        match fast_reader::decode(json) {
            Some((tick, _)) => Ok(tick),
            None => decode_slowly(json).map(|(tick, _)| tick),
        }
    }

    /// The same, and whether that is all that the JSON holds: a later writer's fields, which readers ignore, are
    /// lost to whoever keeps the tick instead of its bytes.
    ///
    /// # Errors
    ///
    /// As for [`Tick::decode`].
    pub fn decode_whole(json: &'a [u8]) -> Result<(Self, bool), Error> {
        match fast_reader::decode(json) {
            Some(read) => Ok(read),
            None => decode_slowly(json),
        }
    }

    /// Writes the tick as one line of JSON, without the line's end.
    ///
    /// # Errors
    ///
    /// [`Error::Tick`]; none of the types here can cause it.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// What holds in any case; the fast reader only gets there sooner.
pub(crate) fn decode_slowly(json: &[u8]) -> Result<(Tick<'_>, bool), Error> {
    check_one_line(json)?;
    strict::check(json)?;
    let mut is_whole = true;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let tick = serde_ignored::deserialize(&mut deserializer, |_| is_whole = false)?;
    deserializer.end()?;
    Ok((tick, is_whole))
}

/// Takes a UUID in its hyphenated form, the one that all readers know.
pub(crate) fn session(text: &str) -> Result<Uuid, uuid::Error> {
    uuid::fmt::Hyphenated::from_str(text).map(Into::into)
}

fn deserialize_session<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    session(&borrowed(deserializer)?).map_err(serde::de::Error::custom)
}

fn deserialize_seq<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        seq if seq <= MAX_SEQ => Ok(seq),
        seq => Err(serde::de::Error::custom(format_args!(
            "seq {seq}, expected at most {MAX_SEQ}"
        ))),
    }
}

fn check_one_line(json: &[u8]) -> Result<(), Error> {
    match memchr::memchr2(b'\n', b'\r', json) {
        Some(at) => Err(Error::LineBreak { at }),
        None => Ok(()),
    }
}

/// The interface of Twelve Data that a tick came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A `price` event of the WebSocket.
    Websocket,
    /// A reply of `/price`.
    RestPrice,
    /// A reply of `/quote`.
    RestQuote,
}

/// The version of the schema, which is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version;

impl Version {
    const NUMBER: u64 = 1;
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            other => Err(serde::de::Error::custom(format_args!(
                "version {other}, expected 1"
            ))),
        }
    }
}
