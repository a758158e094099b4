//! Readiness: what stands against a flip, or is worth knowing before one.
//!
//! Sources: Microsoft Learn, "Cloud-based management of Exchange attributes for remote mailboxes"
//! (preconditions; Connect Sync 2.5.190.0 or later; one sync cycle plus 24 hours after the last change
//! on-premises), which names the wait as a recommendation: a warning here and no block.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::ports::{Mailbox, MailboxId, SyncConfiguration};
use crate::recipient_type::is_transferable;
use crate::time::Timestamp;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// A flip is possible and may lose or regress values.
    Warn,
    /// A flip would not work, or break something.
    Block,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Names the check: stable, for programs.
    pub id: &'static str,
    /// Its weight.
    pub severity: Severity,
    /// The mailbox; `None` for the tenant as a whole.
    pub object: Option<MailboxId>,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Finding {
    /// Whether somebody knows what it is about: a program that goes by findings must not take "nobody says" for
    /// "nothing stands against it".
    #[must_use]
    pub fn is_determinable(&self) -> bool {
        !self.reason.contains("not determinable")
    }
}

/// The ids of the checks.
pub mod id {
    /// The mailbox does not exist in Exchange Online.
    pub const MISSING: &str = "mailbox.missing";
    /// The mailbox, its Entra user or its AD object cannot be read.
    pub const UNREADABLE: &str = "mailbox.unreadable";
    /// The mailbox is not synchronized from AD.
    pub const NOT_SYNCED: &str = "mailbox.not-dir-synced";
    /// The recipient is of a type that has no flag to flip.
    pub const TYPE: &str = "mailbox.type";
    /// The flag has the wanted value.
    pub const ALREADY: &str = "mailbox.already-cloud-managed";
    /// Something changed on-premises a short while ago.
    pub const RECENT_CHANGE: &str = "mailbox.recent-on-premises-change";
    /// A change on-premises was not exported yet.
    pub const PENDING: &str = "mailbox.pending-on-premises-change";
    /// Nobody says when something changed on-premises last.
    pub const CHANGES_UNKNOWN: &str = "evidence.on-premises-changes";
    /// A mailbox has more addresses than inbound synchronization takes.
    pub const MANY_ADDRESSES: &str = "mailbox.many-addresses";
    /// Directory synchronization is off.
    pub const SYNC_DISABLED: &str = "tenant.sync-disabled";
    /// The directory was synchronized too long ago: what changed on-premises since is pending.
    pub const SYNC_STALE: &str = "tenant.sync-stale";
    /// Nobody says when the directory was last synchronized.
    pub const SYNC_UNKNOWN: &str = "tenant.sync-unknown";
    /// Nobody says which changes on-premises are pending.
    pub const PENDING_UNKNOWN: &str = "evidence.pending-on-premises-changes";
    /// Connect Sync is too old.
    pub const CONNECT_OLD: &str = "connect.too-old";
    /// Nobody says which build of Connect Sync runs.
    pub const CONNECT_UNKNOWN: &str = "evidence.connect-build";
    /// The licence that writeback may need is not there, or nobody says that it is.
    pub const LICENCE: &str = "evidence.licence";
}

/// What no API tells, as far as somebody knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What synchronizes AD to the cloud; `None`: Connect Sync, as nobody says otherwise.
    pub inbound: Option<Inbound>,
    /// The build of Connect Sync: `2.5.190.0`; that of the server that exports, not of one in staging mode.
    pub connect_build: Option<String>,
    /// When each mailbox was last changed with the on-premises tools.
    pub last_on_premises_change: BTreeMap<MailboxId, Timestamp>,
    /// Mailboxes with an on-premises change that Connect has not exported yet; an empty set: there is none.
    pub pending_inbound: Option<BTreeSet<MailboxId>>,
    /// Scripts and products that write the attributes in AD; an empty list: nobody does.
    pub ad_writers: Option<Vec<String>>,
    /// How many mailboxes the whole forest still has on-premises.
    pub on_premises_recipients: Option<u64>,
    /// Whether public folders are left.
    pub public_folders: Option<bool>,
    /// Whether MX or Autodiscover point on-premises.
    pub dns_on_premises: Option<bool>,
    /// Whether anything relays mail through the server.
    pub smtp_relay: Option<bool>,
    /// Whether objects of the hybrid configuration are left.
    pub hybrid_objects: Option<bool>,
    /// Whether groups or contacts are edited with on-premises tools.
    pub groups_on_premises: Option<bool>,
    /// Whether applications read Exchange attributes from AD.
    pub ad_readers: Option<bool>,
    /// Answers to further questions about the premises, by the names of
    /// [`QUESTIONS`](super::premises::QUESTIONS).
    pub premises: BTreeMap<&'static str, bool>,
    /// What is to become of the last server.
    pub path: Option<RemovalPath>,
    /// Whether the tenant has Entra ID P1, as provisioning of users and groups to AD needs it.
    pub licence: Option<bool>,
    /// Whether a missing licence stands against a flip (open question U13); otherwise it is information.
    pub licence_gates: bool,
}

/// What synchronizes AD to the cloud (Microsoft Learn, "Cloud-based management of Exchange attributes for remote
/// mailboxes", prerequisites: Connect Sync, or Cloud Sync since January 2026).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbound {
    /// Connect Sync.
    ConnectSync,
    /// Cloud Sync, through the provisioning agents.
    CloudSync,
}

/// What becomes of the last Exchange server (Microsoft Learn, "Decommission the last Exchange Server" and
/// "Manage recipients in Exchange hybrid environments using Management tools").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalPath {
    /// It is uninstalled: the way of cloud-managed mailboxes.
    Uninstall,
    /// It is shut down for good and its recipients are managed with the management tools.
    ManagementTools,
}

/// The oldest build of Connect Sync that leaves a cloud-managed mailbox alone.
const OLDEST_CONNECT: [u32; 4] = [2, 5, 190, 0];
/// Older builds than this synchronize nothing since [`HARDENED`] (Microsoft Learn, "Connect Sync security hardening and
/// mandatory upgrade").
const OLDEST_TO_SYNCHRONIZE: [u32; 4] = [2, 5, 79, 0];
/// 2026-10-01, 00:00 UTC.
const HARDENED: Timestamp = Timestamp::from_micros(1_790_812_800 * 1_000_000);
/// What the recommendation adds to one sync cycle.
const SETTLE: Duration = Duration::from_hours(24);

/// Checks the build of Connect Sync, as far as somebody states it. Where Cloud Sync is what synchronizes, the agents count.
fn of_connect(evidence: &Evidence, now: Timestamp) -> Option<Finding> {
    if evidence.inbound == Some(Inbound::CloudSync) {
        return None;
    }
    let build = evidence.connect_build.as_deref();
    let (id, severity, reason, remedy) = match build.map(|build| (build, parse_build(build))) {
        Some((build, Some(parts)))
            if parts.as_slice() < OLDEST_TO_SYNCHRONIZE.as_slice() && now >= HARDENED =>
        {
            let reason = format!(
                "Connect Sync {build} synchronizes nothing any more: builds below 2.5.79.0 stopped after 2026-09-30"
            );
            let remedy =
                "Upgrade Microsoft Entra Connect Sync to 2.5.190.0 or later before anything else.";
            (id::CONNECT_OLD, Severity::Block, reason, remedy)
        }
        Some((build, Some(parts))) if parts.as_slice() < OLDEST_CONNECT.as_slice() => {
            let reason = format!(
                "Connect Sync {build} runs into ExchangeManagedAttributesUpdateNotAllowed; \
                 2.5.190.0 is the first that does not"
            );
            let remedy = "Upgrade Microsoft Entra Connect Sync to 2.5.190.0 or later.";
            (id::CONNECT_OLD, Severity::Block, reason, remedy)
        }
        Some((_, Some(_))) => return None,
        Some((build, None)) => (
            id::CONNECT_UNKNOWN,
            Severity::Info,
            format!("not determinable: `{build}` is no build number"),
            "Name the build of Connect Sync, such as 2.5.190.0.",
        ),
        None => (
            id::CONNECT_UNKNOWN,
            Severity::Info,
            "not determinable: no API tells the build of Connect Sync".to_owned(),
            "Name the build of Connect Sync in the evidence, that of the server that exports and not of one in staging \
             mode; or say that Cloud Sync synchronizes (`inbound: cloud-sync`).",
        ),
    };
    Some(Finding { id, severity, object: None, reason, remedy })
}

/// Checks the tenant as a whole.
#[must_use]
pub fn of_tenant(sync: &SyncConfiguration, evidence: &Evidence, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |id, severity, reason: String, remedy| {
        findings.push(Finding { id, severity, object: None, reason, remedy });
    };
    if !sync.enabled {
        add(
            id::SYNC_DISABLED,
            Severity::Block,
            "directory synchronization is disabled for the tenant".to_owned(),
            "Enable directory synchronization, or manage the recipients in the cloud as a whole.",
        );
    }
    findings.extend(of_connect(evidence, now));
    if evidence.licence_gates && evidence.licence != Some(true) {
        findings.extend(of_licence(evidence));
    }
    let mut add = |id, severity, reason: String, remedy| {
        findings.push(Finding { id, severity, object: None, reason, remedy });
    };
    if evidence.pending_inbound.is_none() {
        add(
            id::PENDING_UNKNOWN,
            Severity::Info,
            "not determinable: nobody says which changes on-premises Connect has not exported"
                .to_owned(),
            "Name them in the evidence (pending_on_premises_change), an empty list when there is none.",
        );
    }
    if evidence.last_on_premises_change.is_empty() {
        add(
            id::CHANGES_UNKNOWN,
            Severity::Info,
            "not determinable: nobody says when mailboxes were last changed on-premises".to_owned(),
            "Name the last on-premises changes in the evidence, or wait one sync cycle and 24 hours.",
        );
    }
    findings
}

/// Checks when the directory was last synchronized: after three cycles without one every mailbox may have a
/// change pending.
#[must_use]
pub fn of_sync(sync: &SyncConfiguration, cycle: Duration, now: Timestamp) -> Option<Finding> {
    let (id, severity, reason) = match sync.last_sync {
        _ if !sync.enabled => return None,
        Some(at) if now.since(at) <= 3 * cycle => return None,
        Some(at) => (
            id::SYNC_STALE,
            Severity::Warn,
            format!(
                "last synchronized at {at}: what changed on-premises since is pending for everybody"
            ),
        ),
        None => (
            id::SYNC_UNKNOWN,
            Severity::Info,
            "not determinable: nobody says when the directory was last synchronized".to_owned(),
        ),
    };
    let remedy = "Let Connect Sync run, then wait one sync cycle and 24 hours.";
    Some(Finding { id, severity, object: None, reason, remedy })
}

/// The licence that writeback may need: nothing is published for this job, and Entra ID P1 is stated for
/// the provisioning of users and groups to AD ("What is Microsoft Entra Cloud Sync?", licences).
#[must_use]
pub fn of_licence(evidence: &Evidence) -> Option<Finding> {
    let reason = match evidence.licence {
        Some(true) => return None,
        Some(false) => "the tenant has no Entra ID P1, which writeback may need",
        None => "not determinable: nobody says whether the tenant has Entra ID P1",
    };
    let severity = if evidence.licence_gates { Severity::Block } else { Severity::Info };
    Some(Finding {
        id: id::LICENCE,
        severity,
        object: None,
        reason: reason.to_owned(),
        remedy: "Say in the evidence that the licence is there; nothing is published for this job.",
    })
}

/// Checks one mailbox, whose flag is to become true.
#[must_use]
pub fn of_mailbox(
    mailbox: &Mailbox,
    evidence: &Evidence,
    sync_cycle: Duration,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |id, severity, reason: String, remedy| {
        findings.push(Finding { id, severity, object: Some(mailbox.id), reason, remedy });
    };
    if !mailbox.dir_synced {
        add(
            id::NOT_SYNCED,
            Severity::Block,
            "the mailbox is not synchronized from Active Directory, so the flag means nothing"
                .to_owned(),
            "Leave it out: the cloud manages it already.",
        );
    }
    if !is_transferable(&mailbox.recipient_type_details) {
        add(
            id::TYPE,
            Severity::Block,
            format!(
                "{} is no user, shared, room or equipment mailbox",
                mailbox.recipient_type_details
            ),
            "Move the mailbox to Exchange Online first, or transfer the object as a whole.",
        );
    }
    if mailbox.cloud_managed && mailbox.dir_synced {
        add(
            id::ALREADY,
            Severity::Info,
            "the cloud manages its Exchange attributes already".to_owned(),
            "Nothing is to be done.",
        );
    } else if let Some(changed) = evidence.last_on_premises_change.get(&mailbox.id)
        && now.since(*changed) < sync_cycle + SETTLE
    {
        add(
            id::RECENT_CHANGE,
            Severity::Warn,
            format!("changed on-premises at {changed}: the change may arrive after the flip"),
            "Wait one sync cycle and 24 hours after the last change on-premises.",
        );
    }
    let pending = evidence.pending_inbound.as_ref().is_some_and(|ids| ids.contains(&mailbox.id));
    if pending && !mailbox.cloud_managed {
        findings.push(Finding {
            id: id::PENDING,
            severity: Severity::Warn,
            object: Some(mailbox.id),
            reason: "a change on-premises was not exported yet, and may land after the flip"
                .to_owned(),
            remedy: "Let Connect Sync run, then wait as after any change on-premises.",
        });
    }
    findings
}

/// Checks when the AD object of a mailbox was changed last. It may have been any attribute, so this warns
/// where nobody states the last change of the Exchange attributes.
#[must_use]
pub fn of_object(
    mailbox: MailboxId,
    changed: Timestamp,
    sync_cycle: Duration,
    now: Timestamp,
) -> Option<Finding> {
    (now.since(changed) < sync_cycle + SETTLE).then(|| Finding {
        id: id::RECENT_CHANGE,
        severity: Severity::Warn,
        object: Some(mailbox),
        reason: format!("its AD object changed at {changed}, and nobody says what of it"),
        remedy: "Wait one sync cycle and 24 hours, or state the last change in the evidence.",
    })
}

/// How many SMTP addresses an object may have and still be exported to the cloud (Microsoft Learn, "Troubleshoot errors
/// during synchronization", LargeObject: 332 and no certificate, less with them).
const ADDRESSES: usize = 300;

/// The finding for a mailbox that goes back to AD's authority with so many SMTP addresses.
#[must_use]
pub fn of_addresses(mailbox: MailboxId, count: usize) -> Option<Finding> {
    (count > ADDRESSES).then(|| Finding {
        id: id::MANY_ADDRESSES,
        severity: Severity::Warn,
        object: Some(mailbox),
        reason: format!(
            "{count} SMTP addresses: from about {ADDRESSES} on an export to the cloud fails (LargeObject, \
             ExceededAllowedLength), and with it every attribute of the user"
        ),
        remedy: "Remove addresses that nobody needs before AD has the authority over them.",
    })
}

/// The finding for a mailbox that is not there.
#[must_use]
pub fn of_missing(mailbox: MailboxId) -> Finding {
    Finding {
        id: id::MISSING,
        severity: Severity::Block,
        object: Some(mailbox),
        reason: "Exchange Online has no mailbox of this id".to_owned(),
        remedy: "Check the id: the flag exists on mailboxes in Exchange Online alone.",
    }
}

/// The finding for a mailbox that cannot be read, or whose user or AD object cannot: it alone.
#[must_use]
pub fn of_unreadable(mailbox: MailboxId, why: &str) -> Finding {
    Finding {
        id: id::UNREADABLE,
        severity: Severity::Block,
        object: Some(mailbox),
        reason: format!("not determinable: {why}"),
        remedy: "Read it with Get-Mailbox and in AD, remove what is odd, and check again.",
    }
}

fn parse_build(text: &str) -> Option<Vec<u32>> {
    text.trim().split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::{START, mailbox};

    fn ids(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn an_old_or_unknown_build_is_found() {
        let on = SyncConfiguration { enabled: true, last_sync: None };
        let mut evidence =
            Evidence { pending_inbound: Some(BTreeSet::new()), ..Evidence::default() };
        evidence.last_on_premises_change.insert(mailbox(1).id, START);
        assert_eq!(ids(&of_tenant(&on, &evidence, START)), [id::CONNECT_UNKNOWN]);
        for (build, expected) in [
            ("2.5.79.0", Some(id::CONNECT_OLD)),
            ("2.5.190.0", None),
            ("2.10.0.0", None),
            ("new", Some(id::CONNECT_UNKNOWN)),
        ] {
            evidence.connect_build = Some(build.to_owned());
            assert_eq!(
                ids(&of_tenant(&on, &evidence, START)).first().copied(),
                expected,
                "{build}"
            );
        }
        let off = SyncConfiguration { enabled: false, last_sync: None };
        assert_eq!(ids(&of_tenant(&off, &evidence, START))[0], id::SYNC_DISABLED);
    }

    /// A build that synchronizes nothing at all is told as that, from the day on; where Cloud Sync synchronizes no build
    /// is asked for.
    #[test]
    fn a_build_that_stopped_is_told_and_cloud_sync_needs_none() {
        assert_eq!(HARDENED.to_string(), "2026-10-01T00:00:00Z");
        let of = |build: &str, at| {
            let connect_build = Some(build.to_owned());
            of_connect(&Evidence { connect_build, ..Evidence::default() }, at).unwrap().reason
        };
        let before = HARDENED - Duration::from_secs(1);
        assert!(of("2.5.76.0", before).contains("ExchangeManagedAttributesUpdateNotAllowed"));
        assert!(of("2.5.76.0", HARDENED).contains("synchronizes nothing"));
        assert!(of("2.5.79.0", HARDENED).contains("ExchangeManagedAttributesUpdateNotAllowed"));
        let evidence = Evidence { inbound: Some(Inbound::CloudSync), ..Evidence::default() };
        assert_eq!(of_connect(&evidence, HARDENED), None);
        let evidence = Evidence { inbound: Some(Inbound::ConnectSync), ..Evidence::default() };
        assert_eq!(of_connect(&evidence, HARDENED).unwrap().id, id::CONNECT_UNKNOWN);
    }

    #[test]
    fn a_licence_is_information_or_a_gate() {
        let on = SyncConfiguration { enabled: true, last_sync: None };
        let mut evidence = Evidence::default();
        assert_eq!(of_licence(&evidence).unwrap().severity, Severity::Info);
        assert!(!ids(&of_tenant(&on, &evidence, START)).contains(&id::LICENCE));
        evidence.licence_gates = true;
        assert_eq!(of_licence(&evidence).unwrap().severity, Severity::Block);
        assert!(ids(&of_tenant(&on, &evidence, START)).contains(&id::LICENCE));
        evidence.licence = Some(true);
        assert!(of_licence(&evidence).is_none());
        assert!(!ids(&of_tenant(&on, &evidence, START)).contains(&id::LICENCE));
    }

    #[test]
    fn more_addresses_than_go_up_are_found() {
        assert_eq!(of_addresses(mailbox(1).id, 300), None);
        assert_eq!(of_addresses(mailbox(1).id, 301).unwrap().id, id::MANY_ADDRESSES);
    }

    #[test]
    fn a_synchronization_that_stands_still_is_found() {
        let cycle = Duration::from_mins(30);
        let of = |last_sync, minutes| {
            let sync = SyncConfiguration { enabled: true, last_sync };
            let found = of_sync(&sync, cycle, START + Duration::from_mins(minutes));
            found.map(|finding| (finding.id, finding.severity))
        };
        assert_eq!(of(Some(START), 90), None);
        assert_eq!(of(Some(START), 91), Some((id::SYNC_STALE, Severity::Warn)));
        assert_eq!(of(None, 0), Some((id::SYNC_UNKNOWN, Severity::Info)));
    }

    /// What nobody states is said to be unknown; a list, even an empty one, is an answer.
    #[test]
    fn pending_changes_are_named_denied_or_not_determinable() {
        let on = SyncConfiguration { enabled: true, last_sync: None };
        let mut evidence = Evidence::default();
        assert!(ids(&of_tenant(&on, &evidence, START)).contains(&id::PENDING_UNKNOWN));
        let mut target = mailbox(1);
        target.cloud_managed = false;
        let of = |evidence: &Evidence| {
            ids(&of_mailbox(&target, evidence, Duration::from_mins(30), START))
        };
        assert!(of(&evidence).is_empty());
        evidence.pending_inbound = Some(BTreeSet::new());
        assert!(!ids(&of_tenant(&on, &evidence, START)).contains(&id::PENDING_UNKNOWN));
        assert!(of(&evidence).is_empty());
        evidence.pending_inbound = Some(BTreeSet::from([target.id]));
        assert_eq!(of(&evidence), [id::PENDING]);
    }

    #[test]
    fn the_wait_after_an_on_premises_change_is_one_cycle_and_24_hours() {
        let cycle = Duration::from_mins(30);
        let mut target = mailbox(1);
        target.cloud_managed = false;
        let mut evidence = Evidence::default();
        evidence.last_on_premises_change.insert(target.id, START);
        let at =
            |minutes| of_mailbox(&target, &evidence, cycle, START + Duration::from_mins(minutes));
        assert_eq!(ids(&at(24 * 60 + 29)), [id::RECENT_CHANGE]);
        assert!(at(24 * 60 + 30).is_empty());
    }

    #[test]
    fn what_cannot_flip_is_blocked() {
        let cycle = Duration::from_mins(30);
        let check =
            |mailbox: &Mailbox| ids(&of_mailbox(mailbox, &Evidence::default(), cycle, START));
        let mut target = mailbox(1);
        assert_eq!(check(&target), [id::ALREADY]);
        target.dir_synced = false;
        target.recipient_type_details = "MailUser".into();
        assert_eq!(check(&target), [id::NOT_SYNCED, id::TYPE]);
    }
}
