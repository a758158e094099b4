//! The admin API of Exchange Online: cmdlets over REST, under `/adminapi/beta/{tenant}`.
//!
//! Checked in this order: the tenant, the token, the application's role, the body, the cmdlet, its
//! parameters and values. The role is the estate's to check, so that a refusal costs virtual time as
//! in process; only a body that is none is refused here. Source: what public tools depend on (CIPP, graph2otel, azapptoolkit).
//!
//! # Divergence from Exchange Online
//! Of the surface there are `InvokeCommand`, `$batch`, what the module asks for when it connects, and reads
//! of mailboxes, recipients and users. Answers are always plain JSON; the CLIXML
//! of the PowerShell module is not offered.

mod batch;
mod body;
mod defaults;
mod entity;
mod error;
mod invoke;
mod row;

use entity::Set;

use super::identity::{BearerError, Identity, app_role, scope};
use super::message::{Address, Answer, Request};
use super::shared::SharedEstate;
use crate::caller::Caller;
use crate::estate::Estate;
use crate::exchange::cmdlets::CmdletError;
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
    ModuleFile,
    Banner,
    ServiceDocument,
    Entities(Set),
    Entity(Set),
}

/// Every endpoint below `/adminapi` that is known here: of these the parity table is made. What has
/// nobody to answer it is refused like a path that does not exist.
const ENDPOINTS: [(Endpoint, Option<Asked>); 15] = [
    (Endpoint::new("POST", "/adminapi/beta/{tenant}/InvokeCommand"), Some(Asked::Invoke)),
    (
        Endpoint::new("POST", "/adminapi/beta/{tenant}/$batch").known_by(Evidence::Field),
        Some(Asked::Batch),
    ),
    (
        seen("/adminapi/v1.0/{tenant}/EXOModuleFile").differing("names the cmdlets alone"),
        Some(Asked::ModuleFile),
    ),
    (seen("/adminapi/v1.0/{tenant}/EXOBanner('AutogenSession')"), Some(Asked::Banner)),
    (
        seen("/adminapi/beta/{tenant}").differing("lists the entity sets that are here"),
        Some(Asked::ServiceDocument),
    ),
    (absent("GET", "/adminapi/beta/{tenant}/$metadata"), None),
    (seen("/adminapi/beta/{tenant}/Mailbox"), Some(Asked::Entities(Set::Mailbox))),
    (seen("/adminapi/beta/{tenant}/Mailbox('{id}')"), Some(Asked::Entity(Set::Mailbox))),
    (absent("GET", "/adminapi/beta/{tenant}/CasMailbox"), None),
    (seen("/adminapi/beta/{tenant}/Recipient"), Some(Asked::Entities(Set::Recipient))),
    (seen("/adminapi/beta/{tenant}/Recipient('{id}')"), Some(Asked::Entity(Set::Recipient))),
    (seen("/adminapi/beta/{tenant}/User"), Some(Asked::Entities(Set::User))),
    (seen("/adminapi/beta/{tenant}/User('{id}')"), Some(Asked::Entity(Set::User))),
    (absent("POST", "/adminapi/v2.0/{tenant}/OrganizationConfig"), None),
    (absent("POST", "/adminapi/v2.0/{tenant}/Mailbox"), None),
];

const fn absent(method: &'static str, path: &'static str) -> Endpoint {
    Endpoint::new(method, path).absent().known_by(Evidence::Field)
}

/// A read that public tools make.
const fn seen(path: &'static str) -> Endpoint {
    Endpoint::new("GET", path).known_by(Evidence::Field)
}

/// Every endpoint of Exchange Online that is known here.
pub fn endpoints() -> impl Iterator<Item = Endpoint> {
    ENDPOINTS.iter().map(|(endpoint, _)| *endpoint)
}

/// Answers a request under `/adminapi`.
pub(super) fn answer(estate: &SharedEstate, identity: &Identity, request: &Request) -> Answer {
    let now = || estate.with(|estate| estate.now());
    let endpoint = match endpoint(identity, request.method.as_str(), &request.address) {
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
        let links = Links {
            base: &request.base,
            address: &request.address,
            prefer: request.header("prefer"),
        };
        match endpoint {
            Asked::Invoke => {
                let body = serde_json::from_slice(&request.body);
                invoke::answer(estate, &caller, &links, body)
            }
            Asked::Batch => batch::answer(estate, &caller, identity, request),
            asked => read(estate, &caller, &links, asked),
        }
    });
    let answer = answer.with("request-id", &request.id);
    match request.client_id() {
        Some(id) => answer.with("client-request-id", id),
        None => answer,
    }
}

/// What is asked for by GET.
fn read(estate: &mut Estate, caller: &Caller, links: &Links<'_>, asked: Asked) -> Answer {
    let last = links.address.segments.last();
    match asked {
        Asked::ModuleFile => entity::module_file(estate, caller, links.base),
        Asked::Banner => entity::banner(estate, links.base),
        Asked::Entities(set) => entity::read(estate, caller, links, set, None),
        Asked::Entity(set) => {
            let key = last.and_then(|last| Set::parse(last)).and_then(|(_, key)| key);
            entity::read(estate, caller, links, set, key)
        }
        // Cmdlets and batches come by POST, and have been answered.
        Asked::ServiceDocument | Asked::Invoke | Asked::Batch => {
            entity::service_document(estate, links.base)
        }
    }
}

/// An error of the service itself.
pub(super) fn failure(
    estate: &SharedEstate,
    request: &Request,
    status: u16,
    retry_after: Option<u32>,
) -> Answer {
    let at = estate.with(|estate| estate.now());
    error::of_service(status, retry_after, at).with("request-id", &request.id)
}

/// The page token of a listing is not known any more.
pub(super) fn page_expired(estate: &SharedEstate, request: &Request) -> Answer {
    let at = estate.with(|estate| estate.now());
    error::of_cmdlet(&CmdletError::page_expired(), at).with("request-id", &request.id)
}

/// The token is not taken any more.
pub(super) fn token_refused(estate: &SharedEstate, request: &Request) -> Answer {
    let at = estate.with(|estate| estate.now());
    error::unauthorized("invalid_token", reason(BearerError::Expired), at)
        .with("request-id", &request.id)
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

fn endpoint(identity: &Identity, method: &str, address: &Address) -> Result<Asked, (u16, String)> {
    let segments: Vec<&str> = address.segments.iter().map(String::as_str).collect();
    let nowhere = |segment: &str| (404, format!("Resource not found for the segment '{segment}'."));
    let [api, version, tenant, rest @ ..] = segments.as_slice() else {
        return Err(nowhere("adminapi"));
    };
    if !api.eq_ignore_ascii_case("adminapi") {
        return Err(nowhere(api));
    }
    if !identity.tenant.is_called(tenant) {
        return Err((404, format!("The tenant '{tenant}' couldn't be found.")));
    }
    let beta = version.eq_ignore_ascii_case("beta");
    let stable = version.eq_ignore_ascii_case("v1.0");
    if !beta && !stable {
        return Err(nowhere(version));
    }
    let asked = match rest {
        [] => Some(Asked::ServiceDocument),
        [command] => found(command),
        _ => None,
    };
    let asked = asked.ok_or_else(|| nowhere(rest.last().unwrap_or(tenant)))?;
    let by_post = matches!(asked, Asked::Invoke | Asked::Batch);
    // Under v1.0 cmdlets have the path, but not the method.
    let expected = if by_post { "POST" } else { "GET" };
    if method != expected || (by_post && stable) {
        let command = rest.last().unwrap_or(tenant);
        return Err((405, format!("The method is not allowed for '{command}'.")));
    }
    Ok(asked)
}

/// What is called by the last part of a path.
fn found(command: &str) -> Option<Asked> {
    if let Some((set, key)) = Set::parse(command) {
        return Some(if key.is_some() { Asked::Entity(set) } else { Asked::Entities(set) });
    }
    let called =
        |path: &str| path.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(command));
    ENDPOINTS.iter().find_map(|(known, asked)| asked.filter(|_| called(known.path)))
}

#[cfg(test)]
mod tests;
