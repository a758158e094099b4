//! The readiness check: everything that stands against a flip of these mailboxes, or is worth knowing
//! before one. It reads both sides and changes nothing.
//!
//! Beyond what every transfer checks of itself it asks for the organization's default, the agents and
//! the caller's roles, and compares each mailbox with its AD object: what the first export after the
//! flip would change in AD, and what AD would not take.

mod first_export;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::agent_version;
use super::flip::{Stop, Turn, again, step_of};
use super::portion::Portion;
use super::premises;
use super::readiness::{self, Evidence, Finding, Severity};
use super::spelling::instant;
use super::writers::{METADATA, Writers};
use crate::failure::{Failure, Side, code};
use crate::job::JobConfiguration;
use crate::pairing::{Pair, Pairing};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{Mailbox, MailboxId, Name, Organization, Ports, SyncConfiguration};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::writable::{ALLOWED, Unwritable, listed};
use crate::writeback::MappingPlan;
use crate::writeback::retry::Backoff;

/// The ids of its own checks.
pub mod id {
    /// The first export would change values in AD.
    pub const WOULD_CHANGE: &str = "ad.first-export-changes";
    /// The first export would shorten a value in AD.
    pub const WOULD_SHORTEN: &str = "ad.first-export-shortens";
    /// The first export would take an address away from AD that the cloud does not have.
    pub const WOULD_TAKE_ADDRESS: &str = "ad.first-export-takes-address";
    /// AD has values where the cloud has none.
    pub const ONLY_IN_AD: &str = "ad.values-only-in-ad";
    /// A value is longer than AD takes: its export would fail.
    pub const TOO_LONG: &str = "ad.value-too-long";
    /// No AD object matches.
    pub const NO_OBJECT: &str = "ad.no-object";
    /// Several AD objects match.
    pub const AMBIGUOUS: &str = "ad.several-objects";
    /// Another mailbox matches the same AD object.
    pub const SHARED: &str = "ad.shared-object";
    /// The user comes from another AD domain than the job writes to.
    pub const OTHER_DOMAIN: &str = "mailbox.other-domain";
    /// Mailboxes are left on-premises.
    pub const RECIPIENTS: &str = "tenant.on-premises-recipients";
    /// Nobody says how many are.
    pub const RECIPIENTS_UNKNOWN: &str = "evidence.on-premises-recipients";
    /// New mailboxes start under on-premises authority.
    pub const DEFAULT_OFF: &str = "tenant.default-on-premises";
    /// The default is on while recipients are still created on-premises.
    pub const DEFAULT_ON: &str = "tenant.default-blocks-on-premises";
    /// The caller lacks a role that may set the flag.
    pub const ROLE: &str = "caller.role";
    /// The caller's roles are not known.
    pub const ROLE_UNKNOWN: &str = "caller.role-unknown";
    /// Somebody writes the attributes in AD.
    pub const AD_WRITERS: &str = "ad.writers";
    /// AD's own metadata shows that somebody writes an attribute.
    pub const AD_WRITERS_SEEN: &str = "ad.writers-seen";
    /// Nobody says who writes the attributes in AD.
    pub const AD_WRITERS_UNKNOWN: &str = "evidence.ad-writers";
    /// AD's schema lacks attributes that the job writes.
    pub const SCHEMA: &str = "ad.schema-lacks";
    /// The account lacks the right to write attributes of an object.
    pub const NOT_WRITABLE: &str = "ad.not-writable";
}

/// Template ids of the directory roles that may set the flag: Exchange, Hybrid Identity and Global
/// Administrator (Microsoft Entra built-in roles).
const ROLES: [&str; 3] = [
    "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
    "62e90394-69f5-4237-9190-012177145e10",
];
/// What to check.
#[derive(Debug, Clone)]
pub struct CheckConfig {
    /// The mailboxes.
    pub mailboxes: Vec<MailboxId>,
    /// The job whose mapping the first export would follow.
    pub job: JobConfiguration,
    /// What no API tells.
    pub evidence: Evidence,
    /// The interval of the inbound synchronization, for the recommended wait.
    pub sync_cycle: Duration,
    /// Template ids of the directory roles in the caller's token, when they are known.
    pub caller_roles: Option<Vec<String>>,
    /// The AD domain that the job writes to, when there is one.
    pub domain: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The organization's settings.
    pub organization: Option<Organization>,
    /// Directory synchronization.
    pub sync: Option<SyncConfiguration>,
    /// The agents.
    pub agents: Vec<crate::ports::Agent>,
    /// What was found, of the tenant first, then of the mailboxes in their order.
    pub findings: Vec<Finding>,
    /// Mailboxes that were looked at.
    pub checked: u64,
    /// Why the whole activity ended before its time.
    pub stopped: Option<Failure>,
}

/// The check.
pub struct Check {
    config: CheckConfig,
    plan: MappingPlan,
    pairing: Pairing,
    queue: VecDeque<MailboxId>,
    stage: Stage,
    /// Mailboxes of which nobody says when they were last changed on-premises.
    undated: u64,
    /// Attributes that the schema lacks, and of how many objects.
    absent: BTreeMap<Name, u64>,
    writers: Writers,
    report: CheckReport,
    backoff: Backoff,
    portion: Portion,
    not_before: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Stage {
    Sync,
    Organization,
    Agents,
    Mailboxes,
    Pair,
}

impl Check {
    /// A check of these mailboxes.
    #[must_use]
    pub fn new(config: CheckConfig) -> Self {
        let plan = MappingPlan::new(&config.job, PlantedBugs::none());
        let mut attributes = plan.attributes().to_vec();
        attributes.extend([WHEN_CHANGED, METADATA]);
        attributes.extend(ALLOWED);
        Self {
            pairing: Pairing::new(attributes, config.job.switches.match_order),
            queue: config.mailboxes.iter().copied().collect(),
            plan,
            config,
            stage: Stage::Sync,
            undated: 0,
            absent: BTreeMap::new(),
            writers: Writers::default(),
            report: CheckReport::default(),
            backoff: Backoff::default(),
            portion: Portion::default(),
            not_before: None,
        }
    }

    /// The same with waits that are longer by chance ([`Backoff::jittered`]).
    #[must_use]
    pub const fn jittered(mut self, jitter: u64) -> Self {
        self.backoff = Backoff::jittered(jitter);
        self
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let answered = match self.stage {
            Stage::Sync => ports.entra.sync_configuration().map(|sync| {
                self.report.findings.extend(readiness::of_tenant(
                    &sync,
                    &self.config.evidence,
                    now,
                ));
                let cycle = self.config.sync_cycle;
                self.report.findings.extend(readiness::of_sync(&sync, cycle, now));
                self.report.sync = Some(sync);
                self.stage = Stage::Organization;
            }),
            Stage::Organization => ports.exchange.organization().map(|organization| {
                self.report.findings.extend(of_organization(&organization, &self.config.evidence));
                self.report.organization = Some(organization);
                self.stage = Stage::Agents;
            }),
            Stage::Agents => ports.entra.agents().map(|agents| {
                self.report.findings.extend(agent_version::findings(&agents));
                self.report
                    .findings
                    .extend(agent_version::of_inbound(&agents, &self.config.evidence));
                self.report.findings.extend(of_caller(self.config.caller_roles.as_deref()));
                self.report.findings.extend(premises::for_readiness(&self.config.evidence));
                self.report.findings.extend(of_writers(&self.config.evidence));
                if !self.config.evidence.licence_gates {
                    self.report.findings.extend(readiness::of_licence(&self.config.evidence));
                }
                self.report.agents = agents;
                self.stage = Stage::Mailboxes;
            }),
            Stage::Mailboxes => return self.mailboxes(now, ports),
            Stage::Pair => {
                return Ok(match self.pairing.step(now, ports, &mut self.backoff)? {
                    Turn::Busy => Turn::Busy,
                    Turn::Wait(at) => Turn::Wait(at),
                    Turn::Done(pairs) => {
                        self.compare(pairs, now);
                        self.stage = Stage::Mailboxes;
                        Turn::Busy
                    }
                });
            }
        };
        match answered {
            Ok(()) => {
                self.backoff.reset();
                Ok(Turn::Busy)
            }
            Err(error) => again(&error, Side::Cloud, &mut self.backoff, now).map(Turn::Wait),
        }
    }

    fn mailboxes(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let ids: Vec<MailboxId> = self.queue.iter().take(self.portion.most()).copied().collect();
        if ids.is_empty() {
            self.report.findings.extend(undated(self.undated, self.report.checked));
            self.report.findings.extend(without_schema(&self.absent));
            self.report.findings.extend(self.writers.findings());
            return Ok(Turn::Done(()));
        }
        let read = ports.exchange.mailbox_rows(&ids, self.plan.properties());
        let rows = match self.portion.rows(read, &mut self.backoff, now)? {
            Ok(rows) => rows,
            Err(at) => return Ok(Turn::Wait(at)),
        };
        self.queue.drain(..ids.len());
        self.report.checked += ids.len() as u64;
        let mut found = Vec::new();
        for (id, row) in ids.into_iter().zip(rows) {
            let mailbox = match row {
                Ok(Some(mailbox)) => mailbox,
                Ok(None) => {
                    self.report.findings.push(readiness::of_missing(id));
                    continue;
                }
                Err(error) => {
                    self.report.findings.push(readiness::of_unreadable(id, &error.to_string()));
                    continue;
                }
            };
            let (evidence, cycle) = (&self.config.evidence, self.config.sync_cycle);
            self.report.findings.extend(readiness::of_mailbox(&mailbox, evidence, cycle, now));
            if mailbox.dir_synced {
                found.push(mailbox);
            }
        }
        if !found.is_empty() {
            self.pairing.start(found);
            self.stage = Stage::Pair;
        }
        Ok(Turn::Busy)
    }

    /// What the first export would do to each object, and when the object changed.
    fn compare(&mut self, pairs: Vec<Pair>, now: Timestamp) {
        for pair in pairs {
            let plan = &self.plan;
            self.report.findings.extend(too_long(plan, &pair.mailbox));
            self.report.findings.extend(of_domain(&pair, self.config.domain.as_deref()));
            let id = pair.mailbox.id;
            if let Some(why) = &pair.unread {
                self.report.findings.push(readiness::of_unreadable(id, why));
                continue;
            }
            let object = match (pair.rival, pair.object) {
                (Some(rival), _) => {
                    self.report.findings.push(shared(id, rival));
                    continue;
                }
                (None, Some(object)) if !pair.ambiguous => object,
                _ => {
                    self.report.findings.push(unmatched(id, pair.ambiguous));
                    continue;
                }
            };
            self.report.findings.extend(first_export::findings(plan, &pair.mailbox, &object));
            let place = plan.attributes().len() + 2;
            let (class, effective) = (object.values.column(place), object.values.column(place + 1));
            if let Some(not) = Unwritable::of(class, effective, plan.attributes()) {
                not.absent
                    .iter()
                    .for_each(|name| *self.absent.entry(name.clone()).or_default() += 1);
                let all = not.denied.len() == plan.attributes().len();
                self.report.findings.extend(not_writable(id, &not.denied, all));
            }
            if !pair.mailbox.cloud_managed {
                let metadata = object.values.column(plan.attributes().len() + 1);
                self.writers.look(metadata, plan.attributes(), now);
            }
            if pair.mailbox.cloud_managed
                || self.config.evidence.last_on_premises_change.contains_key(&id)
            {
                continue;
            }
            let changed = object.values.column(plan.attributes().len()).first();
            match changed.and_then(|text| instant(&String::from_utf8_lossy(text))) {
                Some(seconds) => {
                    let at = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
                    let cycle = self.config.sync_cycle;
                    self.report.findings.extend(readiness::of_object(id, at, cycle, now));
                }
                None => self.undated += 1,
            }
        }
    }
}

/// When an object was last changed, whichever of its attributes ([MS-ADA3]).
const WHEN_CHANGED: Name = Name::Borrowed("whenChanged");

/// How many mailboxes nobody knows the last change of.
fn undated(count: u64, of: u64) -> Option<Finding> {
    (count > 0).then(|| {
        tenant(
            readiness::id::CHANGES_UNKNOWN,
            Severity::Info,
            format!("not determinable for {count} of {of} mailboxes: nobody says when they were last changed on-premises"),
            "Name the last on-premises changes in the evidence, or wait one sync cycle and 24 hours.",
        )
    })
}

/// What the schema lacks of what the job writes.
fn without_schema(absent: &BTreeMap<Name, u64>) -> Option<Finding> {
    let names: Vec<Name> = absent.keys().cloned().collect();
    let objects = absent.values().max()?;
    Some(tenant(
        id::SCHEMA,
        Severity::Warn,
        format!(
            "the schema of Active Directory does not have, or not for the class of {objects} object(s): {}; their \
             export would fail ({})",
            listed(&names),
            code::CANNOT_FIND_ATTRIBUTE
        ),
        "Extend the schema for Exchange (Setup /PrepareSchema), then restart the agents, which keep the schema as it \
         was when they started; or map these attributes not at all.",
    ))
}

/// Attributes of one object that the account may not write.
fn not_writable(mailbox: MailboxId, denied: &[Name], all: bool) -> Option<Finding> {
    (!denied.is_empty()).then(|| Finding {
        id: id::NOT_WRITABLE,
        severity: Severity::Warn,
        object: Some(mailbox),
        reason: format!(
            "the account may not write {} of its AD object: their export would fail ({})",
            if all { "any of the mapped attributes".to_owned() } else { listed(denied) },
            code::ACCESS_RIGHTS
        ),
        remedy: "Grant the agent's account the right to write them; of a protected account and where inheritance is \
                 off on the object itself or on AdminSDHolder.",
    })
}

/// A mailbox whose AD object another mailbox matches too.
pub(super) fn shared(mailbox: MailboxId, rival: MailboxId) -> Finding {
    Finding {
        id: id::SHARED,
        severity: Severity::Block,
        object: Some(mailbox),
        reason: format!("{}: mailbox {rival} matches the same AD object", code::DUPLICATE_ENTRIES),
        remedy: "Give each of the two an AD object of its own: both would write to this one.",
    }
}

/// A user of another domain than the job's: its mailbox is out of the job's scope.
fn of_domain(pair: &Pair, domain: Option<&str>) -> Option<Finding> {
    let (wanted, from) = (domain?, pair.user.as_ref()?.domain.as_deref()?);
    (!from.eq_ignore_ascii_case(wanted)).then(|| Finding {
        id: id::OTHER_DOMAIN,
        severity: Severity::Warn,
        object: Some(pair.mailbox.id),
        reason: format!("the user comes from {from}, and the job writes to {wanted}"),
        remedy: "Make a configuration for that domain, or nothing of it is written back.",
    })
}

/// Values that AD would not take.
fn too_long(plan: &MappingPlan, mailbox: &Mailbox) -> Vec<Finding> {
    let rules = plan.rules().iter().filter_map(|rule| {
        let most = rule.attribute.max_length?;
        let longest = plan.longest(mailbox, rule);
        (longest > most as usize).then(|| Finding {
            id: id::TOO_LONG,
            severity: Severity::Warn,
            object: Some(mailbox.id),
            reason: format!(
                "{}: a value of {longest} characters, and AD takes {most}",
                rule.attribute.ldap_name
            ),
            remedy: "Shorten the value, or accept that it is not written back.",
        })
    });
    rules.collect()
}

/// A mailbox without an AD object of its own.
pub(super) fn unmatched(mailbox: MailboxId, ambiguous: bool) -> Finding {
    let (id, reason, remedy) = if ambiguous {
        (
            id::AMBIGUOUS,
            format!("{}: several objects in AD carry its anchor", code::DUPLICATE_ENTRIES),
            "Give the anchor to one object alone.",
        )
    } else {
        (
            id::NO_OBJECT,
            "no object in AD matches: nothing would be written back".to_owned(),
            "Check its source anchor, and the domain of the configuration.",
        )
    };
    let severity = if ambiguous { Severity::Block } else { Severity::Warn };
    Finding { id, severity, object: Some(mailbox), reason, remedy }
}

fn tenant(id: &'static str, severity: Severity, reason: String, remedy: &'static str) -> Finding {
    Finding { id, severity, object: None, reason, remedy }
}

fn of_organization(organization: &Organization, evidence: &Evidence) -> Vec<Finding> {
    let default = if organization.cloud_managed_by_default {
        None
    } else {
        Some(tenant(
            id::DEFAULT_OFF,
            Severity::Info,
            "new mailboxes start under on-premises authority".to_owned(),
            "Turn the tenant's default on once nothing is created on-premises any more.",
        ))
    };
    let left = match (evidence.on_premises_recipients, organization.cloud_managed_by_default) {
        (Some(0), _) => None,
        (Some(count), true) => Some(tenant(
            id::DEFAULT_ON,
            Severity::Warn,
            format!(
                "new recipients are cloud-managed from birth, and {count} are left on-premises"
            ),
            "Move what is left first: it cannot be migrated while the default is on.",
        )),
        (Some(count), false) => Some(tenant(
            id::RECIPIENTS,
            Severity::Warn,
            format!(
                "{count} mailboxes are left on-premises: they have no flag before they are moved"
            ),
            "Move them, and leave the tenant's default off until then.",
        )),
        (None, _) => Some(tenant(
            id::RECIPIENTS_UNKNOWN,
            Severity::Info,
            "not determinable: nobody says how many mailboxes are left on-premises".to_owned(),
            "State it in the evidence file (on_premises_recipients).",
        )),
    };
    default.into_iter().chain(left).collect()
}

pub(super) fn of_caller(roles: Option<&[String]>) -> Option<Finding> {
    let Some(roles) = roles else {
        return Some(tenant(
            id::ROLE_UNKNOWN,
            Severity::Info,
            "not determinable: the caller's roles are not known".to_owned(),
            "Make sure that the caller is Exchange Administrator.",
        ));
    };
    let holds = roles.iter().any(|role| ROLES.iter().any(|known| known.eq_ignore_ascii_case(role)));
    (!holds).then(|| {
        tenant(
            id::ROLE,
            Severity::Block,
            "the caller holds no role that may set the flag".to_owned(),
            "Give the application the role Exchange Administrator.",
        )
    })
}

fn of_writers(evidence: &Evidence) -> Option<Finding> {
    match &evidence.ad_writers {
        Some(writers) if writers.is_empty() => None,
        Some(writers) => Some(tenant(
            id::AD_WRITERS,
            Severity::Warn,
            format!("these write the attributes in AD: {}", writers.join(", ")),
            "Lead them to Exchange Online: after the flip nobody sees what they write.",
        )),
        None => Some(tenant(
            id::AD_WRITERS_UNKNOWN,
            Severity::Info,
            "not determinable: nobody says who writes the attributes in AD".to_owned(),
            "List scripts and products that write them in the evidence file.",
        )),
    }
}

impl Activity for Check {
    type Outcome = CheckReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<CheckReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |check| &mut check.not_before)
    }

    fn progress(&self) -> Option<String> {
        let (checked, all) = (self.report.checked, self.config.mailboxes.len());
        (checked > 0).then(|| format!("{checked} of {all} mailboxes checked"))
    }
}

impl Accounts for Check {
    fn account(&mut self, stopped: Option<Failure>) -> CheckReport {
        self.report.stopped = stopped;
        core::mem::take(&mut self.report)
    }
}
