//! The identity platform: token service, discovery documents, and the check of bearer tokens.
//!
//! Sources: Microsoft identity platform, "OAuth 2.0 client credentials flow", "OpenID Connect on the
//! Microsoft identity platform", "Access tokens"; RFC 6749 4.4, RFC 6750.
//!
//! # Divergence from Microsoft Entra ID
//! Tokens live by the wall clock, not by the estate's: a leap of virtual time invalidates none. The
//! grants other than client credentials are refused as unsupported.

mod applications;
mod bearer;
mod discovery;
mod error;
mod grant;
mod key;
mod tenant;
mod token;

pub use applications::{Application, Applications, app_role};
pub(super) use bearer::{Bearer, BearerError};
pub(super) use tenant::Tenant;

use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use serde_json::Value;

use super::message::{Request, decode};
use crate::chance::Chance;
use crate::guid::Guid;
use error::Refusal;
use key::SigningKey;

/// Who can get tokens in a tenant.
pub(super) struct Identity {
    pub(super) tenant: Tenant,
    pub(super) applications: Applications,
    ids: Mutex<Chance>,
}

impl Identity {
    pub(super) fn new(tenant: Tenant, applications: Applications) -> Self {
        Self { tenant, applications, ids: Mutex::new(Chance::stream(0, "request ids")) }
    }

    /// An id that was not given out before.
    pub(super) fn fresh_id(&self) -> Guid {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).guid()
    }

    /// Answers a request to the login host. Its clock is the wall clock.
    pub(super) async fn answer(&self, request: &Request) -> Response<Body> {
        let answered = if self.needs_key(request) {
            // Making the key takes tenths of a second; it must not hold up other connections.
            match tokio::task::spawn_blocking(SigningKey::of_process).await {
                Ok(Ok(key)) => self.route(request, Some(key)),
                Ok(Err(why)) => Err(Refusal::unavailable(why)),
                Err(ended) => Err(Refusal::unavailable(&ended.to_string())),
            }
        } else {
            self.route(request, None)
        };
        let (status, body) = match answered {
            Ok(Some(body)) => (StatusCode::OK, body.to_string()),
            Ok(None) => (StatusCode::NOT_FOUND, String::new()),
            Err(refusal) => (refusal.status(), refusal.body(self, request).to_string()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if status != StatusCode::NOT_FOUND {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            headers.insert(CONTENT_TYPE, json);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        if let Ok(id) = HeaderValue::from_str(&request.id) {
            headers.insert(HeaderName::from_static("x-ms-request-id"), id);
        }
        response
    }

    fn needs_key(&self, request: &Request) -> bool {
        request
            .address
            .segments
            .last()
            .is_some_and(|last| ["token", "keys"].iter().any(|k| last.eq_ignore_ascii_case(k)))
    }

    /// `None`: there is nothing here.
    fn route(
        &self,
        request: &Request,
        key: Option<&'static SigningKey>,
    ) -> Result<Option<Value>, Refusal> {
        let lower: Vec<String> =
            request.address.segments.iter().map(|s| s.to_ascii_lowercase()).collect();
        let path: Vec<&str> = lower.iter().map(String::as_str).collect();
        let name = request.address.segments.first().map_or("", String::as_str);
        let get = request.method == Method::GET;
        Ok(match (path.as_slice(), key) {
            ([_, "oauth2", "v2.0", "token"], Some(key)) if request.method == Method::POST => {
                Some(grant::answer(self, request, key, name, grant::Version::V2)?)
            }
            ([_, "oauth2", "token"], Some(key)) if request.method == Method::POST => {
                Some(grant::answer(self, request, key, name, grant::Version::V1)?)
            }
            ([_, "v2.0", ".well-known", "openid-configuration"], _) if get => {
                Some(discovery::v2(&request.base, self.tenant.resolve_or_shared(name)?))
            }
            ([_, ".well-known", "openid-configuration"], _) if get => {
                Some(discovery::v1(&request.base, self.tenant.resolve_or_shared(name)?))
            }
            ([_, "discovery", "v2.0", "keys"] | [_, "discovery", "keys"], Some(key)) if get => {
                self.tenant.resolve_or_shared(name)?;
                Some(key.set(&format!("https://sts.windows.net/{}/", self.tenant.id)))
            }
            ([_, "discovery", "instance"], _) if get => Some(discovery::instance(request)?),
            _ => None,
        })
    }
}

/// The user and password of `Authorization: Basic` (RFC 7617), each form-encoded (RFC 6749 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((decode(user, true), decode(password, true)))
}

#[cfg(test)]
mod tests;
