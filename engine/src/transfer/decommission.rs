//! Decommission readiness: what stands against removing the last Exchange server.
//!
//! Every check says what it is based on: what the APIs tell, or what people state in the evidence file.
//! What nobody states is "not determinable", and blocks nothing by itself. Source: Microsoft Learn,
//! "Decommission the last Exchange Server after transferring SOA to cloud" (prerequisites and order).

use super::inventory::InventoryRow;
use super::readiness::{Evidence, Finding, Severity};
use crate::ports::{Agent, Organization, SyncConfiguration};

/// The ids of the checks.
pub mod id {
    /// A synchronized mailbox is not cloud-managed.
    pub const NOT_CLOUD_MANAGED: &str = "decommission.not-cloud-managed";
    /// New users would still need on-premises provisioning.
    pub const DEFAULT_OFF: &str = "decommission.tenant-default";
    /// Mailboxes are left on-premises, arbitration and audit mailboxes included.
    pub const ON_PREMISES_MAILBOXES: &str = "decommission.on-premises-mailboxes";
    /// Public folders are left, or the organization points to remote ones.
    pub const PUBLIC_FOLDERS: &str = "decommission.public-folders";
    /// MX or Autodiscover point on-premises.
    pub const DNS: &str = "decommission.dns";
    /// Something relays mail through the server.
    pub const RELAY: &str = "decommission.smtp-relay";
    /// Hybrid objects that only a running server removes are left.
    pub const HYBRID_OBJECTS: &str = "decommission.hybrid-objects";
    /// Groups and contacts that are edited on-premises are left without a tool.
    pub const GROUPS: &str = "decommission.groups-and-contacts";
    /// Applications read Exchange attributes from AD, and no writeback feeds them.
    pub const READERS: &str = "decommission.ad-readers";
    /// The way to AD is not there: no agent is active.
    pub const AGENT: &str = "decommission.agent";
}

/// What stands against it, worst first.
#[must_use]
pub fn findings(
    inventory: &[InventoryRow],
    organization: &Organization,
    sync: &SyncConfiguration,
    agents: &[Agent],
    evidence: &Evidence,
) -> Vec<Finding> {
    let mut findings = super::readiness::of_tenant(sync, evidence);
    for row in inventory.iter().filter(|row| row.dir_synced && !row.cloud_managed) {
        findings.push(Finding {
            id: id::NOT_CLOUD_MANAGED,
            severity: Severity::Block,
            object: Some(row.id),
            reason: format!("{} is synchronized and managed on-premises", row.user_principal_name),
            remedy: "Transfer it: its attributes have no editor once the server is gone.",
        });
    }
    let mut add = |id, severity, reason: String, remedy| {
        findings.push(Finding { id, severity, object: None, reason, remedy });
    };
    if !organization.cloud_managed_by_default {
        add(
            id::DEFAULT_OFF,
            Severity::Warn,
            "BlockExchangeProvisioningFromOnPremEnabled is false: new mailboxes start on-premises"
                .to_owned(),
            "Set-OrganizationConfig -ExchangeAttributesCloudManagedByDefault, or flag each new mailbox.",
        );
    }
    for check in STATED {
        match (check.of)(evidence) {
            Some(true) => add(check.id, check.severity, check.problem.to_owned(), check.remedy),
            Some(false) => {}
            None => add(
                check.id,
                Severity::Info,
                format!("not determinable: {}", check.question),
                "State it in the evidence file.",
            ),
        }
    }
    if evidence.ad_readers == Some(true) && !agents.iter().any(|agent| agent.active) {
        add(
            id::AGENT,
            Severity::Block,
            "applications read Exchange attributes from AD, and no agent is active".to_owned(),
            "Bring a provisioning agent up and verify an attribute end to end.",
        );
    }
    findings.sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    findings
}

/// A check that only people can answer; `Some(true)` is the problem.
struct Stated {
    id: &'static str,
    severity: Severity,
    of: fn(&Evidence) -> Option<bool>,
    problem: &'static str,
    question: &'static str,
    remedy: &'static str,
}

const STATED: [Stated; 7] = [
    Stated {
        id: id::ON_PREMISES_MAILBOXES,
        severity: Severity::Block,
        of: |evidence| evidence.on_premises_recipients.map(|count| count > 0),
        problem: "mailboxes are left on-premises",
        question: "how many mailboxes the whole forest still has, arbitration and audit ones included",
        remedy: "Move or disable them, in every domain of the forest.",
    },
    Stated {
        id: id::PUBLIC_FOLDERS,
        severity: Severity::Block,
        of: |evidence| evidence.public_folders,
        problem: "public folders are left, or the organization points to remote ones",
        question: "whether public folders are left",
        remedy: "Migrate or remove them.",
    },
    Stated {
        id: id::DNS,
        severity: Severity::Block,
        of: |evidence| evidence.dns_on_premises,
        problem: "MX or Autodiscover point on-premises",
        question: "where MX and Autodiscover point",
        remedy: "Point both to Exchange Online.",
    },
    Stated {
        id: id::RELAY,
        severity: Severity::Block,
        of: |evidence| evidence.smtp_relay,
        problem: "something relays mail through the server",
        question: "whether anything relays mail through the server",
        remedy: "Lead applications and devices to another relay.",
    },
    Stated {
        id: id::HYBRID_OBJECTS,
        severity: Severity::Block,
        of: |evidence| evidence.hybrid_objects,
        problem: "hybrid objects are left that only a running server removes",
        question: "whether the hybrid configuration was removed",
        remedy: "Remove connectors, organization relationship, federation trust and the hybrid configuration first.",
    },
    Stated {
        id: id::GROUPS,
        severity: Severity::Warn,
        of: |evidence| evidence.groups_on_premises,
        problem: "groups or contacts are still edited with on-premises tools",
        question: "whether groups and contacts are edited on-premises",
        remedy: "Transfer their source of authority: no tool is left after the removal.",
    },
    Stated {
        id: id::READERS,
        severity: Severity::Info,
        of: |evidence| evidence.ad_readers,
        problem: "applications read Exchange attributes from AD: the writeback has to go on",
        question: "whether applications read Exchange attributes from AD",
        remedy: "Keep the job running, and verify an attribute end to end.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::Guid;
    use crate::test_world::{START, id};

    fn row(number: u16, cloud_managed: bool) -> InventoryRow {
        InventoryRow {
            id: id(number),
            user_principal_name: format!("u{number}@contoso.com"),
            primary_address: String::new(),
            recipient_type_details: "UserMailbox".into(),
            dir_synced: number != 9,
            cloud_managed,
            when_changed: START,
        }
    }

    fn check(
        inventory: &[InventoryRow],
        default: bool,
        evidence: &Evidence,
    ) -> Vec<(&'static str, Severity)> {
        let organization =
            Organization { tenant: Guid([1; 16]), cloud_managed_by_default: default };
        let sync = SyncConfiguration { enabled: true, last_sync: None };
        let found = findings(inventory, &organization, &sync, &[], evidence);
        found.into_iter().map(|finding| (finding.id, finding.severity)).collect()
    }

    fn clean() -> Evidence {
        let mut evidence = Evidence {
            connect_build: Some("2.5.190.0".into()),
            on_premises_recipients: Some(0),
            public_folders: Some(false),
            dns_on_premises: Some(false),
            smtp_relay: Some(false),
            hybrid_objects: Some(false),
            groups_on_premises: Some(false),
            ad_readers: Some(false),
            ..Evidence::default()
        };
        evidence.last_on_premises_change.insert(id(1), START);
        evidence
    }

    #[test]
    fn all_green_has_no_finding_and_each_problem_its_own() {
        let fleet = [row(1, true), row(9, false)];
        assert_eq!(check(&fleet, true, &clean()), []);
        assert_eq!(
            check(&[row(1, false)], true, &clean()),
            [(id::NOT_CLOUD_MANAGED, Severity::Block)]
        );
        assert_eq!(check(&fleet, false, &clean()), [(id::DEFAULT_OFF, Severity::Warn)]);
        type Spoil = fn(&mut Evidence);
        let wrong: [(Spoil, &str); 3] = [
            (|evidence| evidence.on_premises_recipients = Some(1), id::ON_PREMISES_MAILBOXES),
            (|evidence| evidence.smtp_relay = Some(true), id::RELAY),
            (|evidence| evidence.dns_on_premises = Some(true), id::DNS),
        ];
        for (spoil, expected) in wrong {
            let mut evidence = clean();
            spoil(&mut evidence);
            assert_eq!(check(&fleet, true, &evidence), [(expected, Severity::Block)]);
        }
        let mut readers = clean();
        readers.ad_readers = Some(true);
        assert_eq!(check(&fleet, true, &readers)[0], (id::AGENT, Severity::Block));
    }

    #[test]
    fn what_nobody_states_is_not_determinable() {
        let found = check(&[], true, &Evidence::default());
        assert!(found.iter().all(|(_, severity)| *severity == Severity::Info), "{found:?}");
        assert_eq!(found.len(), 2 + 7);
    }
}
