//! Azure Resource Manager, as far as signing in with the Azure CLI asks it: which subscriptions there are, and
//! which tenants.
//!
//! Source: Azure Resource Manager REST reference, "Subscriptions - List", "Tenants - List"; "Common API
//! references", error responses.
//!
//! # Divergence from Azure Resource Manager
//! There is no subscription: who signs in says so (`az login --allow-no-subscriptions`).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::bearer::BearerError;
use super::routes::Door;
use super::{Answered, error::Refusal};

/// `GET /subscriptions`.
pub(super) fn subscriptions(door: &Door<'_>) -> Result<Answered, Refusal> {
    Ok(list(door, &[]))
}

/// `GET /tenants`.
pub(super) fn tenants(door: &Door<'_>) -> Result<Answered, Refusal> {
    let tenant = door.identity.tenant.id;
    let (domain, domains) = door.estate.with(|estate| {
        let domains = &estate.domains;
        (domains.verified.clone(), [domains.verified.clone(), domains.initial.clone()])
    });
    let own = json!({
        "id": format!("/tenants/{tenant}"),
        "tenantId": tenant.to_string(),
        "countryCode": "DE",
        "displayName": domain,
        "domains": domains,
        "tenantCategory": "Home",
        "defaultDomain": domain,
        "tenantType": "AAD",
    });
    Ok(list(door, &[own]))
}

fn list(door: &Door<'_>, all: &[Value]) -> Answered {
    if let Err(refused) = door.identity.manager_bearer(&door.request.headers) {
        let (code, message) = match refused {
            BearerError::Missing => (
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            ),
            BearerError::Malformed => {
                ("InvalidAuthenticationToken", "The access token is invalid.")
            }
            BearerError::Expired => ("ExpiredAuthenticationToken", "The access token expired."),
            BearerError::Audience => (
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'.",
            ),
        };
        return Answered::Refused(StatusCode::UNAUTHORIZED, error(code, message));
    }
    if door.request.address.query.get("api-version").is_none() {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        return Answered::Refused(
            StatusCode::BAD_REQUEST,
            error("MissingApiVersionParameter", message),
        );
    }
    Answered::Json(json!({"value": all, "count": {"type": "Total", "value": all.len()}}))
}

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message}})
}
