//! Whether the containers and groups of the scope are there: by a name that is of nothing nobody is in scope, and no
//! cycle would fail.

use engine::ports::AgentName;
use engine::wire::{LdapGateways, Wire};

use super::{AloneError, Settings};

/// Looks for the names of a scope.
pub(super) struct ScopeNames {
    gateways: LdapGateways,
    servers: Vec<AgentName>,
    names: Vec<(&'static str, String)>,
}

impl ScopeNames {
    /// Those of the settings.
    pub(super) fn of(settings: &Settings, wire: &Wire) -> Self {
        let servers = settings.wire.agents.iter().map(|agent| agent.name.clone()).collect();
        Self { gateways: wire.directory(), servers, names: settings.job.scope.names() }
    }

    /// Those that are of nothing, each with what it should be, as the first server says that answers. Where none
    /// does, none is known to be missing: the job tells of the servers.
    pub(super) fn missing(&mut self) -> Vec<String> {
        let names: Vec<String> = self.names.iter().map(|(_, name)| name.clone()).collect();
        if names.is_empty() {
            return Vec::new();
        }
        let asked =
            self.servers.iter().find_map(|server| self.gateways.absent(server, &names).ok());
        let missing = asked.unwrap_or_default();
        let named = self.names.iter().filter(|(_, name)| missing.contains(name));
        named.map(|(what, name)| format!("{what} {name}")).collect()
    }

    /// Refuses to begin with a name of nothing.
    ///
    /// # Errors
    /// [`AloneError::NotAllowed`].
    pub(super) fn check(&mut self) -> Result<(), AloneError> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!(
            "the scope names what is not in Active Directory, or what the account may not see: {}",
            missing.join("; ")
        );
        Err(AloneError::NotAllowed(why))
    }
}
