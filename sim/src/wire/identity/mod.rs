//! The identity platform: token service, discovery documents, and the check of bearer tokens.
//!
//! Sources: Microsoft identity platform, "OAuth 2.0 client credentials flow", "OpenID Connect on the
//! Microsoft identity platform", "Access tokens"; RFC 6749 4.4, RFC 6750.
//!
//! # Divergence from Microsoft Entra ID
//! Tokens live by the wall clock, not by the estate's: a leap of virtual time invalidates none. There
//! are client credentials (secret and certificate), password, device code and refresh token; the grants
//! that need a browser or act on behalf of another are refused as unsupported.

mod accounts;
mod applications;
mod bearer;
mod certificate;
mod device;
mod discovery;
mod error;
mod grant;
mod key;
mod resource_manager;
mod routes;
mod sign_in;
mod tenant;
mod token;

pub use accounts::{Account, Accounts, Obstacle};
pub use applications::{Application, Applications, app_role, scope};
pub(super) use bearer::{Bearer, BearerError, SignedIn};
pub use certificate::{Certificate, CertificateError};
pub(super) use tenant::Tenant;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::message::{Query, Request, decode};
use super::shared::SharedEstate;
use crate::chance::Chance;
use crate::guid::Guid;
use device::Devices;
use error::Refusal;
use grant::{Asked, Version};
use key::SigningKey;
use routes::Door;
pub use routes::endpoints;
use token::wall_clock;

/// Who can get tokens in a tenant.
pub(super) struct Identity {
    pub(super) tenant: Tenant,
    pub(super) applications: Applications,
    ids: Mutex<Chance>,
    devices: Mutex<Devices>,
    /// Wrong passwords by user principal name.
    failures: Mutex<BTreeMap<String, u32>>,
    /// Refresh tokens so far, and by user principal name how many there were when those before were revoked.
    serials: Mutex<(u64, BTreeMap<String, u64>)>,
}

/// What a request to the login host comes to.
enum Answered {
    Json(Value),
    /// The page where a device's code is entered.
    Page(StatusCode, String),
    /// A refusal in another service's words.
    Refused(StatusCode, Value),
    Nothing,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Identity {
    pub(super) fn new(tenant: Tenant, applications: Applications) -> Self {
        Self {
            tenant,
            applications,
            ids: Mutex::new(Chance::stream(0, "request ids")),
            devices: Mutex::default(),
            failures: Mutex::default(),
            serials: Mutex::default(),
        }
    }

    /// An id that was not given out before.
    pub(super) fn fresh_id(&self) -> Guid {
        locked(&self.ids).guid()
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        locked(&self.devices)
    }

    fn start_device(&self, client: Guid, scope: &str, now: u64) -> device::Code {
        let mut ids = locked(&self.ids);
        self.devices().start(&mut ids, client, scope, now)
    }

    /// The number of a new refresh token.
    fn next_serial(&self) -> u64 {
        let mut serials = locked(&self.serials);
        serials.0 += 1;
        serials.0
    }

    /// Revokes all refresh tokens of a user that were given out so far.
    pub(super) fn revoke(&self, upn: &str) {
        let mut serials = locked(&self.serials);
        let latest = serials.0;
        serials.1.insert(upn.to_ascii_lowercase(), latest);
    }

    fn is_revoked(&self, upn: &str, serial: u64) -> bool {
        let serials = locked(&self.serials);
        serials.1.get(&upn.to_ascii_lowercase()).is_some_and(|latest| serial <= *latest)
    }

    fn is_locked(&self, upn: &str) -> bool {
        locked(&self.failures)
            .get(&upn.to_ascii_lowercase())
            .is_some_and(|count| *count >= sign_in::ATTEMPTS)
    }

    fn count_failure(&self, upn: &str) {
        *locked(&self.failures).entry(upn.to_ascii_lowercase()).or_default() += 1;
    }

    /// Answers a request to the login host. Its clock is the wall clock.
    pub(super) async fn answer(&self, estate: &SharedEstate, request: &Request) -> Response<Body> {
        let answered = if routes::needs_key(request) {
            // Making the key takes tenths of a second; it must not hold up other connections.
            match tokio::task::spawn_blocking(SigningKey::of_process).await {
                Ok(Ok(key)) => {
                    routes::answer(&Door { identity: self, estate, request, key: Some(key) })
                }
                Ok(Err(why)) => Err(Refusal::unavailable(why)),
                Err(ended) => Err(Refusal::unavailable(&ended.to_string())),
            }
        } else {
            routes::answer(&Door { identity: self, estate, request, key: None })
        };
        self.response(request, answered)
    }

    /// An error of the token service itself.
    pub(super) fn failure(
        &self,
        request: &Request,
        status: u16,
        retry_after: Option<u32>,
    ) -> Response<Body> {
        let mut response = self.response(request, Err(Refusal::Failure(status)));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// There is no token: the certificate behind the client's assertion has expired.
    pub(super) fn certificate_expired(&self, request: &Request) -> Response<Body> {
        let form = Query::parse(&String::from_utf8_lossy(&request.body));
        let client = form.get("client_id").unwrap_or_default().to_owned();
        self.response(request, Err(Refusal::AssertionKeyExpired(client)))
    }

    fn response(&self, request: &Request, answered: Result<Answered, Refusal>) -> Response<Body> {
        const JSON: &str = "application/json; charset=utf-8";
        let (status, kind, body) = match answered {
            Ok(Answered::Json(body)) => (StatusCode::OK, JSON, body.to_string()),
            Ok(Answered::Page(status, page)) => (status, "text/html; charset=utf-8", page),
            Ok(Answered::Refused(status, body)) => (status, JSON, body.to_string()),
            Ok(Answered::Nothing) => (StatusCode::NOT_FOUND, "", String::new()),
            Err(refusal) => (refusal.status(), JSON, refusal.body(self, request).to_string()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        for name in ["x-ms-request-id", "client-request-id"] {
            let id =
                if name == "x-ms-request-id" { Some(&*request.id) } else { request.client_id() };
            if let Some(id) = id.and_then(|id| HeaderValue::from_str(id).ok()) {
                headers.insert(HeaderName::from_static(name), id);
            }
        }
        response
    }

    fn device_code(
        &self,
        estate: &SharedEstate,
        request: &Request,
        key: &SigningKey,
        (tenant, version): (&str, Version),
    ) -> Result<Answered, Refusal> {
        self.tenant.resolve_or_shared(tenant)?;
        let form = Query::parse(&String::from_utf8_lossy(&request.body));
        let tenant = self.tenant.id;
        let asked = Asked { identity: self, estate, request, key, form: &form, tenant, version };
        sign_in::device_code(&asked).map(Answered::Json)
    }

    /// Somebody enters a device's code.
    fn device_page(
        &self,
        estate: &SharedEstate,
        request: &Request,
        key: &SigningKey,
    ) -> Result<Answered, Refusal> {
        let form = Query::parse(&String::from_utf8_lossy(&request.body));
        let tenant = self.tenant.id;
        let version = Version::V2;
        let asked = Asked { identity: self, estate, request, key, form: &form, tenant, version };
        let code = asked.need("user_code")?;
        let again =
            |text: &str| Ok(Answered::Page(StatusCode::BAD_REQUEST, device::page(Some(text))));
        if !self.devices().is_waiting(code, wall_clock()) {
            return again("That code didn't work. Check the code and try again.");
        }
        let (user, password) = (asked.need("username")?, asked.need("password")?);
        match sign_in::authenticate(&asked, user, password) {
            Ok(person) => {
                self.devices().approve(code, person);
                Ok(Answered::Page(StatusCode::OK, device::DONE.to_owned()))
            }
            Err(refusal) => again(&format!("AADSTS{}", refusal.code())),
        }
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
