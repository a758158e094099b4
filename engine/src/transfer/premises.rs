//! What no API tells about the premises: questions that people answer in the evidence file.
//!
//! They follow the published order of work: what must hold before (A), what only a running server removes
//! (B), the last look before the uninstallation (C), what stays behind in the cloud (E), and what is verified
//! afterwards (F); D is the uninstallation itself. Source: Microsoft Learn, "Decommission the last Exchange
//! Server after transferring SOA to cloud" (prerequisites and order).

use Severity::{Block, Info, Warn};

use super::readiness::{Evidence, Finding, Severity};

/// A question, with its answers.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The step of the order of work.
    pub step: char,
    /// Names the check: stable, for programs.
    pub id: &'static str,
    /// What the evidence file calls it; empty for what has a field of its own.
    pub key: &'static str,
    /// The answer that is a problem.
    pub bad: bool,
    /// How much that weighs.
    pub severity: Severity,
    /// The problem.
    pub problem: &'static str,
    /// The question, for a finding that says that nobody answered.
    pub question: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// A question to which yes is the problem.
const fn yes(
    (step, id, key): (char, &'static str, &'static str),
    severity: Severity,
    problem: &'static str,
    question: &'static str,
    remedy: &'static str,
) -> Question {
    Question { step, id, key, bad: true, severity, problem, question, remedy }
}

/// A question to which no is the problem.
const fn no(
    place: (char, &'static str, &'static str),
    severity: Severity,
    problem: &'static str,
    question: &'static str,
    remedy: &'static str,
) -> Question {
    Question { bad: false, ..yes(place, severity, problem, question, remedy) }
}

/// Every question, in the order of work.
pub const QUESTIONS: [Question; 24] = [
    yes(
        ('A', "decommission.on-premises-mailboxes", ""),
        Block,
        "mailboxes are left on-premises",
        "how many mailboxes the whole forest still has, arbitration and audit ones included",
        "Move or disable them, in every domain of the forest.",
    ),
    yes(
        ('A', "decommission.public-folders", ""),
        Block,
        "public folders are left, or the organization points to remote ones",
        "whether public folders are left",
        "Migrate or remove them.",
    ),
    yes(
        ('A', "decommission.groups-and-contacts", ""),
        Warn,
        "groups or contacts are still edited with on-premises tools",
        "whether groups and contacts are edited on-premises",
        "Transfer their source of authority: no tool is left after the removal.",
    ),
    yes(
        ('A', "decommission.dns", ""),
        Block,
        "MX or Autodiscover point on-premises",
        "where MX and Autodiscover point",
        "Point both to Exchange Online.",
    ),
    yes(
        ('A', "decommission.smtp-relay", ""),
        Block,
        "something relays mail through the server",
        "whether anything relays mail through the server",
        "Lead applications and devices to another relay.",
    ),
    yes(
        ('A', "decommission.ad-readers", ""),
        Info,
        "applications read Exchange attributes from AD: the writeback has to go on",
        "whether applications read Exchange attributes from AD",
        "Keep the job running, and verify an attribute end to end.",
    ),
    yes(
        ('B', "decommission.service-connection-points", "service_connection_points"),
        Block,
        "Autodiscover service connection points still name the server",
        "whether the Autodiscover service connection points are cleared",
        "Clear them while Exchange runs (Set-ClientAccessService -AutoDiscoverServiceInternalUri $null).",
    ),
    yes(
        ('B', "decommission.hybrid-configuration", "hybrid_configuration"),
        Block,
        "the hybrid configuration object is left",
        "whether the hybrid configuration object is removed",
        "Remove it while Exchange runs (Remove-HybridConfiguration).",
    ),
    yes(
        ('B', "decommission.intra-organization-connectors", "intra_organization_connectors"),
        Block,
        "intra-organization connectors of the wizard are left",
        "whether the intra-organization connectors are removed",
        "Disable them on both sides, then remove them.",
    ),
    yes(
        ('B', "decommission.connectors", "send_receive_connectors"),
        Block,
        "hybrid send or receive connectors are left",
        "whether the hybrid send and receive connectors are removed",
        "Remove them while Exchange runs.",
    ),
    yes(
        ('B', "decommission.organization-relationship", "organization_relationship"),
        Block,
        "the organization relationship is left",
        "whether the organization relationship is removed",
        "Remove it while Exchange runs.",
    ),
    yes(
        ('B', "decommission.federation-trust", "federation_trust"),
        Block,
        "the federation trust is left",
        "whether the federation trust is removed",
        "Remove it while Exchange runs.",
    ),
    yes(
        ('B', "decommission.federation-certificate", "federation_certificate"),
        Block,
        "the certificate of the federation trust is left",
        "whether the certificate of the federation trust is removed",
        "Remove it with the trust.",
    ),
    yes(
        ('B', "decommission.oauth-credentials", "oauth_credentials"),
        Block,
        "OAuth credentials of the server are left on the service principal",
        "whether the OAuth credentials of the service principal are reset",
        "Reset them with the script that Microsoft provides.",
    ),
    yes(
        ('B', "decommission.hybrid-agent", "hybrid_agent"),
        Block,
        "the Hybrid Agent is installed",
        "whether a Hybrid Agent is installed",
        "Remove it (modern hybrid only).",
    ),
    yes(
        ('C', "decommission.system-mailboxes", "system_mailboxes"),
        Block,
        "arbitration or audit-log mailboxes are enabled on the server",
        "whether arbitration and audit-log mailboxes are disabled",
        "Disable them last, just before the uninstallation.",
    ),
    yes(
        ('E', "decommission.cloud-connectors", "cloud_connectors"),
        Warn,
        "inbound or outbound connectors to the premises are left in the cloud",
        "whether the connectors in the cloud are removed",
        "Remove them in Exchange Online after the uninstallation.",
    ),
    yes(
        ('E', "decommission.cloud-organization-relationship", "cloud_organization_relationship"),
        Warn,
        "the organization relationship is left in the cloud",
        "whether the organization relationship in the cloud is removed",
        "Remove it in Exchange Online after the uninstallation.",
    ),
    yes(
        (
            'E',
            "decommission.cloud-intra-organization-connector",
            "cloud_intra_organization_connector",
        ),
        Warn,
        "the intra-organization connector is left in the cloud",
        "whether the intra-organization connector in the cloud is removed",
        "Remove it in Exchange Online after the uninstallation.",
    ),
    yes(
        ('E', "decommission.migration-endpoints", "migration_endpoints"),
        Warn,
        "migration endpoints to the premises are left",
        "whether the migration endpoints are removed",
        "Remove them in Exchange Online after the uninstallation.",
    ),
    yes(
        ('E', "decommission.cloud-oauth-credentials", "cloud_oauth_credentials"),
        Warn,
        "OAuth credentials of the premises are left in the cloud",
        "whether the OAuth credentials in the cloud are removed",
        "Remove them after the uninstallation.",
    ),
    no(
        ('F', "decommission.writeback-afterwards", "writeback_works_afterwards"),
        Warn,
        "writeback does not work for every attribute since the server is gone",
        "whether writeback still works for all attributes, a new alias among them",
        "Check agent and job, then provision a mailbox on demand.",
    ),
    no(
        ('F', "decommission.onboarding-afterwards", "onboarding_works_afterwards"),
        Warn,
        "new users cannot be provisioned since the server is gone",
        "whether a new user gets a cloud-managed mailbox",
        "Check the tenant's default and the licence.",
    ),
    no(
        ('F', "decommission.containers-gone", "containers_gone"),
        Warn,
        "the containers of the Exchange organization are still in AD",
        "whether the containers are gone and the schema is still there",
        "Remove what the uninstallation left behind.",
    ),
];

impl Question {
    /// The answer, when somebody gave one.
    fn answer(&self, evidence: &Evidence) -> Option<bool> {
        match self.id {
            "decommission.on-premises-mailboxes" => {
                evidence.on_premises_recipients.map(|count| count > 0)
            }
            "decommission.public-folders" => evidence.public_folders,
            "decommission.groups-and-contacts" => evidence.groups_on_premises,
            "decommission.dns" => evidence.dns_on_premises,
            "decommission.smtp-relay" => evidence.smtp_relay,
            "decommission.ad-readers" => evidence.ad_readers,
            _ => {
                // Whoever says that no hybrid object is left has answered for each of them.
                let whole =
                    (self.step == 'B' && evidence.hybrid_objects == Some(false)).then_some(false);
                evidence.premises.get(self.key).copied().or(whole)
            }
        }
    }

    /// What the evidence file calls the answer.
    #[must_use]
    pub fn name(&self) -> String {
        match self.id {
            "decommission.on-premises-mailboxes" => "on_premises_recipients".to_owned(),
            "decommission.public-folders" => "public_folders".to_owned(),
            "decommission.groups-and-contacts" => "groups_on_premises".to_owned(),
            "decommission.dns" => "dns_on_premises".to_owned(),
            "decommission.smtp-relay" => "smtp_relay".to_owned(),
            "decommission.ad-readers" => "ad_readers".to_owned(),
            _ => format!("premises: {}", self.key),
        }
    }

    /// What stands against the removal, or that nobody answered.
    #[must_use]
    pub fn finding(&self, evidence: &Evidence) -> Option<Finding> {
        let (severity, reason, remedy) = match self.answer(evidence) {
            Some(answer) if answer == self.bad => {
                (self.severity, format!("step {}: {}", self.step, self.problem), self.remedy)
            }
            Some(_) => return None,
            None => (
                Info,
                format!(
                    "step {}: not determinable: {} (`{}`)",
                    self.step,
                    self.question,
                    self.name()
                ),
                "State it in the evidence file.",
            ),
        };
        Some(Finding { id: self.id, severity, object: None, reason, remedy })
    }
}

/// Of these questions a readiness check names the ones that matter while mailboxes are flipped: none of
/// them stands against a flip.
#[must_use]
pub fn for_readiness(evidence: &Evidence) -> Vec<Finding> {
    const NAMED: [&str; 3] =
        ["decommission.public-folders", "decommission.dns", "decommission.smtp-relay"];
    let named = QUESTIONS.iter().filter(|question| NAMED.contains(&question.id));
    let findings = named.filter_map(|question| question.finding(evidence));
    findings.map(|finding| Finding { severity: finding.severity.min(Warn), ..finding }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_the_order_of_work() {
        let mut ids: Vec<&str> = QUESTIONS.iter().map(|question| question.id).collect();
        let mut keys: Vec<&str> = QUESTIONS.iter().map(|question| question.key).collect();
        ids.sort_unstable();
        ids.dedup();
        keys.retain(|key| !key.is_empty());
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((ids.len(), keys.len()), (QUESTIONS.len(), count));
        assert!(QUESTIONS.is_sorted_by_key(|question| question.step));
    }

    /// Who reads that nobody answered finds out how to: a question without a key has a field of its own.
    #[test]
    fn what_nobody_answers_says_what_the_evidence_file_calls_it() {
        for question in &QUESTIONS {
            let finding = question.finding(&Evidence::default()).unwrap();
            let own = question.key.is_empty() != question.name().starts_with("premises: ");
            assert!(own && finding.reason.contains(&question.name()), "{}", finding.reason);
            assert!(!question.name().ends_with(' '), "{}", question.id);
        }
    }

    #[test]
    fn readiness_names_dns_relay_and_public_folders_and_blocks_nothing() {
        let found = for_readiness(&Evidence::default());
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|one| one.reason.contains("not determinable")));
        let evidence = Evidence { smtp_relay: Some(true), ..Evidence::default() };
        let relay = for_readiness(&evidence).into_iter().find(|one| one.id.ends_with("relay"));
        assert_eq!(relay.unwrap().severity, Warn);
    }
}
