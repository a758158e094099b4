//! What a token says of its bearer: tenant and roles.
//!
//! Sources: Microsoft identity platform, "Access token claims reference" (`tid`, `roles`, `wids`); RFC
//! 7519 (JSON Web Token). A service that takes tokens must check the signature; whoever asked for one
//! only looks at what it was given.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::guid::Guid;
use crate::ports::CallError;

/// The claims that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `tid`: the tenant that the token is for.
    pub tenant: Guid,
    /// `roles`: application permissions, such as `Exchange.ManageAsApp`.
    pub roles: Vec<String>,
    /// `wids`: template ids of the directory roles that the application holds.
    pub directory_roles: Vec<String>,
}

#[derive(Deserialize)]
struct Payload {
    tid: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    wids: Vec<String>,
}

impl Claims {
    /// Reads the payload of a token, `Bearer` in front of it or not.
    pub(super) fn of_token(token: &str) -> Result<Self, CallError> {
        let unreadable = |detail: &str| CallError::Malformed { detail: format!("token: {detail}") };
        let payload = token.rsplit(' ').next().and_then(|token| token.split('.').nth(1));
        let payload = payload.ok_or_else(|| unreadable("not of three parts"))?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| unreadable("not Base64url"))?;
        // The text of an error could quote the token.
        let payload: Payload =
            serde_json::from_slice(&payload).map_err(|_| unreadable("no claims with `tid`"))?;
        let tenant = payload.tid.parse().map_err(|_| unreadable("`tid` is no GUID"))?;
        Ok(Self { tenant, roles: payload.roles, directory_roles: payload.wids })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_tenant_and_roles_and_a_broken_one_is_not_quoted() {
        let of = |payload: &str| {
            Claims::of_token(&format!("Bearer e30.{}.sig", URL_SAFE_NO_PAD.encode(payload)))
        };
        let tid = "03020100-0504-0706-0809-0a0b0c0d0e0f";
        let claims =
            of(&format!(r#"{{"tid":"{tid}","roles":["A"],"wids":["b"],"exp":1}}"#)).unwrap();
        assert_eq!(claims.tenant.to_string(), tid);
        assert_eq!((claims.roles, claims.directory_roles), (vec!["A".into()], vec!["b".into()]));
        for broken in ["{}", "secret", r#"{"tid":"secret"}"#] {
            let error = of(broken).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Claims::of_token("opaque").is_err());
    }
}
