//! Provisioning agents: gateways through which the cloud reaches a domain controller.
//!
//! An agent is bound to its domain controller and relays under its own account and rights. Several
//! may be installed; one works, the others stand by. The service lists an agent as active for about
//! an hour after it stopped.
//!
//! Source: Microsoft Learn, "Microsoft Entra Cloud Sync agent troubleshooting" and "Cloud sync
//! prerequisites".

use core::time::Duration;

use crate::clock::VirtualTime;
use crate::directory::forests::DcKey;
use crate::directory::principal::Principal;
use crate::fault::{Faults, Place};
use crate::guid::Guid;

/// An agent.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its id with the service.
    pub id: Guid,
    /// Its machine name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The domain controller that it talks to.
    pub dc: DcKey,
    /// The others of the domain, in the order in which it goes to them when that one is not there.
    pub others: Vec<DcKey>,
    /// The account under which it works, with its rights.
    pub account: Principal,
}

impl Agent {
    /// Where faults of this agent are.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Agent(self.name.clone())
    }

    /// Whether the service lists it at all: one that stopped long ago is gone from its lists.
    #[must_use]
    pub fn is_listed(&self, faults: &Faults, now: VirtualTime, removed_after: Duration) -> bool {
        faults
            .refused_since(now, &self.place())
            .is_none_or(|since| now.since(since) < removed_after)
    }

    /// Whether the service still lists it as active: it is, or has stopped only lately.
    #[must_use]
    pub fn is_listed_active(
        &self,
        faults: &Faults,
        now: VirtualTime,
        inactive_after: Duration,
    ) -> bool {
        faults
            .refused_since(now, &self.place())
            .is_none_or(|since| now.since(since) < inactive_after)
    }
}
