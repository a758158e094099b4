//! Requests by somebody in a role, without a server between: what a story asks of Graph.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

use super::{Operation, batch, budget, path, routes, version};
use crate::caller::Role;
use crate::wire::identity::{Applications, Bearer, Identity, Tenant};
use crate::wire::message::{Address, Request};
use crate::wire::shared::SharedEstate;

/// Scheme and host of links in answers that no server sent.
const BASE: &str = "https://graph.microsoft.com";

/// What Graph answered.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when there is none.
    pub body: Value,
}

impl GraphAnswer {
    /// Whether it is a success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status < 400
    }

    /// `error.code`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.body.get("error")?.get("code")?.as_str()
    }

    /// `error.message`.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.body.get("error")?.get("message")?.as_str()
    }
}

/// A request to Graph in the name of a person with this role. `method` is in capitals; `address` is
/// path and query after the version, or with it (`/beta/users`).
#[must_use]
pub fn request(
    estate: &SharedEstate,
    role: Role,
    method: &str,
    address: &str,
    body: Option<&Value>,
) -> GraphAnswer {
    let tenant = estate.with(|estate| Tenant::of(estate));
    let applications = Applications::standard(0);
    // Whoever has a role of Exchange Online alone may look here.
    let own = applications.engine(role).or_else(|| applications.engine(Role::Reader));
    let Some(application) = own else {
        return GraphAnswer { status: 401, body: Value::Null };
    };
    let bearer = Bearer::of_person(application, role);
    let identity = Identity::new(tenant, Applications::default());
    let is_versioned = ["/v1.0/", "/beta/"].iter().any(|version| address.starts_with(version));
    let address = if is_versioned { address.to_owned() } else { format!("/v1.0{address}") };
    let request = Request {
        method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET),
        base: BASE.to_owned(),
        address: Address::parse(&address),
        headers: HeaderMap::new(),
        body: body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
        id: identity.fresh_id().to_string(),
        struck_part: None,
    };
    let operation = Operation {
        estate,
        identity: &identity,
        bearer: &bearer,
        base: &request.base,
        version: version(&request.address),
        method: request.method.clone(),
        address: &request.address,
        eventual: true,
        page_size: None,
        minimal: false,
        body: &request.body,
    };
    let segments = path::normalized(&request.address.segments);
    let answered = if matches!(segments.get(1..), Some([only]) if only.is("$batch")) {
        batch::answer(&operation, &request)
    } else {
        match budget::used_up(&operation) {
            Some(error) => Err(error),
            None => routes::answer(&operation),
        }
    };
    let answer = answered.unwrap_or_else(|error| error.answer(estate, &request));
    GraphAnswer {
        status: answer.status.as_u16(),
        body: serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
    }
}
