//! The admin API of Exchange Online: cmdlets over REST, under `/adminapi/beta/{tenant}`.
//!
//! Checked in this order: the tenant, the token, the application's role, the body, the cmdlet, its
//! parameters and values. The role is the estate's to check, so that a refusal costs virtual time as
//! in process; only a body that is none is refused here. Source: what public tools depend on (CIPP, graph2otel, azapptoolkit).
//!
//! # Divergence from Exchange Online
//! Of the surface there are `InvokeCommand` and `$batch`. Answers are always plain JSON; the CLIXML
//! of the PowerShell module is not offered. Page tokens do not run out by time.

mod batch;
mod body;
mod error;
mod invoke;
mod row;

use axum::http::Method;

use super::identity::{BearerError, Identity, app_role, scope};
use super::message::{Address, Answer, Request};
use super::shared::SharedEstate;
use crate::caller::Caller;
use crate::parity::Endpoint;
use crate::profile::Evidence;

/// What the links of an answer are made of.
struct Links<'r> {
    base: &'r str,
    address: &'r Address,
    prefer: Option<&'r str>,
}

/// What a path asks for.
#[derive(Clone, Copy)]
enum Asked {
    Invoke,
    Batch,
}

/// Every endpoint below `/adminapi` that is known here: of these the parity table is made. What has
/// nobody to answer it is refused like a path that does not exist.
const ENDPOINTS: [(Endpoint, Option<Asked>); 12] = [
    (Endpoint::new("POST", "/adminapi/beta/{tenant}/InvokeCommand"), Some(Asked::Invoke)),
    (
        Endpoint::new("POST", "/adminapi/beta/{tenant}/$batch").known_by(Evidence::Field),
        Some(Asked::Batch),
    ),
    (absent("GET", "/adminapi/v1.0/{tenant}/EXOModuleFile"), None),
    (absent("GET", "/adminapi/v1.0/{tenant}/EXOBanner('AutogenSession')"), None),
    (absent("GET", "/adminapi/beta/{tenant}"), None),
    (absent("GET", "/adminapi/beta/{tenant}/$metadata"), None),
    (absent("GET", "/adminapi/beta/{tenant}/Mailbox"), None),
    (absent("GET", "/adminapi/beta/{tenant}/Mailbox('{id}')"), None),
    (absent("GET", "/adminapi/beta/{tenant}/CasMailbox"), None),
    (absent("GET", "/adminapi/beta/{tenant}/Recipient"), None),
    (absent("GET", "/adminapi/beta/{tenant}/User"), None),
    (absent("POST", "/adminapi/v2.0/{tenant}/Mailbox"), None),
];

const fn absent(method: &'static str, path: &'static str) -> Endpoint {
    Endpoint::new(method, path).absent().known_by(Evidence::Field)
}

/// Every endpoint of Exchange Online that is known here.
pub fn endpoints() -> impl Iterator<Item = Endpoint> {
    ENDPOINTS.iter().map(|(endpoint, _)| *endpoint)
}

/// Answers a request under `/adminapi`.
pub(super) fn answer(estate: &SharedEstate, identity: &Identity, request: &Request) -> Answer {
    let now = || estate.with(|estate| estate.now());
    let endpoint = match endpoint(identity, request) {
        Ok(endpoint) => endpoint,
        Err((status, text)) => return error::of_gateway(status, &text, now()),
    };
    let permissions = [app_role::EXCHANGE_MANAGE, scope::EXCHANGE_MANAGE];
    let bearer = match identity.exchange_bearer(&request.headers) {
        Ok(bearer) if bearer.has_any(&permissions) => bearer,
        Ok(_) => return error::unauthorized("invalid_token", NO_PERMISSION, now()),
        Err(why) => return error::unauthorized("invalid_token", reason(why), now()),
    };
    let answer = estate.with(|estate| {
        let caller = bearer.caller(estate);
        match endpoint {
            Asked::Invoke => {
                let links = Links {
                    base: &request.base,
                    address: &request.address,
                    prefer: request.header("prefer"),
                };
                let body = serde_json::from_slice(&request.body);
                invoke::answer(estate, &caller, &links, body)
            }
            Asked::Batch => {
                batch::answer(estate, &caller, &identity.tenant, &request.base, &request.body)
            }
        }
    });
    answer.with("request-id", &request.id)
}

const NO_PERMISSION: &str = "The token has no application permission for this API.";

const fn reason(why: BearerError) -> &'static str {
    match why {
        BearerError::Missing => "There is no token.",
        BearerError::Malformed => "The token is malformed or was issued by another authority.",
        BearerError::Expired => "The token has expired.",
        BearerError::Audience => "The audience claim value is invalid for this resource.",
    }
}

fn endpoint(identity: &Identity, request: &Request) -> Result<Asked, (u16, String)> {
    let segments: Vec<&str> = request.address.segments.iter().map(String::as_str).collect();
    let nowhere = |segment: &str| (404, format!("Resource not found for the segment '{segment}'."));
    let [_, version, tenant, rest @ ..] = segments.as_slice() else {
        return Err(nowhere("adminapi"));
    };
    if !identity.tenant.is_called(tenant) {
        return Err((404, format!("The tenant '{tenant}' couldn't be found.")));
    }
    let [command] = rest else { return Err(nowhere(rest.last().unwrap_or(tenant))) };
    let called =
        |path: &str| path.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(command));
    let known = ENDPOINTS.iter().find_map(|(known, asked)| asked.filter(|_| called(known.path)));
    let endpoint = known.ok_or_else(|| nowhere(command))?;
    let beta = version.eq_ignore_ascii_case("beta");
    // Under v1.0 there is the path, but not the method.
    if request.method != Method::POST || (!beta && version.eq_ignore_ascii_case("v1.0")) {
        return Err((405, format!("The method is not allowed for '{command}'.")));
    }
    if beta { Ok(endpoint) } else { Err(nowhere(version)) }
}

#[cfg(test)]
mod tests;
