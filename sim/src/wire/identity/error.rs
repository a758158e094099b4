//! How the token service refuses.
//!
//! Source: Microsoft Learn, "Microsoft Entra authentication and authorization error codes".

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Identity;
use crate::wire::message::Request;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    MissingParameter(&'static str),
    UnsupportedGrant(String),
    UnknownTenant(String),
    NoTenantName(String),
    NoTenantInformation,
    UnknownApplication { id: String, tenant: String },
    NoCredential,
    WrongSecret(String),
    UnknownAssertionKey(String),
    WrongScope(String),
    ScopeWithoutDefault(String),
    UnknownResource { resource: String, tenant: String },
    UnknownInstance(String),
    Unavailable(String),
}

impl Refusal {
    pub(super) fn unavailable(why: &str) -> Self {
        Self::Unavailable(why.to_owned())
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoCredential | Self::WrongSecret(_) | Self::UnknownAssertionKey(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn error(&self) -> &'static str {
        match self {
            Self::MissingParameter(_)
            | Self::UnknownTenant(_)
            | Self::NoTenantName(_)
            | Self::NoTenantInformation => "invalid_request",
            Self::UnsupportedGrant(_) => "unsupported_grant_type",
            Self::UnknownApplication { .. } => "unauthorized_client",
            Self::NoCredential | Self::WrongSecret(_) | Self::UnknownAssertionKey(_) => {
                "invalid_client"
            }
            Self::WrongScope(_) | Self::ScopeWithoutDefault(_) => "invalid_scope",
            Self::UnknownResource { .. } => "invalid_resource",
            Self::UnknownInstance(_) => "invalid_instance",
            Self::Unavailable(_) => "temporarily_unavailable",
        }
    }

    /// The number after `AADSTS`.
    pub(super) fn code(&self) -> u32 {
        match self {
            Self::MissingParameter(_) => 900_144,
            Self::UnsupportedGrant(_) => 70_003,
            Self::UnknownTenant(_) => 90_002,
            Self::NoTenantName(_) => 900_023,
            Self::NoTenantInformation => 50_059,
            Self::UnknownApplication { .. } => 700_016,
            Self::NoCredential => 7_000_216,
            Self::WrongSecret(_) => 7_000_215,
            Self::UnknownAssertionKey(_) => 700_027,
            Self::WrongScope(_) => 70_011,
            Self::ScopeWithoutDefault(_) => 1_002_012,
            Self::UnknownResource { .. } => 500_011,
            Self::UnknownInstance(_) => 50_049,
            Self::Unavailable(_) => 90_033,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::MissingParameter(name) => format!(
                "The request body must contain the following parameter: '{name}'."
            ),
            Self::UnsupportedGrant(grant) => {
                format!("The app requested an unsupported grant type '{grant}'.")
            }
            Self::UnknownTenant(name) => format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
            Self::NoTenantName(name) => format!(
                "Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain."
            ),
            Self::NoTenantInformation => "No tenant-identifying information found in either the request or implied by any provided credentials.".to_owned(),
            Self::UnknownApplication { id, tenant } => format!(
                "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ),
            Self::NoCredential => "'client_assertion', 'client_secret' or 'client_request' is required for the 'client_credentials' grant type.".to_owned(),
            Self::WrongSecret(id) => format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
            ),
            Self::UnknownAssertionKey(id) => format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Please visit the Azure Portal or Graph Explorer to find and update the application '{id}'.]"
            ),
            Self::WrongScope(scope) => format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            ),
            Self::ScopeWithoutDefault(scope) => format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            ),
            Self::UnknownResource { resource, tenant } => format!(
                "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            ),
            Self::UnknownInstance(host) => {
                format!("Unknown or invalid instance: '{host}'.")
            }
            Self::Unavailable(why) => {
                format!("A transient error has occurred. Please try again. {why}")
            }
        }
    }

    /// The answer's body.
    pub(super) fn body(&self, identity: &Identity, request: &Request) -> Value {
        let timestamp = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let correlation =
            request.client_id().map_or_else(|| identity.fresh_id().to_string(), str::to_owned);
        let code = self.code();
        json!({
            "error": self.error(),
            "error_description": format!(
                "AADSTS{code}: {} Trace ID: {} Correlation ID: {correlation} Timestamp: {timestamp}",
                self.text(),
                request.id,
            ),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": request.id,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={code}", request.base),
        })
    }
}
