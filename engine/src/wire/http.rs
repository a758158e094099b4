//! One authorised HTTPS request, and what its answer means for a call.
//!
//! Sources: RFC 9110 5.6.7 (dates), 10.2.3 (`Retry-After`); Microsoft Graph throttling guidance.

use std::error::Error as _;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Method, RequestBuilder, Url, redirect};

use super::repair::needs_repair;
use super::service_error::ServiceError;
use super::token::TokenSource;
use super::{WireConfig, WireError};
use crate::ports::CallError;
use crate::time::Timestamp;

/// An answer that came wholly.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The service's clock.
    pub(super) date: Option<Timestamp>,
    /// `Retry-After`, counted from `date` when it is itself a date.
    pub(super) retry_after: Option<Duration>,
    /// `x-ms-diagnostics`: the only reason that a 403 of Exchange Online gives.
    pub(super) diagnostics: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body, which has to be JSON of the shape of `T`.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| malformed(&error))
    }
}

/// Why a request brought nothing usable.
pub(super) struct Failure {
    pub(super) error: CallError,
    /// Whether the service may have done what was asked, all the same.
    pub(super) perhaps_done: bool,
}

impl Failure {
    /// A failure after which nothing has been done.
    pub(super) fn nothing_done(error: CallError) -> Self {
        Self { error, perhaps_done: false }
    }

    /// The meaning of a status other than 2xx.
    pub(super) fn from_answer(answer: &Answer) -> Self {
        let error = ServiceError::from_body(&answer.body);
        let code = || error.most_specific_code(answer.status);
        let detail = || {
            if error.message.is_empty() {
                answer.diagnostics.clone()
            } else {
                error.message.clone()
            }
        };
        let status = answer.status;
        Self {
            error: match (status, answer.retry_after) {
                (429, retry_after) | (503, retry_after @ Some(_)) => {
                    CallError::Throttled { retry_after }
                }
                (401 | 403, _) => CallError::Refused { code: code(), detail: detail() },
                (500..=599, _) => CallError::ServiceFailure { code: code(), detail: detail() },
                _ => CallError::Malformed {
                    detail: format!("status {status}, {}: {}", code(), detail()),
                },
            },
            // 503 is said before the work; the others may come from a gateway after it.
            perhaps_done: (500..=599).contains(&status) && status != 503,
        }
    }
}

/// A service that wants a token.
pub(super) struct Service {
    client: reqwest::Client,
    token: TokenSource,
}

impl Service {
    pub(super) fn new(client: reqwest::Client, token: TokenSource) -> Self {
        Self { client, token }
    }

    /// Sends a request, once more with a new token if the first one was not taken. Only an answer
    /// with status 2xx is a success.
    pub(super) async fn call(
        &mut self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<Answer, Failure> {
        let answer = self.call_any(method, url, headers, body).await?;
        if (200..300).contains(&answer.status) {
            Ok(answer)
        } else {
            Err(Failure::from_answer(&answer))
        }
    }

    /// As [`Self::call`], with every status a success.
    pub(super) async fn call_any(
        &mut self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<Answer, Failure> {
        let answer = self.attempt(method.clone(), url, headers, body).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.token.discard();
        self.attempt(method, url, headers, body).await
    }

    async fn attempt(
        &mut self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<Answer, Failure> {
        let token = self.token.authorization().await.map_err(Failure::nothing_done)?;
        let mut request = self
            .client
            .request(method, url.clone())
            .headers(headers.clone())
            .header(AUTHORIZATION, token);
        if let Some(body) = body {
            request =
                request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(body.to_vec());
        }
        exchange(request).await
    }
}

/// The client for all services: it follows no redirect, uses no proxy and keeps one idle connection
/// to each host.
pub(super) fn client(config: &WireConfig) -> Result<reqwest::Client, WireError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(config.request_timeout / 2)
        .timeout(config.request_timeout)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .pool_max_idle_per_host(1)
        .user_agent(concat!("hybridsim/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = &config.ca_pem {
        let certificates = Certificate::from_pem_bundle(pem)
            .map_err(|error| WireError::Certificates(chain(&error)))?;
        if certificates.is_empty() {
            return Err(WireError::Certificates("there is no certificate in it".to_owned()));
        }
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|error| WireError::Client(chain(&error)))
}

/// The address below `base` with these path segments, escaped as needed.
pub(super) fn place(what: &'static str, base: &str, segments: &[&str]) -> Result<Url, WireError> {
    let refuse = |detail: String| WireError::Url { what, url: base.to_owned(), detail };
    let mut url = Url::parse(base).map_err(|error| refuse(error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(refuse("the scheme is not https".to_owned()));
    }
    match url.path_segments_mut() {
        Ok(mut path) => {
            path.pop_if_empty().extend(segments);
        }
        Err(()) => return Err(refuse("it has no path".to_owned())),
    }
    Ok(url)
}

/// The address of a further page. It must lie with the same service, because the token goes there.
pub(super) fn next_link(base: &Url, link: &str) -> Result<Url, CallError> {
    let url = Url::parse(link)
        .map_err(|error| CallError::Malformed { detail: format!("next link: {error}") })?;
    if url.origin() != base.origin() {
        return Err(CallError::Malformed {
            detail: format!("next link leads to another host: {}", shown(&url)),
        });
    }
    Ok(url)
}

/// `Retry-After` as a text: seconds, or a date seen from the service's own clock.
pub(super) fn retry_after(text: &str, date: Option<Timestamp>) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(http_date(text)?.since(date?)),
    }
}

/// Sends a request and reads the whole answer.
pub(super) async fn exchange(request: RequestBuilder) -> Result<Answer, Failure> {
    let response = request.send().await.map_err(failure)?;
    let header = |name| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let date = http_date(header(DATE.as_str()));
    let mut answer = Answer {
        status: response.status().as_u16(),
        date,
        retry_after: retry_after(header(RETRY_AFTER.as_str()), date),
        diagnostics: header("x-ms-diagnostics").to_owned(),
        body: Vec::new(),
    };
    answer.body = response.bytes().await.map_err(failure)?.into();
    Ok(answer)
}

/// The answer is not what was agreed.
pub(super) fn malformed(detail: &dyn std::fmt::Display) -> CallError {
    CallError::Malformed { detail: detail.to_string() }
}

/// RFC 9110 5.6.7: IMF-fixdate, which is a subset of RFC 5322 dates.
fn http_date(text: &str) -> Option<Timestamp> {
    let instant = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

fn failure(error: reqwest::Error) -> Failure {
    let not_sent = error.is_connect() || error.is_builder();
    let place = error.url().map(shown).unwrap_or_default();
    let timed_out = error.is_timeout();
    let unusable = not_sent && needs_repair(&error);
    let detail = format!("{place}: {}", chain(&error.without_url()));
    Failure {
        error: if unusable {
            CallError::Unusable { detail }
        } else if timed_out {
            CallError::TimedOut { detail }
        } else {
            CallError::Unreachable { detail }
        },
        perhaps_done: !not_sent,
    }
}

/// An address without its query, which may hold a page token.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// An error with its causes: reqwest's own text names none of them.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wait that a service asks for is read in both forms, and never invented.
    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_clock_of_the_service() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now, Some(Timestamp::from_micros(784_111_777_000_000)));
        assert_eq!(retry_after("120", None), Some(Duration::from_mins(2)));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now),
            Some(Duration::from_secs(10))
        );
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("", now), None);
    }

    /// A tenant with odd characters must not break out of its path segment.
    #[test]
    fn places_keep_a_path_of_the_base_and_escape_segments() {
        let url = place("x", "https://127.0.0.1:8443/cloud/", &["a/b?c", "$batch"]).unwrap();
        assert_eq!(url.as_str(), "https://127.0.0.1:8443/cloud/a%2Fb%3Fc/$batch");
    }

    /// The token must not be sent wherever an answer points to.
    #[test]
    fn a_next_link_stays_with_its_service() {
        let base = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        assert!(next_link(&base, "https://graph.microsoft.com/v1.0/users?$skiptoken=x").is_ok());
        assert!(next_link(&base, "https://graph.example.com/v1.0/users").is_err());
        assert!(next_link(&base, "http://graph.microsoft.com/v1.0/users").is_err());
    }
}
