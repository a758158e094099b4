//! Checks the token of a request to Graph or Exchange Online.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};

use super::key::SigningKey;
use super::token::{Claims, Resource, issuer};
use super::{Application, Identity};

/// Who asks, and what was granted.
pub(crate) struct Bearer<'i> {
    pub(crate) application: &'i Application,
    roles: Vec<String>,
}

impl Bearer<'_> {
    /// Whether the token carries one of these app roles.
    pub(crate) fn has_any(&self, roles: &[&str]) -> bool {
        self.roles.iter().any(|have| roles.contains(&have.as_str()))
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
        Ok(Bearer { application, roles: claims.roles })
    }
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
