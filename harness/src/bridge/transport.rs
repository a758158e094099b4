//! The ways from the engine to an estate: by function calls, or over loopback.

use engine::ports::{Directory, Entra, ExchangeOnline};
use sim::caller::{Caller, Role};
use sim::ledger::Activity;
use sim::wire::shared::SharedEstate;

use super::direct::{DirectCloud, DirectGateways};

/// The ports that reach the estate.
pub struct WorldPorts {
    /// Exchange Online.
    pub exchange: Box<dyn ExchangeOnline>,
    /// Entra.
    pub entra: Box<dyn Entra>,
    /// Active Directory.
    pub directory: Box<dyn Directory>,
}

/// A way to an estate. Each call of [`Transport::ports`] opens it anew: nothing is connected.
pub trait Transport {
    /// Ports for one process of the engine that acts in this role and does this.
    ///
    /// # Errors
    /// Why there is no way, in words.
    fn ports(&self, role: Role, activity: Activity) -> Result<WorldPorts, String>;

    /// Whether servers stand between the ports and the estate.
    fn has_servers(&self) -> bool;
}

/// By function calls.
pub struct Memory {
    estate: SharedEstate,
    base_dn: String,
}

impl Memory {
    /// The way to this estate.
    #[must_use]
    pub fn new(estate: SharedEstate) -> Self {
        let base_dn = estate.with(|estate| {
            let (forest, domain) = estate.job_domain();
            estate.base_dn(forest, domain)
        });
        Self { estate, base_dn }
    }
}

impl Transport for Memory {
    fn ports(&self, role: Role, activity: Activity) -> Result<WorldPorts, String> {
        let cloud = DirectCloud::new(self.estate.clone(), Caller::engine(role, activity));
        Ok(WorldPorts {
            exchange: Box::new(cloud.clone()),
            entra: Box::new(cloud),
            directory: Box::new(DirectGateways::new(self.estate.clone(), &self.base_dn)),
        })
    }

    fn has_servers(&self) -> bool {
        false
    }
}
