//! What may be written, and where secrets may go.

use std::net::IpAddr;

use engine::guid::Guid;
use engine::wire::Claims;

use super::{AloneError, Settings};

/// What a call is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Whether anything may be written.
    pub apply: bool,
    /// The tenant that the caller means.
    pub tenant: Option<Guid>,
}

impl Permission {
    /// Checks the addresses before anything is asked of a service.
    ///
    /// # Errors
    /// [`AloneError::NotAllowed`]: a secret would cross a network in clear; a write is meant for
    /// another machine and names no tenant.
    pub(super) fn check(self, settings: &Settings) -> Result<(), AloneError> {
        let mut remote = None;
        for (what, url) in settings.addresses() {
            let (scheme, local) = place(url);
            if local {
                continue;
            }
            remote = Some(url);
            if matches!(scheme, "http" | "ldap") {
                return Err(AloneError::NotAllowed(format!(
                    "`{what}`: {url} would carry a secret in clear over a network; use {scheme}s"
                )));
            }
        }
        match remote {
            Some(url) if self.apply && self.tenant.is_none() => {
                Err(AloneError::NotAllowed(format!(
                    "`--apply` against {url}, which is not on this machine, also needs \
                     `--tenant GUID` with the id of the tenant that is meant"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Checks whose token it is, where that was named.
    ///
    /// # Errors
    /// [`AloneError::NotAllowed`]: the tenant that is named is not the token's.
    pub(super) fn check_tenant(self, claims: &Claims) -> Result<(), AloneError> {
        match self.tenant {
            Some(named) if claims.tenant != named => Err(AloneError::NotAllowed(format!(
                "the token is for tenant {}, and `--tenant` says {named}",
                claims.tenant
            ))),
            _ => Ok(()),
        }
    }
}

/// The scheme of an address, and whether it is on this machine.
fn place(url: &str) -> (&str, bool) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let local = host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    (scheme, local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others() {
        for local in
            ["https://localhost:1", "ldap://127.0.0.1", "http://[::1]:8/x", "ldap://127.8.8.8:3"]
        {
            assert!(place(local).1, "{local}");
        }
        for remote in [
            "https://graph.microsoft.com",
            "ldaps://dc1:636",
            "https://localhost.example.com",
            "https://127.0.0.1.example.com",
            "https://localhost@evil.example.com",
            "http://[2001:db8::1]:8",
            "",
        ] {
            assert!(!place(remote).1, "{remote}");
        }
        assert_eq!(place("ldap://dc1").0, "ldap");
    }
}
