//! `/time_series`: bars, the same for whoever asks, newest first unless asked otherwise.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::answer::{Answer, VendorRefusal};
use super::request::VendorRequest;
use crate::faults::Fault;
use crate::market::{Bar, Bars, Class, Instrument, Way, written, zone_of};
use crate::stage::Stage;
use crate::vendor_error::VendorError;

const SIZE_DEFAULT: usize = 30;
const SIZE_MAX: usize = 5000;

/// What the vendor calls it, and seconds.
const INTERVALS: &[(&str, i64)] = &[
    ("1min", 60),
    ("5min", 300),
    ("15min", 900),
    ("30min", 1800),
    ("45min", 2700),
    ("1h", 3600),
    ("2h", 7200),
    ("4h", 14_400),
    ("8h", 28_800),
    ("1day", 86_400),
];
const DAY_S: i64 = 86_400;

/// What was asked of each symbol.
struct Wanted<'a> {
    interval: &'static str,
    interval_s: i64,
    size: usize,
    begin: Option<&'a str>,
    end: Option<&'a str>,
    /// As named in the request; none for the exchange's own.
    zone: Option<TimeZone>,
    oldest_first: bool,
    places: u32,
}

pub(super) fn answer(
    stage: &Stage,
    request: &VendorRequest,
    fault: Option<&Fault>,
) -> Result<Answer, VendorError> {
    let wanted = Wanted::read(request)?;
    let is_csv = request
        .parameter("format")
        .is_some_and(|format| format.eq_ignore_ascii_case("csv"));
    if let (true, [symbol]) = (is_csv, request.symbols.as_slice()) {
        let listing = request.listing(symbol);
        // an error is JSON here too
        if let Ok(instrument) = stage.market.instrument(&listing)
            && let Ok(bars) = wanted.bars(stage, &listing, &instrument)
        {
            return Ok(Answer::csv(wanted.csv(&instrument, &bars)));
        }
    }
    Ok(Answer::by_symbol(request, fault, |symbol| {
        let listing = request.listing(symbol);
        let instrument = stage.market.instrument(&listing)?;
        let bars = wanted
            .bars(stage, &listing, &instrument)
            .map_err(|error| VendorRefusal::Said(error.with_meta(&request.requested)))?;
        Ok(wanted.series(&instrument, &bars))
    }))
}

impl<'a> Wanted<'a> {
    fn read(request: &'a VendorRequest) -> Result<Self, VendorError> {
        let given = request.parameter("interval").unwrap_or_default();
        let names = || {
            INTERVALS
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (interval, interval_s) = INTERVALS
            .iter()
            .find(|(name, _)| *name == given)
            .copied()
            .ok_or_else(|| VendorError::interval(given, &names()))?;
        let size = match request.parameter("outputsize") {
            None if request.parameter("start_date").is_some() => SIZE_MAX,
            None => SIZE_DEFAULT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (1..=SIZE_MAX).contains(size))
                .ok_or_else(|| VendorError::parameter("outputsize", text, "1 to 5000"))?,
        };
        let zone = match request.parameter("timezone") {
            None | Some("Exchange") => None,
            Some(name) => {
                let unknown = |_| {
                    VendorError::parameter("timezone", name, "Exchange, UTC and names such as Europe/Rome")
                };
                Some(TimeZone::get(name).map_err(unknown)?)
            }
        };
        Ok(Self {
            interval,
            interval_s,
            size,
            begin: request.parameter("start_date"),
            end: request.parameter("end_date"),
            zone,
            oldest_first: request.parameter("order") == Some("asc"),
            places: request.decimal_places_or_all()?,
        })
    }

    fn zone(&self, instrument: &Instrument) -> TimeZone {
        let named = || TimeZone::get(zone_of(instrument)).unwrap_or(TimeZone::UTC);
        self.zone.clone().unwrap_or_else(named)
    }

    /// The newest that there are, oldest first.
    fn bars(&self, stage: &Stage, listing: &str, instrument: &Instrument) -> Result<Vec<Bar>, VendorError> {
        let now = stage.clock.now();
        let zone = self.zone(instrument);
        let moment = |text: Option<&str>| text.map(|text| parse_date(text, &zone)).transpose();
        let begin = moment(self.begin)?;
        let end = moment(self.end)?.unwrap_or(now).min(now);
        let mut bars: Vec<Bar> = Bars::of(&stage.market, listing, instrument, self.interval_s)
            .before(end)
            .take_while(|bar| begin.is_none_or(|begin| bar.open_time >= begin))
            .take(self.size)
            .collect();
        if bars.is_empty() {
            return Err(VendorError::no_bars());
        }
        bars.reverse();
        Ok(bars)
    }

    fn series(&self, instrument: &Instrument, bars: &[Bar]) -> Map<String, Value> {
        let volume = |bar: &Bar| match instrument.class {
            Class::Equity(_) => Some(bar.volume.to_string()),
            Class::Forex(_) | Class::Crypto(_) => None,
        };
        let zone = self.zone(instrument);
        let mut values: Vec<Value> = bars
            .iter()
            .map(|bar| {
                let mut fields = json!({ "datetime": self.datetime(bar.open_time, &zone) });
                for (name, price) in [
                    ("open", bar.open),
                    ("high", bar.high),
                    ("low", bar.low),
                    ("close", bar.close),
                ] {
                    fields[name] = json!(written(price, Way::AsIs, self.places));
                }
                if let Some(volume) = volume(bar) {
                    fields["volume"] = json!(volume);
                }
                fields
            })
            .collect();
        if !self.oldest_first {
            values.reverse();
        }
        Map::from_iter([
            ("meta".to_owned(), self.meta(instrument)),
            ("values".to_owned(), values.into()),
            ("status".to_owned(), "ok".into()),
        ])
    }

    fn meta(&self, instrument: &Instrument) -> Value {
        let mut meta = json!({ "symbol": instrument.symbol, "interval": self.interval });
        match &instrument.class {
            Class::Equity(equity) => {
                meta["currency"] = json!(equity.currency);
                meta["exchange_timezone"] = json!(zone_of(instrument));
                meta["exchange"] = json!(equity.exchange);
                meta["type"] = json!(equity.kind);
                if let Some(mic_code) = equity.mic_code {
                    meta["mic_code"] = json!(mic_code);
                }
            }
            Class::Forex(pair) => {
                meta["currency_base"] = json!(pair.base);
                meta["currency_quote"] = json!(pair.quote);
                meta["type"] = json!("Physical Currency");
            }
            Class::Crypto(pair) => {
                meta["currency_base"] = json!(pair.base);
                meta["currency_quote"] = json!(pair.quote);
                meta["exchange"] = json!(pair.exchange.as_deref().unwrap_or("Binance"));
                meta["type"] = json!("Digital Currency");
            }
        }
        meta
    }

    fn csv(&self, instrument: &Instrument, bars: &[Bar]) -> String {
        let has_volume = matches!(instrument.class, Class::Equity(_));
        let mut lines =
            vec!["datetime;open;high;low;close".to_owned() + if has_volume { ";volume" } else { "" }];
        let zone = self.zone(instrument);
        let line = |bar: &Bar| {
            let mut parts = vec![self.datetime(bar.open_time, &zone)];
            parts.extend(
                [bar.open, bar.high, bar.low, bar.close].map(|price| written(price, Way::AsIs, self.places)),
            );
            if has_volume {
                parts.push(bar.volume.to_string());
            }
            parts.join(";")
        };
        if self.oldest_first {
            lines.extend(bars.iter().map(line));
        } else {
            lines.extend(bars.iter().rev().map(line));
        }
        lines.join("\n") + "\n"
    }

    fn datetime(&self, time: Timestamp, zone: &TimeZone) -> String {
        let format = if self.interval_s < DAY_S {
            "%Y-%m-%d %H:%M:%S"
        } else {
            "%Y-%m-%d"
        };
        zone.to_datetime(time).strftime(format).to_string()
    }
}

/// `2026-11-23`, or with a time after a `T` or a space; no offset, which the vendor finds no data for.
fn parse_date(text: &str, zone: &TimeZone) -> Result<Timestamp, VendorError> {
    let civil = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .or_else(|| Some(Date::strptime("%Y-%m-%d", text).ok()?.at(0, 0, 0, 0)));
    civil
        .and_then(|civil| zone.to_timestamp(civil).ok())
        .ok_or_else(VendorError::data_not_found)
}
