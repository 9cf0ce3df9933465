//! What a path is for, what it costs and what it answers.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::answer::Answer;
use super::prices::Prices;
use super::request::VendorRequest;
use super::{exchanges, time_series};
use crate::faults::Fault;
use crate::ledger::{Channel, Served};
use crate::lock::locked;
use crate::stage::Stage;
use crate::vendor_error::VendorError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Prices(Channel),
    TimeSeries,
    ApiUsage,
    MarketState,
    Stocks,
    SymbolSearch,
    /// The official Python client asks for it before anything else.
    TechnicalIndicators,
    Nothing,
}

impl Endpoint {
    pub(super) fn at(path: &str) -> Self {
        match path {
            "/price" => Self::Prices(Channel::RestPrice),
            "/quote" => Self::Prices(Channel::RestQuote),
            "/time_series" => Self::TimeSeries,
            "/api_usage" => Self::ApiUsage,
            "/market_state" => Self::MarketState,
            "/stocks" => Self::Stocks,
            "/symbol_search" => Self::SymbolSearch,
            "/technical_indicators" => Self::TechnicalIndicators,
            _ => Self::Nothing,
        }
    }

    pub(super) fn is_by_symbol(self) -> bool {
        matches!(self, Self::Prices(_) | Self::TimeSeries)
    }

    pub(super) fn credits(self, request: &VendorRequest) -> u64 {
        match self {
            Self::Prices(_) | Self::TimeSeries => request.symbols.len() as u64,
            Self::ApiUsage | Self::MarketState | Self::Stocks | Self::SymbolSearch => 1,
            Self::TechnicalIndicators | Self::Nothing => 0,
        }
    }

    pub(super) fn answer(
        self,
        stage: &Stage,
        request: &VendorRequest,
        number: u64,
        fault: Option<&Fault>,
    ) -> Result<(Answer, Vec<Served>), VendorError> {
        let answer = match self {
            Self::Prices(channel) => {
                let prices = Prices {
                    stage,
                    request,
                    channel,
                    places: request.decimal_places()?,
                    number,
                    fault,
                };
                return Ok(prices.answer());
            }
            Self::TimeSeries => time_series::answer(stage, request, fault)?,
            Self::ApiUsage => Answer::json(api_usage(stage)),
            Self::MarketState => Answer::json(exchanges::market_state(stage, request)),
            Self::Stocks => Answer::json(exchanges::stocks(request)),
            Self::SymbolSearch => Answer::json(exchanges::symbol_search(request)),
            Self::TechnicalIndicators => Answer::json(json!({ "data": {}, "status": "ok" })),
            Self::Nothing => return Err(VendorError::no_such_path()),
        };
        Ok((answer, Vec::new()))
    }
}

fn api_usage(stage: &Stage) -> Value {
    let mut meter = locked(&stage.credits);
    let now = stage.clock.now();
    let balance = meter.balance(now);
    let plan = meter.plan();
    let mut usage = json!({
        "timestamp": TimeZone::UTC.to_datetime(now).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "current_usage": balance.used,
        "plan_limit": plan.per_minute,
        "plan_category": if plan.per_day.is_some() { "basic" } else { "enterprise" },
    });
    if let (Some(limit), Some(fields)) = (plan.per_day, usage.as_object_mut()) {
        fields.insert("daily_usage".to_owned(), json!(meter.day_used()));
        fields.insert("plan_daily_limit".to_owned(), json!(limit));
    }
    usage
}
