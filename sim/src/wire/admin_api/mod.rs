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

/// What the links of an answer are made of.
struct Links<'r> {
    base: &'r str,
    address: &'r Address,
    prefer: Option<&'r str>,
}

/// What a path asks for.
enum Endpoint {
    Invoke,
    Batch,
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
            Endpoint::Invoke => {
                let links = Links {
                    base: &request.base,
                    address: &request.address,
                    prefer: request.header("prefer"),
                };
                let body = serde_json::from_slice(&request.body);
                invoke::answer(estate, &caller, &links, body)
            }
            Endpoint::Batch => {
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

fn endpoint(identity: &Identity, request: &Request) -> Result<Endpoint, (u16, String)> {
    let segments: Vec<&str> = request.address.segments.iter().map(String::as_str).collect();
    let absent = |segment: &str| (404, format!("Resource not found for the segment '{segment}'."));
    let [_, version, tenant, rest @ ..] = segments.as_slice() else {
        return Err(absent("adminapi"));
    };
    if !identity.tenant.is_called(tenant) {
        return Err((404, format!("The tenant '{tenant}' couldn't be found.")));
    }
    let [command] = rest else { return Err(absent(rest.last().unwrap_or(tenant))) };
    let endpoint = if command.eq_ignore_ascii_case("InvokeCommand") {
        Endpoint::Invoke
    } else if command.eq_ignore_ascii_case("$batch") {
        Endpoint::Batch
    } else {
        return Err(absent(command));
    };
    let beta = version.eq_ignore_ascii_case("beta");
    // Under v1.0 there is the path, but not the method.
    if request.method != Method::POST || (!beta && version.eq_ignore_ascii_case("v1.0")) {
        return Err((405, format!("The method is not allowed for '{command}'.")));
    }
    if beta { Ok(endpoint) } else { Err(absent(version)) }
}

#[cfg(test)]
mod tests;
