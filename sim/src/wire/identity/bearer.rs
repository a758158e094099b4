//! Checks the token of a request to Graph or Exchange Online.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};

use super::applications::wid;
use super::key::SigningKey;
use super::token::{Claims, Resource, issuer};
use super::{Application, Identity};
use crate::caller::{Caller, Role};
use crate::estate::Estate;
use crate::guid::Guid;

/// Who asks, and what was granted.
pub(crate) struct Bearer<'i> {
    pub(crate) application: &'i Application,
    granted: Vec<String>,
    /// Somebody who signed in; `None` for an application on its own.
    pub(crate) person: Option<SignedIn>,
}

/// Somebody who signed in.
pub(crate) struct SignedIn {
    /// The object id.
    pub(crate) id: Guid,
    /// The user principal name.
    pub(crate) upn: String,
    role: Role,
}

impl SignedIn {
    /// The template id of the directory role that the token carries.
    pub(crate) fn template(&self) -> Option<&'static str> {
        wid(self.role)
    }
}

impl<'i> Bearer<'i> {
    /// Somebody in a role who signed in with an application, and was granted all that it may be; who has
    /// no role is granted nothing.
    pub(crate) fn of_person(application: &'i Application, role: Role) -> Self {
        let person = SignedIn { id: Guid([0; 16]), upn: role.name().to_owned(), role };
        let granted = match role {
            Role::Unprivileged => Vec::new(),
            _ => application.roles.clone(),
        };
        Self { application, granted, person: Some(person) }
    }

    /// Whether the token carries one of these permissions. A delegated one to write is worth what the
    /// person may do: without an administrator's role, nothing.
    pub(crate) fn has_any(&self, roles: &[&str]) -> bool {
        let writes = |name: &str| name.contains("ReadWrite") || name.contains("AccessAsUser");
        let worth = |name: &String| {
            self.person.as_ref().is_none_or(|person| person.role.may_run_jobs() || !writes(name))
        };
        self.granted.iter().any(|have| roles.contains(&have.as_str()) && worth(have))
    }

    /// Who it is to the estate.
    pub(crate) fn caller(&self, estate: &Estate) -> Caller {
        match &self.person {
            Some(person) => Caller::person(person.role),
            None => self.application.caller(estate),
        }
    }
}

/// Why a request is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BearerError {
    /// There is no token.
    Missing,
    /// It is no token, or not one of this tenant.
    Malformed,
    /// It is too old.
    Expired,
    /// It is for another service.
    Audience,
}

impl Identity {
    /// Checks a token for Microsoft Graph.
    pub(crate) fn graph_bearer(&self, headers: &HeaderMap) -> Result<Bearer<'_>, BearerError> {
        self.bearer(headers, Resource::Graph)
    }

    /// Checks a token for Exchange Online.
    pub(crate) fn exchange_bearer(&self, headers: &HeaderMap) -> Result<Bearer<'_>, BearerError> {
        self.bearer(headers, Resource::Exchange)
    }

    /// Checks a token for Azure Resource Manager.
    pub(super) fn manager_bearer(&self, headers: &HeaderMap) -> Result<Bearer<'_>, BearerError> {
        self.bearer(headers, Resource::Azure)
    }

    fn bearer(&self, headers: &HeaderMap, resource: Resource) -> Result<Bearer<'_>, BearerError> {
        let header = headers.get(AUTHORIZATION).ok_or(BearerError::Missing)?;
        let (scheme, token) = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or(BearerError::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(BearerError::Missing);
        }
        // Without a key no token was ever given out.
        let key = SigningKey::made().ok_or(BearerError::Malformed)?;
        let claims = decode(token.trim(), key, &issuer(self.tenant.id))?;
        if Resource::find(&claims.aud) != Some(resource) {
            return Err(BearerError::Audience);
        }
        let application = claims
            .appid
            .parse()
            .ok()
            .and_then(|id| self.applications.by_client_id(id))
            .ok_or(BearerError::Malformed)?;
        let person = match claims.scp {
            None => None,
            Some(_) => Some(SignedIn {
                id: claims.oid.parse().map_err(|_| BearerError::Malformed)?,
                upn: claims.upn.unwrap_or_default(),
                role: role_of(&claims.wids),
            }),
        };
        let granted = match &claims.scp {
            Some(scopes) => scopes.split(' ').map(str::to_owned).collect(),
            None => claims.roles,
        };
        Ok(Bearer { application, granted, person })
    }
}

/// The role of a person with these directory roles; without one a person may only look.
fn role_of(wids: &[String]) -> Role {
    let has = |role: &Role| wid(*role).is_some_and(|wid| wids.iter().any(|have| have == wid));
    Role::ALL.into_iter().map(|(_, role)| role).find(has).unwrap_or(Role::Unprivileged)
}

fn decode(token: &str, key: &SigningKey, issuer: &str) -> Result<Claims, BearerError> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.validate_aud = false;
    validation.leeway = 0;
    match jsonwebtoken::decode::<Claims>(token, &key.public, &validation) {
        Ok(token) => Ok(token.claims),
        Err(error) if *error.kind() == ErrorKind::ExpiredSignature => Err(BearerError::Expired),
        Err(_) => Err(BearerError::Malformed),
    }
}
