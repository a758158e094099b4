//! Which provisioning agents can write Exchange attributes back.
//!
//! Sources: Microsoft Learn, "Exchange hybrid writeback with cloud sync" (1.1.1107.0 is the oldest that
//! can), "Provision users and groups to Active Directory" (1.1.2334.0 is advised).

use super::readiness::{Evidence, Finding, Inbound, Severity};
use crate::ports::Agent;

/// The ids of the checks.
pub mod id {
    /// No agent is active, or all are too old.
    pub const NONE: &str = "agents.none";
    /// An agent is too old to write anything back.
    pub const UNUSABLE: &str = "agents.too-old";
    /// An agent is older than the product recommends.
    pub const OLD: &str = "agents.old";
    /// Nobody says which version an agent has.
    pub const UNKNOWN: &str = "agents.version-unknown";
    /// Cloud Sync synchronizes AD to the cloud, and no active agent knows the flag.
    pub const INBOUND: &str = "agents.inbound-too-old";
}

/// The oldest that can write Exchange attributes back.
const OLDEST: [u32; 3] = [1, 1, 1107];
/// The oldest through which Cloud Sync leaves a cloud-managed mailbox alone (Microsoft Learn, "Configure user source of
/// authority", prerequisites).
const OLDEST_INBOUND: [u32; 3] = [1, 1, 1370];
/// Below this the general prerequisites of provisioning to AD advise an update.
const ADVISED: [u32; 3] = [1, 1, 2334];

/// How far a version goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    TooOld,
    Old,
    Good,
    Unknown,
}

fn parts(agent: &Agent) -> Option<Vec<u32>> {
    agent.version.as_deref()?.split('.').map(|part| part.parse().ok()).collect()
}

fn age(agent: &Agent) -> Age {
    match parts(agent) {
        None => Age::Unknown,
        Some(parts) if parts.as_slice() < OLDEST.as_slice() => Age::TooOld,
        Some(parts) if parts.as_slice() < ADVISED.as_slice() => Age::Old,
        Some(_) => Age::Good,
    }
}

/// Whether its version is known, and below the oldest that can write anything back.
#[must_use]
pub fn is_too_old(agent: &Agent) -> bool {
    age(agent) == Age::TooOld
}

/// Whether it is active, and not known to be too old.
#[must_use]
pub fn is_usable(agent: &Agent) -> bool {
    agent.active && !is_too_old(agent)
}

/// What stands against the agents: that none is usable blocks.
#[must_use]
pub fn findings(agents: &[Agent]) -> Vec<Finding> {
    let tenant =
        |id, severity, reason, remedy| Finding { id, severity, object: None, reason, remedy };
    let mut findings = Vec::new();
    if !agents.iter().any(is_usable) {
        findings.push(tenant(
            id::NONE,
            Severity::Block,
            "no registered agent is active and of version 1.1.1107.0 or later".to_owned(),
            "Install or update a provisioning agent: without one nothing is written back.",
        ));
    }
    for agent in agents {
        let (name, version) = (&agent.name.0, agent.version.as_deref().unwrap_or_default());
        findings.extend(match age(agent) {
            Age::Good => None,
            Age::TooOld => Some(tenant(
                id::UNUSABLE,
                Severity::Warn,
                format!(
                    "agent {name} has version {version}: below 1.1.1107.0 nothing is written back"
                ),
                "Install a newer version: this one is never used.",
            )),
            Age::Old => Some(tenant(
                id::OLD,
                Severity::Warn,
                format!("agent {name} has version {version}, below 1.1.2334.0"),
                "Let it update itself, or install a newer version.",
            )),
            Age::Unknown => Some(tenant(
                id::UNKNOWN,
                Severity::Info,
                format!("not determinable: nobody tells the version of agent {name}"),
                "Look it up on the agent's server: 1.1.1107.0 is the oldest that works.",
            )),
        });
    }
    findings
}

/// What stands against them where Cloud Sync synchronizes AD to the cloud: one must know the flag. An agent of which
/// nobody tells the version may.
#[must_use]
pub fn of_inbound(agents: &[Agent], evidence: &Evidence) -> Option<Finding> {
    let knows = |agent: &Agent| {
        let old = parts(agent).is_some_and(|parts| parts.as_slice() < OLDEST_INBOUND.as_slice());
        agent.active && !old
    };
    let asked = evidence.inbound == Some(Inbound::CloudSync);
    (asked && !agents.iter().any(knows)).then(|| Finding {
        id: id::INBOUND,
        severity: Severity::Block,
        object: None,
        reason: "Cloud Sync synchronizes AD to the cloud, and no agent of version 1.1.1370.0 or later is active: an \
                 older one writes AD's Exchange attributes over those of cloud-managed mailboxes"
            .to_owned(),
        remedy: "Update the provisioning agents before the first flip.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::AgentName;

    fn agent(version: Option<&str>, active: bool) -> Agent {
        Agent { name: AgentName("A1".into()), active, version: version.map(str::to_owned) }
    }

    /// Only where Cloud Sync synchronizes, and only when none that is active is new enough.
    #[test]
    fn the_gate_of_cloud_sync_is_at_its_version() {
        let evidence = Evidence { inbound: Some(Inbound::CloudSync), ..Evidence::default() };
        let found = |agents: &[Agent]| of_inbound(agents, &evidence).map(|one| one.id);
        assert_eq!(found(&[agent(Some("1.1.1369.9"), true)]), Some(id::INBOUND));
        assert_eq!(found(&[agent(Some("1.1.1370.0"), true)]), None);
        assert_eq!(found(&[agent(Some("1.1.1370.0"), false)]), Some(id::INBOUND));
        assert_eq!(found(&[agent(None, true)]), None);
        let old = [agent(Some("1.1.1107.0"), true)];
        assert_eq!(of_inbound(&old, &Evidence::default()), None);
    }

    /// Each gate on both of its sides.
    #[test]
    fn the_gates_are_at_the_documented_versions() {
        const NONE: (&str, Severity) = (id::NONE, Severity::Block);
        for (version, expected) in [
            ("1.1.1106.9", vec![NONE, (id::UNUSABLE, Severity::Warn)]),
            ("1.1.1107.0", vec![(id::OLD, Severity::Warn)]),
            ("1.1.2333.9", vec![(id::OLD, Severity::Warn)]),
            ("1.1.2334.0", vec![]),
            ("1.2.0.0", vec![]),
            ("new", vec![(id::UNKNOWN, Severity::Info)]),
        ] {
            let found = findings(&[agent(Some(version), true)]);
            let found: Vec<_> = found.iter().map(|one| (one.id, one.severity)).collect();
            assert_eq!(found, expected, "{version}");
        }
        let ids = |agents: &[Agent]| findings(agents).iter().map(|one| one.id).collect::<Vec<_>>();
        let good = agent(Some("1.1.2505.0"), true);
        assert_eq!(ids(&[]), [id::NONE]);
        assert_eq!(ids(&[agent(Some("1.1.2505.0"), false)]), [id::NONE], "it is not active");
        assert_eq!(ids(&[agent(Some("1.1.900.0"), true), good]), [id::UNUSABLE]);
        assert_eq!(ids(&[agent(None, true)]), [id::UNKNOWN]);
    }
}
