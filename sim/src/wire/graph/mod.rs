//! Microsoft Graph, `v1.0` and `beta`.
//!
//! Sources: Microsoft Graph REST reference; "Use query parameters", "Paging", "Combine multiple
//! requests in one HTTP call using JSON batching", "Microsoft Graph error responses".
//!
//! # Divergence from Microsoft Graph
//! Query options that are not modelled for a resource are refused as unsupported, never passed over;
//! documented methods that are not modelled answer 501. Both versions show the same properties.

mod asked;
mod audit;
mod batch;
mod budget;
mod contacts;
mod delta;
mod directory;
mod error;
mod expand;
mod filter;
mod group_delta;
mod groups;
mod job_view;
mod licences;
mod listing;
mod membership;
mod on_demand;
mod organization;
mod path;
pub mod person;
mod principals;
mod publishing;
mod query;
mod relations;
mod roles;
mod routes;
mod schema;
mod search;
mod secrets;
mod sync_behavior;
mod synchronization;
mod user;
mod user_changes;
mod user_values;
mod users;

use axum::http::Method;
use serde_json::Value;

use super::identity::{Bearer, Identity, SignedIn, app_role, scope};
use super::message::{Address, Answer, Request};
use super::shared::SharedEstate;
use crate::caller::Caller;
use crate::clock::VirtualTime;
use crate::entra::audit::Initiator;
use crate::estate::Estate;
use crate::guid::Guid;
pub use asked::form;
pub use error::CODES as ERROR_CODES;
use error::GraphError;
pub(super) use on_demand::answered as answered_on_demand;
pub use routes::{Served, endpoints, served};
pub use user::is_known as is_user_property;

const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// One operation on Graph: a request, or a part of a batch.
struct Operation<'o> {
    estate: &'o SharedEstate,
    identity: &'o Identity,
    bearer: &'o Bearer<'o>,
    /// Scheme, host and port of the request.
    base: &'o str,
    /// `v1.0` or `beta`.
    version: &'static str,
    method: Method,
    address: &'o Address,
    /// Whether `ConsistencyLevel: eventual` was sent.
    eventual: bool,
    /// `odata.maxpagesize` of `Prefer`.
    page_size: Option<usize>,
    /// `return=minimal` of `Prefer`.
    minimal: bool,
    body: &'o [u8],
}

impl Operation<'_> {
    /// Does something with the estate, as the caller.
    fn with<T>(&self, act: impl FnOnce(&mut Estate, &Caller) -> T) -> T {
        self.estate.with(|estate| {
            let caller = self.bearer.caller(estate);
            act(estate, &caller)
        })
    }

    /// Who is asked of, for the audit log.
    fn initiator(&self) -> Initiator {
        match &self.bearer.person {
            Some(person) => Initiator::User { id: person.id.to_string(), upn: person.upn.clone() },
            None => Initiator::Application {
                name: self.bearer.application.name.clone(),
                principal: self.bearer.application.principal.to_string(),
            },
        }
    }

    /// Goes on when the token carries one of these app roles.
    fn require(&self, roles: &[&str]) -> Result<(), GraphError> {
        if self.bearer.has_any(roles) { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// Goes on when every query option is one of these (named without `$`).
    fn only_options(&self, known: &[&str]) -> Result<(), GraphError> {
        let unknown = self.address.query.names().find(|name| {
            let option = name.strip_prefix('$');
            // Without `$` it may be anybody's parameter; Graph passes over what it does not know.
            let option = option.or_else(|| {
                ODATA.iter().any(|known| known.eq_ignore_ascii_case(name)).then_some(*name)
            });
            option.is_some_and(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)))
        });
        match unknown {
            None => Ok(()),
            Some(_) => Err(GraphError::unsupported_query("Unsupported Query.")),
        }
    }

    /// The address of `@odata.context`.
    fn context(&self, what: &str) -> String {
        format!("{}/{}/$metadata#{what}", self.base, self.version)
    }
}

/// OData system query options, which Graph takes without `$` as well.
const ODATA: [&str; 9] =
    ["select", "filter", "expand", "orderby", "top", "skip", "count", "search", "skiptoken"];

/// Answers a request under `/v1.0` or `/beta`.
pub(super) fn answer(estate: &SharedEstate, identity: &Identity, request: &Request) -> Answer {
    let answer = identity
        .graph_bearer(&request.headers)
        .map_err(GraphError::of_token)
        .and_then(|bearer| {
            let operation = Operation {
                estate,
                identity,
                bearer: &bearer,
                base: &request.base,
                version: version(&request.address),
                method: request.method.clone(),
                address: &request.address,
                eventual: request
                    .header("consistencylevel")
                    .is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
                page_size: request.header("prefer").and_then(page_size),
                minimal: request.header("prefer").is_some_and(is_minimal),
                body: &request.body,
            };
            let segments = path::normalized(&request.address.segments);
            if matches!(segments.get(1..), Some([batch]) if batch.is("$batch")) {
                batch::answer(&operation, request)
            } else {
                budget::within(&operation)
            }
        })
        .unwrap_or_else(|error| error.answer(estate, request));
    described(answer, request)
}

/// `odata.maxpagesize` of a `Prefer` header.
fn page_size(prefer: &str) -> Option<usize> {
    prefer
        .split([';', ','])
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("odata.maxpagesize"))
        .and_then(|(_, value)| value.trim().trim_matches('"').parse().ok())
        .filter(|size| *size > 0)
}

/// Whether a `Prefer` header asks for changed properties alone.
fn is_minimal(prefer: &str) -> bool {
    let mut preferences = prefer.split([';', ',']);
    preferences.any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"))
}

/// The engine has not answered in time: neither a request of its own, nor those parts of a batch that still
/// wait.
pub(super) fn timed_out(estate: &SharedEstate, request: &Request, mut answer: Answer) -> Answer {
    let error =
        GraphError::new(504, "GatewayTimeout", "The provisioning service did not answer in time.");
    if answer.body.is_empty() {
        return error.answer(estate, request).with("request-id", &request.id);
    }
    let at = estate.with(|estate| estate.now());
    let part = format!("\"status\":504,\"headers\":{{}},\"body\":{}", error.body(at, request));
    for waiting in answer.waits_for.clone() {
        answer.fill(waiting, part.as_bytes());
    }
    answer
}

/// An error of the service itself.
pub(super) fn failure(
    estate: &SharedEstate,
    identity: &Identity,
    request: &Request,
    status: (u16, Option<&'static str>),
    retry_after: Option<u32>,
) -> Answer {
    let application = identity
        .graph_bearer(&request.headers)
        .map_or_else(|_| String::new(), |bearer| bearer.application.client_id.to_string());
    let owner = format!("{}/{application}", identity.tenant.id);
    let error = budget::failed(estate, &request.address, &owner, status, retry_after);
    described(error.answer(estate, request), request)
}

/// A body that is larger than Graph takes, as it tells clients of it.
pub(super) fn too_large(estate: &SharedEstate, request: &Request) -> Answer {
    let error = GraphError::new(413, "BadRequest", "The maximum request length supported is 4MB.");
    described(error.answer(estate, request), request)
}

/// With the headers that every answer of Graph has.
fn described(answer: Answer, request: &Request) -> Answer {
    let answer = answer
        .with("request-id", &request.id)
        .with("cache-control", "no-cache")
        .with("strict-transport-security", "max-age=31536000")
        .with("x-ms-ags-diagnostic", DIAGNOSTIC);
    match request.client_id() {
        Some(id) => answer.with("client-request-id", id),
        None => answer,
    }
}

/// Which server answered: always the one there is.
const DIAGNOSTIC: &str = r#"{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"SIM000"}}"#;

/// The token is not taken any more.
pub(super) fn token_refused(estate: &SharedEstate, request: &Request) -> Answer {
    let refusal = GraphError::of_token(super::identity::BearerError::Expired);
    refusal.answer(estate, request).with("request-id", &request.id)
}

fn version(address: &Address) -> &'static str {
    let beta = address.segments.first().is_some_and(|s| s.eq_ignore_ascii_case("beta"));
    if beta { "beta" } else { "v1.0" }
}

/// `GET /me`: only somebody who signed in is somebody.
fn me(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    let person = signed_in(operation)?;
    // Somebody may see their own record with `User.Read` alone.
    operation.require(&[
        scope::USER_READ,
        app_role::USER_READ,
        app_role::USER,
        app_role::DIRECTORY_READ,
        app_role::DIRECTORY,
    ])?;
    match users::show(operation, &person.id.to_string()) {
        Err(refusal) if refusal.status == 404 => {
            users::show_account(operation, person.id, &person.upn)
        }
        shown => shown,
    }
}

/// Who signed in.
fn signed_in<'o>(operation: &'o Operation<'_>) -> Result<&'o SignedIn, GraphError> {
    operation.bearer.person.as_ref().ok_or_else(|| {
        GraphError::bad_request("/me request is only valid with delegated authentication flow.")
    })
}

/// A body of JSON.
fn ok(body: &Value, at: VirtualTime) -> Answer {
    Answer::new(200, JSON, body.to_string().into_bytes(), at).with("odata-version", "4.0")
}

/// A GUID out of a path or body.
fn guid(text: &str) -> Option<Guid> {
    text.parse().ok()
}

/// A GUID that follows from what it is the id of, for things that have none of their own.
fn derived_id(of: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, of.as_bytes()).to_string()
}

/// As Graph writes instants.
fn instant(at: VirtualTime) -> String {
    at.floor_to_second().to_string()
}

/// The members of a JSON object under the names that the service spells: it takes them in any case.
fn spelt(
    members: serde_json::Map<String, Value>,
    names: &[&str],
) -> serde_json::Map<String, Value> {
    let spelt = |given: String| {
        let known = names.iter().find(|name| name.eq_ignore_ascii_case(&given));
        known.map_or(given, |name| (*name).to_owned())
    };
    members.into_iter().map(|(name, value)| (spelt(name), value)).collect()
}

#[cfg(test)]
mod directory_tests;
#[cfg(test)]
mod job_tests;
#[cfg(test)]
mod tests;
