//! Which provisioning agent works, and which the service lists.

use super::Estate;
use crate::agents::Agent;

impl Estate {
    /// The agent that works: the first listed that is there (Microsoft Learn, "Cloud sync FAQ": one agent is
    /// active at a time, without load balancing).
    #[must_use]
    pub fn working_agent(&self) -> Option<&Agent> {
        let is_there =
            |agent: &&Agent| self.faults.refused_since(self.now, &agent.place()).is_none();
        self.agents.iter().find(is_there)
    }

    /// The version of the agent that works.
    pub(super) fn working_agent_version(&self) -> Option<&str> {
        self.working_agent().map(|agent| agent.version.as_str())
    }
}
