use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ApiError;
use crate::field::{excerpt, whole_number};

/// The vendor's error, if the object is one. `status` stands in for a `code` that is missing.
pub(crate) fn api_error(text: &str, status: u16) -> Option<ApiError> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        status: Option<&'a RawValue>,
        #[serde(borrow)]
        code: Option<&'a RawValue>,
        #[serde(borrow)]
        message: Option<&'a RawValue>,
    }
    let string = |raw: Option<&RawValue>| serde_json::from_str::<String>(raw?.get()).ok();
    let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
    let code = envelope
        .code
        .and_then(whole_number)
        .and_then(|code| u16::try_from(code).ok());
    let message = string(envelope.message);
    let is_error = string(envelope.status).is_some_and(|status| status == "error")
        || (code.is_some_and(|code| code >= 400) && message.is_some());
    is_error.then(|| ApiError {
        code: code.unwrap_or(status),
        message: excerpt(&message.unwrap_or_default()),
    })
}
