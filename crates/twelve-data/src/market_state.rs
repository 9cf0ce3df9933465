use std::time::Duration;

use serde::Deserialize;

use crate::ReplyError;
use crate::envelope::api_error;
use crate::field::excerpt;

/// One market of `/market_state`, at the moment of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketState {
    /// The exchange's name, such as `NYSE`.
    pub name: String,
    /// Its MIC.
    pub code: String,
    /// Whether it trades now.
    pub is_open: bool,
    /// Until it opens, if it is closed and the vendor says.
    pub time_to_open: Option<Duration>,
    /// Until it closes, if it is open and the vendor says.
    pub time_to_close: Option<Duration>,
}

impl MarketState {
    /// Reads the body of a reply with HTTP `status`. Markets that are not written as documented are left out.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if it is no list of markets.
    pub fn read(body: &[u8], status: u16) -> Result<Vec<Self>, ReplyError> {
        let text = String::from_utf8_lossy(body);
        if let Some(error) = api_error(&text, status) {
            return Err(ReplyError::Api(error));
        }
        if !(200..300).contains(&status) {
            return Err(ReplyError::Http {
                status,
                body: excerpt(&text),
            });
        }
        let markets: Vec<serde_json::Value> =
            serde_json::from_str(&text).map_err(|_| ReplyError::NotJson { body: excerpt(&text) })?;
        Ok(markets
            .into_iter()
            .filter_map(|market| Written::deserialize(market).ok())
            .map(Self::from)
            .collect())
    }
}

#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default)]
    code: String,
    is_market_open: bool,
    time_to_open: Option<String>,
    time_to_close: Option<String>,
}

impl From<Written> for MarketState {
    fn from(written: Written) -> Self {
        let duration = |text: Option<String>| {
            text.as_deref()
                .and_then(clock_duration)
                // unused ones are `00:00:00`
                .filter(|duration| !duration.is_zero())
        };
        Self {
            is_open: written.is_market_open,
            time_to_open: duration(written.time_to_open).filter(|_| !written.is_market_open),
            time_to_close: duration(written.time_to_close).filter(|_| written.is_market_open),
            name: written.name,
            code: written.code,
        }
    }
}

/// `HH:MM:SS`, of which the hours may be more than a day's.
fn clock_duration(text: &str) -> Option<Duration> {
    const MAX_HOURS: u64 = 24 * 31;
    let mut parts = text.trim().split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let is_time = parts.next().is_none() && hours <= MAX_HOURS && minutes < 60 && seconds < 60;
    is_time.then(|| Duration::from_secs((hours * 60 + minutes) * 60 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_and_closed_markets_are_read() {
        let body = br#"[{"name":"NYSE","code":"XNYS","country":"United States","is_market_open":true,
            "time_after_open":"02:39:03","time_to_open":"00:00:00","time_to_close":"05:20:57"},
            {"name":"LSE","code":"XLON","country":"United Kingdom","is_market_open":false,
            "time_after_open":"00:00:00","time_to_open":"62:10:00","time_to_close":"00:00:00"},
            {"name":"odd"}, {"name":"TSX","is_market_open":false,"time_to_open":"soon"}]"#;
        let markets = MarketState::read(body, 200).unwrap();
        assert_eq!(markets.len(), 3);
        assert_eq!(markets[0].time_to_close, Some(Duration::from_secs(19_257)));
        assert_eq!(markets[0].time_to_open, None);
        assert!(!markets[1].is_open);
        assert_eq!(markets[1].time_to_open, Some(Duration::from_mins(62 * 60 + 10)));
        assert_eq!((markets[2].name.as_str(), markets[2].time_to_open), ("TSX", None));
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for (body, status) in [("{}", 200), ("<html>", 200), ("[]", 503), ("", 200)] {
            assert!(MarketState::read(body.as_bytes(), status).is_err(), "{body}");
        }
        let refused = MarketState::read(br#"{"code":403,"message":"x","status":"error"}"#, 200);
        assert!(matches!(refused, Err(ReplyError::Api(_))));
        assert_eq!(MarketState::read(b"[]", 200), Ok(vec![]));
    }
}
