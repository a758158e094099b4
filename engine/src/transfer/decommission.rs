//! Decommission readiness: what stands against removing the last Exchange server.
//!
//! Every check says what it is based on: what the APIs tell, or what people state in the evidence file.
//! What nobody states is "not determinable", and blocks nothing by itself. Source: Microsoft Learn,
//! "Decommission the last Exchange Server after transferring SOA to cloud" (prerequisites and order).

use super::agent_version;
use super::inventory::InventoryRow;
use super::premises::QUESTIONS;
use super::readiness::{Evidence, Finding, RemovalPath, Severity};
use crate::journal::rows::JobRow;
use crate::ports::{Agent, Organization, SyncConfiguration, UnreadRow};
use crate::time::Timestamp;

/// The ids of the checks that are not questions of [`super::premises`].
pub mod id {
    /// A synchronized mailbox is not cloud-managed.
    pub const NOT_CLOUD_MANAGED: &str = "decommission.not-cloud-managed";
    /// A mailbox cannot be read: nobody knows who manages it.
    pub const UNREADABLE: &str = "decommission.unreadable-mailbox";
    /// New users would still need on-premises provisioning.
    pub const DEFAULT_OFF: &str = "decommission.tenant-default";
    /// Hybrid objects that only a running server removes are left.
    pub const HYBRID_OBJECTS: &str = "decommission.hybrid-objects";
    /// The way to AD is not there: no agent is active and new enough.
    pub const AGENT: &str = "decommission.agent";
    /// The writeback job does not run, or never has.
    pub const JOB: &str = "decommission.writeback-job";
    /// No attribute was verified end to end.
    pub const VERIFIED: &str = "decommission.writeback-verified";
    /// The chosen way forbids the uninstallation, or nobody says which way is taken.
    pub const PATH: &str = "decommission.path";
}

/// The answer of the evidence file to whether the writeback job runs.
pub const JOB_RUNS: &str = "writeback_job_runs";
/// The answer of the evidence file to whether a test attribute arrived in AD.
pub const VERIFIED: &str = "writeback_verified";

/// What is known of the tenant beside the evidence.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Every mailbox.
    pub inventory: &'a [InventoryRow],
    /// Rows of the listing that cannot be used.
    pub unread: &'a [UnreadRow],
    /// The organization's settings.
    pub organization: &'a Organization,
    /// Directory synchronization.
    pub sync: &'a SyncConfiguration,
    /// The agents.
    pub agents: &'a [Agent],
    /// This engine's own writeback job, as its state store has it.
    pub job: Option<&'a JobRow>,
}

/// What stands against it, worst first, and of equal weight in the order of work.
#[must_use]
pub fn findings(known: Known<'_>, evidence: &Evidence, now: Timestamp) -> Vec<Finding> {
    let mut findings = super::readiness::of_tenant(known.sync, evidence, now);
    findings.extend(agent_version::of_inbound(known.agents, evidence));
    for row in known.inventory.iter().filter(|row| row.dir_synced && !row.cloud_managed) {
        findings.push(Finding {
            id: id::NOT_CLOUD_MANAGED,
            severity: Severity::Block,
            object: Some(row.id),
            reason: format!("{} is synchronized and managed on-premises", row.user_principal_name),
            remedy: "Transfer it: its attributes have no editor once the server is gone.",
        });
    }
    for row in known.unread {
        findings.push(Finding {
            id: id::UNREADABLE,
            severity: Severity::Block,
            object: row.id,
            reason: format!("not determinable: the mailbox cannot be read: {}", row.error),
            remedy: "Read it with Get-Mailbox: every synchronized mailbox must be cloud-managed.",
        });
    }
    if !known.organization.cloud_managed_by_default {
        findings.push(tenant(
            id::DEFAULT_OFF,
            Severity::Warn,
            "BlockExchangeProvisioningFromOnPremEnabled is false: new mailboxes start on-premises",
            "Set-OrganizationConfig -ExchangeAttributesCloudManagedByDefault, or flag each new mailbox.",
        ));
    }
    if evidence.ad_readers == Some(true) {
        findings.extend(of_writeback(known, evidence));
    }
    if evidence.hybrid_objects == Some(true) {
        findings.push(tenant(
            id::HYBRID_OBJECTS,
            Severity::Block,
            "step B: hybrid objects are left that only a running server removes",
            "Remove connectors, organization relationship, federation trust and the hybrid configuration first.",
        ));
    }
    findings.extend(of_path(evidence));
    findings.extend(QUESTIONS.iter().filter_map(|question| question.finding(evidence)));
    findings.sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    findings
}

/// Applications read AD, so writeback must outlive the server: an agent that can write, a job that runs, and
/// an attribute that was seen to arrive.
fn of_writeback(known: Known<'_>, evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !known.agents.iter().any(agent_version::is_usable) {
        findings.push(tenant(
            id::AGENT,
            Severity::Block,
            "applications read Exchange attributes from AD, and no agent of 1.1.1107.0 or later is active",
            "Bring a provisioning agent up and verify an attribute end to end.",
        ));
    }
    let state = known.job.map(|job| {
        if job.disabled {
            Some("the writeback job was disabled after four weeks in quarantine")
        } else if job.quarantine.is_some() {
            Some("the writeback job is in quarantine")
        } else if job.paused {
            Some("the writeback job is paused")
        } else if job.cycle == 0 {
            Some("the writeback job has never run")
        } else {
            None
        }
    });
    let stated = evidence.premises.get(JOB_RUNS);
    match (state.flatten(), stated) {
        (Some(problem), _) => findings.push(tenant(
            id::JOB,
            Severity::Block,
            problem,
            "Start the job, and let a cycle end without failure.",
        )),
        (None, Some(false)) => findings.push(tenant(
            id::JOB,
            Severity::Block,
            "the writeback job does not run",
            "Start the job, and let a cycle end without failure.",
        )),
        (None, None) if state.is_none() => findings.push(tenant(
            id::JOB,
            Severity::Info,
            "not determinable: nobody says whether the writeback job runs",
            "State it in the evidence file (writeback_job_runs).",
        )),
        (None, _) => {}
    }
    match evidence.premises.get(VERIFIED) {
        Some(true) => {}
        Some(false) => findings.push(tenant(
            id::VERIFIED,
            Severity::Block,
            "applications read Exchange attributes from AD, and no test attribute arrived there",
            "Change an attribute of a mailbox in the cloud and look for it in AD.",
        )),
        None => findings.push(tenant(
            id::VERIFIED,
            Severity::Info,
            "not determinable: whether a test attribute was verified end to end",
            "Change an attribute of a mailbox in the cloud, look for it in AD, and state it \
             (writeback_verified).",
        )),
    }
    findings
}

/// With the management tools alone the server may be shut down and never uninstalled.
fn of_path(evidence: &Evidence) -> Option<Finding> {
    match evidence.path {
        Some(RemovalPath::Uninstall) => None,
        Some(RemovalPath::ManagementTools) => Some(tenant(
            id::PATH,
            Severity::Block,
            "with the management tools alone the server is shut down for good, and must not be uninstalled: \
             its containers and groups are needed",
            "Shut it down, or take the way of cloud-managed mailboxes.",
        )),
        None => Some(tenant(
            id::PATH,
            Severity::Info,
            "not determinable: whether the server is uninstalled, or replaced by the management tools",
            "State it in the evidence file (path: uninstall or management-tools).",
        )),
    }
}

fn tenant(id: &'static str, severity: Severity, reason: &str, remedy: &'static str) -> Finding {
    Finding { id, severity, object: None, reason: reason.to_owned(), remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::Guid;
    use crate::ports::AgentName;
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
        agents: &[Agent],
        job: Option<&JobRow>,
        evidence: &Evidence,
    ) -> Vec<(&'static str, Severity)> {
        let organization =
            &Organization { tenant: Guid([1; 16]), cloud_managed_by_default: default };
        let sync = &SyncConfiguration { enabled: true, last_sync: None };
        let known = Known { inventory, unread: &[], organization, sync, agents, job };
        findings(known, evidence, START).into_iter().map(|one| (one.id, one.severity)).collect()
    }

    /// An estate in which nothing stands against the removal, and everybody has answered.
    fn clean() -> Evidence {
        let mut evidence = Evidence {
            connect_build: Some("2.5.190.0".into()),
            pending_inbound: Some(std::collections::BTreeSet::new()),
            on_premises_recipients: Some(0),
            public_folders: Some(false),
            dns_on_premises: Some(false),
            smtp_relay: Some(false),
            groups_on_premises: Some(false),
            ad_readers: Some(false),
            path: Some(RemovalPath::Uninstall),
            ..Evidence::default()
        };
        let keyed = QUESTIONS.iter().filter(|question| !question.key.is_empty());
        evidence.premises.extend(keyed.map(|question| (question.key, !question.bad)));
        evidence.last_on_premises_change.insert(id(1), START);
        evidence
    }

    fn agent(version: &str) -> Agent {
        let version = Some(version.to_owned());
        Agent { name: AgentName("A1".into()), active: true, version }
    }

    type Spoil = fn(&mut Evidence);

    /// Every prerequisite and every step that people answer for: each spoiled answer has its own finding,
    /// and that alone.
    #[test]
    fn each_spoiled_answer_has_its_own_finding() {
        let fleet = [row(1, true), row(9, false)];
        assert_eq!(check(&fleet, true, &[], None, &clean()), []);
        let fields: [(Spoil, &str, Severity); 9] = [
            (
                |e| e.on_premises_recipients = Some(1),
                "decommission.on-premises-mailboxes",
                Severity::Block,
            ),
            (|e| e.public_folders = Some(true), "decommission.public-folders", Severity::Block),
            (
                |e| e.groups_on_premises = Some(true),
                "decommission.groups-and-contacts",
                Severity::Warn,
            ),
            (|e| e.dns_on_premises = Some(true), "decommission.dns", Severity::Block),
            (|e| e.smtp_relay = Some(true), "decommission.smtp-relay", Severity::Block),
            (|e| e.hybrid_objects = Some(true), id::HYBRID_OBJECTS, Severity::Block),
            (|e| e.path = Some(RemovalPath::ManagementTools), id::PATH, Severity::Block),
            (|e| e.path = None, id::PATH, Severity::Info),
            (
                |e| e.connect_build = Some("2.5.79.0".into()),
                super::super::readiness::id::CONNECT_OLD,
                Severity::Block,
            ),
        ];
        for (spoil, expected, severity) in fields {
            let mut evidence = clean();
            spoil(&mut evidence);
            assert_eq!(check(&fleet, true, &[], None, &evidence), [(expected, severity)]);
        }
        for question in QUESTIONS.iter().filter(|question| !question.key.is_empty()) {
            let mut evidence = clean();
            evidence.premises.insert(question.key, question.bad);
            let expected = [(question.id, question.severity)];
            assert_eq!(check(&fleet, true, &[], None, &evidence), expected, "{}", question.key);
            evidence.premises.remove(question.key);
            let expected = [(question.id, Severity::Info)];
            assert_eq!(check(&fleet, true, &[], None, &evidence), expected, "{}", question.key);
        }
        let unflagged = [(id::NOT_CLOUD_MANAGED, Severity::Block)];
        assert_eq!(check(&[row(1, false)], true, &[], None, &clean()), unflagged);
        let default = [(id::DEFAULT_OFF, Severity::Warn)];
        assert_eq!(check(&fleet, false, &[], None, &clean()), default);
    }

    /// Where applications read AD, the writeback must be seen to work: agent, job and a verified attribute.
    #[test]
    fn readers_of_ad_need_an_agent_a_job_and_a_verified_attribute() {
        let job = |change: fn(&mut JobRow)| {
            let mut job = JobRow::new(1, false);
            job.cycle = 3;
            change(&mut job);
            job
        };
        let good = [agent("1.1.1107.0")];
        let mut evidence = clean();
        evidence.ad_readers = Some(true);
        evidence.premises.insert(VERIFIED, true);
        let of = |agents: &[Agent], job: Option<&JobRow>, evidence: &Evidence| {
            let found = check(&[], true, agents, job, evidence);
            found.into_iter().filter(|(id, _)| *id != "decommission.ad-readers").collect::<Vec<_>>()
        };
        let runs = job(|_| {});
        assert_eq!(of(&good, Some(&runs), &evidence), []);
        let block = |id| vec![(id, Severity::Block)];
        assert_eq!(of(&[agent("1.1.1106.9")], Some(&runs), &evidence), block(id::AGENT));
        for change in [
            (|job| job.paused = true) as fn(&mut JobRow),
            |job| job.disabled = true,
            |job| job.cycle = 0,
        ] {
            assert_eq!(of(&good, Some(&job(change)), &evidence), block(id::JOB));
        }
        assert_eq!(of(&good, None, &evidence), [(id::JOB, Severity::Info)]);
        evidence.premises.insert(JOB_RUNS, true);
        assert_eq!(of(&good, None, &evidence), []);
        evidence.premises.insert(JOB_RUNS, false);
        assert_eq!(of(&good, Some(&runs), &evidence), block(id::JOB));
        evidence.premises.remove(JOB_RUNS);
        evidence.premises.insert(VERIFIED, false);
        assert_eq!(of(&good, Some(&runs), &evidence), block(id::VERIFIED));
        evidence.premises.remove(VERIFIED);
        assert_eq!(of(&good, Some(&runs), &evidence), [(id::VERIFIED, Severity::Info)]);
    }

    #[test]
    fn what_nobody_states_is_not_determinable() {
        let found = check(&[], true, &[], None, &Evidence::default());
        assert!(found.iter().all(|(_, severity)| *severity == Severity::Info), "{found:?}");
        assert_eq!(found.len(), 3 + QUESTIONS.len() + 1);
    }
}
