//! `POST /{tenant}/oauth2/v2.0/token` and its predecessor: the client credentials grant.

use serde_json::{Value, json};

use super::error::Refusal;
use super::key::SigningKey;
use super::token::{Claims, LIFE, Resource, wall_clock};
use super::{Application, Identity, basic};
use crate::guid::Guid;
use crate::wire::message::{Query, Request};

/// Which endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `resource` instead of `scope`, numbers as text.
    V1,
    V2,
}

pub(super) fn answer(
    identity: &Identity,
    request: &Request,
    key: &SigningKey,
    tenant: &str,
    version: Version,
) -> Result<Value, Refusal> {
    let tenant = identity.tenant.resolve(tenant)?;
    let form = Query::parse(&String::from_utf8_lossy(&request.body));
    match form.get("grant_type") {
        None => return Err(Refusal::MissingParameter("grant_type")),
        Some("client_credentials") => {}
        Some(other) => return Err(Refusal::UnsupportedGrant(other.to_owned())),
    }
    let application = authenticate(identity, request, &form, tenant)?;
    let audience = match version {
        Version::V1 => {
            form.get("resource").ok_or(Refusal::MissingParameter("resource"))?.to_owned()
        }
        Version::V2 => audience(form.get("scope").ok_or(Refusal::MissingParameter("scope"))?)?,
    };
    let resource = Resource::find(&audience).ok_or_else(|| Refusal::UnknownResource {
        resource: audience.clone(),
        tenant: tenant.to_string(),
    })?;
    let claims = Claims::new(identity, application, resource, &audience, wall_clock());
    let token = jsonwebtoken::encode(&key.header(), &claims, &key.private)
        .map_err(|error| Refusal::unavailable(&error.to_string()))?;
    Ok(match version {
        Version::V1 => json!({
            "token_type": "Bearer",
            "expires_in": LIFE.to_string(),
            "ext_expires_in": LIFE.to_string(),
            "expires_on": claims.exp.to_string(),
            "not_before": claims.nbf.to_string(),
            "resource": audience,
            "access_token": token,
        }),
        Version::V2 => json!({
            "token_type": "Bearer",
            "expires_in": LIFE,
            "ext_expires_in": LIFE,
            "access_token": token,
        }),
    })
}

/// The application, once its secret is right.
fn authenticate<'i>(
    identity: &'i Identity,
    request: &Request,
    form: &Query,
    tenant: Guid,
) -> Result<&'i Application, Refusal> {
    let header = request.header("authorization").and_then(basic);
    let (id, secret) = match &header {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (form.get("client_id"), form.get("client_secret")),
    };
    let id = id.ok_or(Refusal::MissingParameter("client_id"))?;
    let application =
        id.parse().ok().and_then(|id| identity.applications.by_client_id(id)).ok_or_else(|| {
            Refusal::UnknownApplication { id: id.to_owned(), tenant: tenant.to_string() }
        })?;
    match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) if secret == application.secret => Ok(application),
        Some(_) => Err(Refusal::WrongSecret(application.client_id.to_string())),
        // No application here has a certificate.
        None if form.get("client_assertion").is_some() => {
            Err(Refusal::UnknownAssertionKey(application.client_id.to_string()))
        }
        None => Err(Refusal::NoCredential),
    }
}

/// The resource of a scope (Microsoft identity platform, "The .default scope"): `x/.default` is
/// about `x`, and `.default` alone about Microsoft Graph.
fn audience(scope: &str) -> Result<String, Refusal> {
    let mut scopes = scope.split_whitespace();
    let (Some(scope), None) = (scopes.next(), scopes.next()) else {
        return Err(Refusal::WrongScope(scope.to_owned()));
    };
    if scope == ".default" {
        return Ok("https://graph.microsoft.com".to_owned());
    }
    match scope.strip_suffix("/.default") {
        Some(resource) if !resource.is_empty() => Ok(resource.to_owned()),
        _ => Err(Refusal::ScopeWithoutDefault(scope.to_owned())),
    }
}
