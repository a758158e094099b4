//! Graph's refusals.
//!
//! Source: Microsoft Graph, "Microsoft Graph error responses and resource types".

use serde_json::{Value, json};

use super::JSON;
use crate::clock::VirtualTime;
use crate::wire::identity::BearerError;
use crate::wire::message::{Answer, Request};
use crate::wire::shared::SharedEstate;

/// Every `error.code` that is answered here.
pub const CODES: [&str; 16] = [
    "Authorization_RequestDenied",
    "BadGateway",
    "BadRequest",
    "Conflict",
    "FailedDependency",
    "GatewayTimeout",
    "InternalServerError",
    "InvalidAuthenticationToken",
    "NotImplemented",
    "Request_BadRequest",
    "Request_ResourceNotFound",
    "Request_UnsupportedQuery",
    "TooManyRequests",
    "resyncRequired",
    "serviceNotAvailable",
    "syncStateNotFound",
];

/// A refusal: status, code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GraphError {
    pub(super) status: u16,
    code: &'static str,
    pub(super) message: String,
    /// `details[]`: code and target.
    detail: Option<(&'static str, String)>,
    /// Further headers of the answer.
    headers: Vec<(&'static str, String)>,
}

impl GraphError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(CODES.contains(&code), "{code} is in no list");
        Self { status, code, message: message.into(), detail: None, headers: Vec::new() }
    }

    /// With an element of `details`.
    pub(super) fn with_detail(mut self, code: &'static str, target: &str) -> Self {
        self.detail = Some((code, target.to_owned()));
        self
    }

    /// With a header in its answer.
    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The caller asks for too much.
    pub(super) fn throttled() -> Self {
        Self::new(429, "TooManyRequests", "Too Many Requests")
    }

    /// An error of the service itself.
    pub(super) fn of_service(status: u16) -> Self {
        match status {
            429 => Self::throttled(),
            500 => Self::new(
                500,
                "InternalServerError",
                "The server encountered an internal error. Please retry the request.",
            ),
            502 => Self::new(
                502,
                "BadGateway",
                "The server, while acting as a gateway, received an invalid response from a downstream server.",
            ),
            504 => Self::new(
                504,
                "GatewayTimeout",
                "The gateway did not receive a response from a downstream server within the specified time.",
            ),
            _ => Self::new(
                status,
                "serviceNotAvailable",
                "The service is temporarily unavailable. Please try again later.",
            ),
        }
    }

    /// A delta token that is unknown or too old.
    pub(super) fn no_sync_state() -> Self {
        Self::new(
            400,
            "syncStateNotFound",
            "The sync state generation is not found; full synchronization is required.",
        )
    }

    /// The service was set back: a delta query starts over at this address.
    pub(super) fn resync(location: String) -> Self {
        let message = "Resync required. Replace any local items with the server's version (including deletes).";
        Self::new(410, "resyncRequired", message).with_header("location", location)
    }

    pub(super) fn of_token(why: BearerError) -> Self {
        let message = match why {
            BearerError::Missing => "Access token is empty.",
            BearerError::Malformed => {
                "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE Compact Serialization Format."
            }
            BearerError::Expired => "Lifetime validation failed, the token is expired.",
            BearerError::Audience => "Access token validation failure. Invalid audience.",
        };
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub(super) fn denied() -> Self {
        Self::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    pub(super) fn no_resource(id: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// Nobody runs the job: no engine is attached to the estate.
    pub(super) fn no_engine() -> Self {
        Self::new(
            503,
            "serviceNotAvailable",
            "The service is temporarily unavailable: no provisioning engine is attached to this estate.",
        )
    }

    /// A reference that cannot be set by this call.
    pub(super) fn no_binding(name: &str, kind: &str) -> Self {
        Self::bad_request(format!(
            "The annotation '{name}' cannot be used in this request on resource '{kind}'."
        ))
    }

    pub(super) fn no_segment(segment: &str) -> Self {
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    pub(super) fn no_property(name: &str, kind: &str) -> Self {
        Self::new(
            400,
            "BadRequest",
            format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
            ),
        )
    }

    pub(super) fn no_filter_property(path: &[String], kind: &str) -> Self {
        let name = path.join("/");
        Self::new(
            400,
            "BadRequest",
            format!(
                "Invalid filter clause: Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
            ),
        )
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub(super) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub(super) fn not_implemented() -> Self {
        Self::new(501, "NotImplemented", "The requested operation is not implemented.")
    }

    /// The error object.
    pub(super) fn body(&self, at: VirtualTime, request: &Request) -> Value {
        let instant = super::instant(at);
        let mut body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                // Without a zone designator, as the service writes it.
                "date": instant.trim_end_matches('Z'),
                "request-id": request.id,
                "client-request-id": request.client_id().unwrap_or(&request.id),
            },
        }});
        if self.status == 429 {
            body["error"]["innerError"]["code"] = "429".into();
        }
        if let Some((code, target)) = &self.detail {
            body["error"]["details"] =
                json!([{"code": code, "message": self.message, "target": target}]);
        }
        body
    }

    /// As a whole answer.
    pub(super) fn answer(&self, estate: &SharedEstate, request: &Request) -> Answer {
        let at = estate.with(|estate| estate.now());
        let body = self.body(at, request).to_string().into_bytes();
        let answer = Answer::new(self.status, JSON, body, at);
        let answer =
            self.headers.iter().fold(answer, |answer, (name, value)| answer.with(name, value));
        if self.status == 401 {
            answer.with("www-authenticate", "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"")
        } else {
            answer
        }
    }
}
