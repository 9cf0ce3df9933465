use serde::{Deserialize, Serialize};

/// What goes wrong on a WebSocket that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WebSocketFault {
    /// From now on no event is sent; pings are still answered.
    Silence,
    /// From now on nothing is read or written, pings included; the TCP connection stays.
    Stall,
    /// The TCP connection is reset.
    Abort,
    /// The connection is closed in order.
    Close {
        /// The close code, such as 1000, 1008, 1011 or 1012.
        code: u16,
        /// Its text.
        #[serde(default)]
        reason: String,
    },
    /// An event of a kind that no document names.
    UnknownEvent,
    /// A text that is not JSON.
    NotJson,
    /// A binary message.
    Binary,
    /// The last price event once more.
    Duplicate,
    /// The last price event again, so many seconds later (or earlier, if negative).
    Shifted {
        /// Seconds added to its timestamp.
        seconds: i64,
    },
    /// The last price event again, its price `null`.
    NullPrice,
    /// The last price event again, with the volume of a day that has just begun.
    DayVolumeReset,
    /// A heartbeat that nobody asked for.
    Heartbeat,
}
