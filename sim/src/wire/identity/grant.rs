//! `POST /{tenant}/oauth2/v2.0/token` and its predecessor: which grant, which client.
//!
//! Sources: Microsoft identity platform, "OAuth 2.0 client credentials flow", "Resource Owner Password
//! Credentials", "OAuth 2.0 device authorization grant"; RFC 6749 4.3, 4.4, 6.

use serde_json::{Value, json};

use super::error::Refusal;
use super::key::SigningKey;
use super::sign_in;
use super::token::{Claims, LIFE, Resource, wall_clock};
use super::{Application, Identity, basic, certificate};
use crate::guid::Guid;
use crate::wire::message::{Query, Request};
use crate::wire::shared::SharedEstate;

/// Which endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `resource` instead of `scope`, numbers as text.
    V1,
    V2,
}

/// A request to the token endpoint.
pub(super) struct Asked<'r> {
    pub(super) identity: &'r Identity,
    pub(super) estate: &'r SharedEstate,
    pub(super) request: &'r Request,
    pub(super) key: &'r SigningKey,
    pub(super) form: &'r Query,
    pub(super) tenant: Guid,
    pub(super) version: Version,
}

impl Asked<'_> {
    /// A parameter that must be there.
    pub(super) fn need(&self, name: &'static str) -> Result<&str, Refusal> {
        self.form.get(name).filter(|value| !value.is_empty()).ok_or(Refusal::MissingParameter(name))
    }

    /// Signs claims.
    pub(super) fn sign(&self, claims: &impl serde::Serialize) -> Result<String, Refusal> {
        jsonwebtoken::encode(&self.key.header(), claims, &self.key.private)
            .map_err(|error| Refusal::unavailable(&error.to_string()))
    }
}

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn answer(
    identity: &Identity,
    estate: &SharedEstate,
    request: &Request,
    key: &SigningKey,
    (tenant, version): (&str, Version),
) -> Result<Value, Refusal> {
    let form = Query::parse(&String::from_utf8_lossy(&request.body));
    let kind = form.get("grant_type").unwrap_or_default().to_owned();
    // `common` and `organizations` have no applications of their own, but their users have a tenant.
    let tenant = if kind == "client_credentials" || kind.is_empty() {
        identity.tenant.resolve(tenant)?
    } else {
        identity.tenant.resolve_or_shared(tenant)?;
        identity.tenant.id
    };
    let asked = Asked { identity, estate, request, key, form: &form, tenant, version };
    match kind.as_str() {
        "" => Err(Refusal::MissingParameter("grant_type")),
        "client_credentials" => client_credentials(&asked),
        "password" => sign_in::password(&asked, client(&asked)?),
        "refresh_token" => sign_in::refresh(&asked, client(&asked)?),
        DEVICE_CODE | "device_code" => sign_in::device(&asked, client(&asked)?),
        _ => Err(Refusal::UnsupportedGrant(kind)),
    }
}

fn client_credentials(asked: &Asked<'_>) -> Result<Value, Refusal> {
    let (application, proof) = authenticate(asked)?;
    let audience = match asked.version {
        Version::V1 => asked.need("resource")?.to_owned(),
        Version::V2 => audience(asked.need("scope")?)?,
    };
    let resource = Resource::find(&audience).ok_or_else(|| Refusal::UnknownResource {
        resource: audience.clone(),
        tenant: asked.tenant.to_string(),
    })?;
    let claims = Claims::of_application(
        asked.identity,
        application,
        (resource, &audience),
        proof,
        wall_clock(),
    );
    let token = asked.sign(&claims)?;
    Ok(match asked.version {
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

/// How an application proved who it is: `appidacr`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It did not: a public client.
    None,
    Secret,
    Certificate,
}

/// The application of a request that signs somebody in: a public client needs no proof.
fn client<'i>(asked: &Asked<'i>) -> Result<(&'i Application, Proof), Refusal> {
    let (application, secret) = named(asked)?;
    let proves = secret.is_some() || asked.form.get("client_assertion").is_some();
    if application.public && !proves {
        return Ok((application, Proof::None));
    }
    if !proves {
        return Err(Refusal::ConfidentialClient);
    }
    prove(asked, application, secret)
}

/// The application, once its secret or assertion is right.
fn authenticate<'i>(asked: &Asked<'i>) -> Result<(&'i Application, Proof), Refusal> {
    let (application, secret) = named(asked)?;
    prove(asked, application, secret)
}

/// The application that a request names, and the secret that it gives.
fn named<'i>(asked: &Asked<'i>) -> Result<(&'i Application, Option<String>), Refusal> {
    let header = asked.request.header("authorization").and_then(basic);
    let (id, secret) = match header {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => {
            let assertion = asked.form.get("client_assertion");
            let id = asked.form.get("client_id").map(str::to_owned);
            let id = id.or_else(|| assertion.and_then(certificate::claimed_client));
            (id, asked.form.get("client_secret").map(str::to_owned))
        }
    };
    let id = id.ok_or(Refusal::MissingParameter("client_id"))?;
    let known = id.parse().ok().and_then(|id| asked.identity.applications.by_client_id(id));
    let application = known.ok_or_else(|| Refusal::UnknownApplication {
        id: id.clone(),
        tenant: asked.tenant.to_string(),
    })?;
    Ok((application, secret.filter(|secret| !secret.is_empty())))
}

fn prove<'i>(
    asked: &Asked<'i>,
    application: &'i Application,
    secret: Option<String>,
) -> Result<(&'i Application, Proof), Refusal> {
    let id = application.client_id.to_string();
    match (secret, asked.form.get("client_assertion")) {
        (Some(_), _) if !application.is_confidential() => Err(Refusal::PublicClient),
        (Some(secret), _) if secret != application.secret => Err(Refusal::WrongSecret(id)),
        (Some(_), _) if application.secret_expired => Err(Refusal::SecretExpired(id)),
        (Some(_), _) => Ok((application, Proof::Secret)),
        (None, Some(assertion)) => {
            if asked.need("client_assertion_type")? != ASSERTION {
                return Err(Refusal::AssertionType);
            }
            certificate::check(application, asked.tenant, assertion)?;
            Ok((application, Proof::Certificate))
        }
        (None, None) => Err(Refusal::NoCredential),
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
