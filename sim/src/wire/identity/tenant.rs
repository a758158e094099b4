//! Which names in a path mean the tenant.

use super::error::Refusal;
use crate::estate::Estate;
use crate::guid::Guid;

/// A tenant by its names.
pub(crate) struct Tenant {
    pub(crate) id: Guid,
    domains: Vec<String>,
}

/// What a path names.
pub(super) enum Authority {
    /// The tenant.
    Tenant(Guid),
    /// `common` or `organizations`, as written: any tenant.
    Shared(String),
}

impl Tenant {
    pub(crate) fn of(estate: &Estate) -> Self {
        let mut domains = vec![estate.domains.verified.clone(), estate.domains.initial.clone()];
        domains.extend(estate.exchange.verified_domains.iter().cloned());
        Self { id: estate.entra.tenant, domains }
    }

    /// Whether this is the tenant's id or one of its domains.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        name.parse() == Ok(self.id) || self.domains.iter().any(|d| d.eq_ignore_ascii_case(name))
    }

    /// The tenant, and nothing else.
    pub(super) fn resolve(&self, name: &str) -> Result<Guid, Refusal> {
        match self.resolve_or_shared(name)? {
            Authority::Tenant(id) => Ok(id),
            Authority::Shared(_) => Err(Refusal::NoTenantInformation),
        }
    }

    /// The tenant, or an authority that stands for any.
    pub(super) fn resolve_or_shared(&self, name: &str) -> Result<Authority, Refusal> {
        let shared = ["common", "organizations"];
        if self.is_called(name) {
            Ok(Authority::Tenant(self.id))
        } else if shared.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            Ok(Authority::Shared(name.to_ascii_lowercase()))
        } else if name.parse::<Guid>().is_ok() || name.contains('.') {
            Err(Refusal::UnknownTenant(name.to_owned()))
        } else {
            Err(Refusal::NoTenantName(name.to_owned()))
        }
    }
}
