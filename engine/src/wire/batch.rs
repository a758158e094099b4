//! Answers to a JSON `$batch`: several requests in one, each with an answer of its own.
//!
//! Sources: OData JSON Format 4.01, 19 "Batch Requests and Responses"; Microsoft Graph, "Combine
//! multiple requests in one HTTP call using JSON batching"; for the Exchange Online admin API, which
//! has the same answers, the traffic of public tools (CIPP, ORADAZ).

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::http::{self, malformed};
use super::service_error::ServiceError;
use crate::ports::CallError;

/// The answer to one request.
#[derive(Deserialize)]
pub(super) struct Part {
    id: Value,
    pub(super) status: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) body: Value,
}

impl Part {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the service asks to come back later, and when. A 503 without a wish says something else.
    pub(super) fn throttled(&self) -> Option<Option<Duration>> {
        match (self.status, self.retry_after()) {
            (429, retry_after) | (503, retry_after @ Some(_)) => Some(retry_after),
            _ => None,
        }
    }

    pub(super) fn error(&self) -> ServiceError {
        ServiceError::from_json(&self.body)
    }

    /// What a reading call makes of an answer other than 2xx.
    pub(super) fn failure(&self) -> CallError {
        if let Some(retry_after) = self.throttled() {
            return CallError::Throttled { retry_after };
        }
        let error = self.error();
        let code = error.most_specific_code(self.status);
        let detail = error.message;
        match self.status {
            401 | 403 => CallError::Refused { code, detail },
            500..=599 => CallError::ServiceFailure { code, detail },
            status => malformed(&format!("status {status} in a batch, {code}: {detail}")),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let headers = self.headers.as_ref()?;
        let (_, value) =
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("Retry-After"))?;
        match value {
            Value::String(text) => http::retry_after(text, None),
            value => value.as_u64().map(Duration::from_secs),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    responses: Vec<Part>,
}

/// The answers in the order of their requests, which the service need not keep.
pub(super) fn parts(body: Value, count: usize) -> Result<Vec<Option<Part>>, CallError> {
    let answer: Answer = serde_json::from_value(body).map_err(|error| malformed(&error))?;
    let mut parts: Vec<Option<Part>> = std::iter::repeat_with(|| None).take(count).collect();
    for part in answer.responses {
        let number = match &part.id {
            Value::String(text) => text.parse().ok(),
            id => id.as_u64().and_then(|number| usize::try_from(number).ok()),
        };
        let place = number.and_then(|number: usize| parts.get_mut(number));
        *place.ok_or_else(|| malformed(&"a batch answers what was not asked"))? = Some(part);
    }
    Ok(parts)
}

/// The throttling error, when no request at all was let through.
pub(super) fn all_throttled(parts: &[Option<Part>]) -> Option<CallError> {
    let throttled = |part: &Option<Part>| part.as_ref().and_then(Part::throttled);
    let wishes: Option<Vec<Option<Duration>>> = parts.iter().map(throttled).collect();
    let retry_after = wishes?.into_iter().max()?;
    Some(CallError::Throttled { retry_after })
}
