//! What may be written, and where secrets may go.

use std::net::IpAddr;

use engine::guid::Guid;
use engine::wire::Wire;

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
    /// Checks the addresses and the tenant before anything is asked of a service but a token.
    ///
    /// # Errors
    /// [`AloneError::NotAllowed`]: a secret would cross a network in clear; a write is meant for
    /// another machine and names no tenant; the tenant that is named is not the token's.
    pub(super) fn check(self, settings: &Settings, wire: &Wire) -> Result<(), AloneError> {
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
        let Some(named) = self.tenant else {
            return match remote {
                Some(url) if self.apply => Err(AloneError::NotAllowed(format!(
                    "`--apply` against {url}, which is not on this machine, also needs \
                     `--tenant GUID` with the id of the tenant that is meant"
                ))),
                _ => Ok(()),
            };
        };
        let claims = wire.claims().map_err(|error| AloneError::Call { what: "no token", error })?;
        if claims.tenant == named {
            return Ok(());
        }
        let text =
            format!("the token is for tenant {}, and `--tenant` says {named}", claims.tenant);
        Err(AloneError::NotAllowed(text))
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
