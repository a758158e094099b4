//! The job as others see it: commands in, reports and log entries out.
//!
//! The desired state (schema, scope, secrets, interval, requests) belongs to whoever keeps the job's
//! record; the run state (links, watermark, escrow, quarantine) is the engine's alone.
//!
//! Sources: Microsoft Graph reference, `synchronizationJob`, `synchronizationStatus`,
//! `synchronizationJobRestartCriteria`, `provisioningObjectSummary`.

use std::time::Duration;

use crate::change::ModifiedProperty;
use crate::journal::rows::QuarantineReason;
use crate::ports::{MailboxId, ObjectGuid};
use crate::schema::Mapping;
use crate::time::Timestamp;
use crate::writeback::scope::Filter;

/// What somebody asks of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobCommand {
    /// `start`: runs from now on. On a running job a cycle begins at once.
    Start,
    /// `pause` (or `stop`): no new cycle, and the one that runs ends before its next write.
    Pause,
    /// `restart` with its scopes.
    Restart(RestartScopes),
    /// `provisionOnDemand` of one user.
    ProvisionOnDemand {
        /// Ties the answer to the request.
        request: u64,
        /// `ruleId`.
        rule: String,
        /// The user.
        mailbox: MailboxId,
    },
    /// The job's desired state was replaced.
    Configure(JobConfiguration),
}

/// `resetScope` of a restart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestartScopes {
    /// `Watermark`: every object is evaluated again.
    pub watermark: bool,
    /// `Escrows`: recorded failures are no longer retried.
    pub escrows: bool,
    /// `QuarantineState`: the quarantine is lifted.
    pub quarantine: bool,
    /// `Full`: all of them, and the links between the two sides are forgotten.
    pub full: bool,
}

/// The desired state of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobConfiguration {
    /// The job's id.
    pub id: String,
    /// `synchronizationRules[0].id`.
    pub rule: String,
    /// When the configuration was created: decides whether `mail` is mapped.
    pub created_on: Timestamp,
    /// `schedule.interval`.
    pub interval: Duration,
    /// How the open questions are answered.
    pub switches: Switches,
    /// The attribute mappings of the schema; `None` for the default ones: the contract, each attribute
    /// from its own property.
    pub mapping: Option<Mapping>,
    /// Which AD objects the job is responsible for.
    pub scope: Filter,
}

/// How values of `proxyAddresses` are brought to AD (open question U2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyMode {
    /// SMTP values become those of the cloud; AD-only values of other types stay.
    #[default]
    ReplaceSmtp,
    /// All values become those of the cloud.
    ReplaceAll,
    /// Values of the cloud are added; nothing is removed.
    Merge,
}

/// A key by which the AD object of a mailbox is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// `onPremisesObjectIdentifier`, the `objectGUID`.
    ObjectIdentifier,
    /// `onPremisesImmutableId`, as `mS-DS-ConsistencyGuid` or `objectGUID`.
    ImmutableId,
    /// `msDS-ExternalDirectoryObjectId`.
    ExternalId,
}

impl Anchor {
    /// Its number among the keys of [`crate::anchor`].
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::ObjectIdentifier => 0,
            Self::ImmutableId => 1,
            Self::ExternalId => 2,
        }
    }
}

/// In which order the keys are tried unless a switch says otherwise.
pub const MATCH_ORDER: [Anchor; 3] =
    [Anchor::ObjectIdentifier, Anchor::ImmutableId, Anchor::ExternalId];

/// What to write as recipient type (open question U6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecipientTypeMode {
    /// The `Remote*` number that on-premises tools expect.
    #[default]
    Remote,
    /// The number of the cloud's own type.
    Raw,
}

/// How much of an object that changed is exported (open question U8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportMode {
    /// Everything that differs from AD, so that a local edit of AD is healed along the way.
    #[default]
    WholeDiff,
    /// In delta cycles only what changed in the cloud since it was exported.
    ChangedAttributes,
}

/// When an object that failed is tried again (open question U19).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EscrowLadder {
    /// After 6, 12 and 24 hours, then daily, for 28 days.
    #[default]
    General,
    /// In every cycle, for 28 days.
    EveryCycle,
}

/// How the changes of one object are sent (open question U22).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ModifyGranularity {
    /// One modify for an object: all of it happens or nothing.
    #[default]
    Object,
    /// One modify for an attribute: an attribute that is refused does not hold up the others.
    Attribute,
}

/// What happens beyond the supported number of cloud-managed mailboxes (open question U11).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LimitAction {
    /// The log says so of each that enters, and they are written.
    #[default]
    Warn,
    /// A mailbox that is not linked yet does not enter scope.
    Refuse,
}

/// Behaviour that is not published, one field for each open question that concerns the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// U1 `match_order`: the keys to try, first to last; the first that hits decides.
    pub match_order: [Anchor; 3],
    /// U2 `proxy_mode`.
    pub proxy_mode: ProxyMode,
    /// U3 `proxy_types`: whether addresses in `*.onmicrosoft.com` are written to AD.
    pub write_onmicrosoft: bool,
    /// U3 `proxy_types`: whether X500 addresses of the cloud are written to AD; otherwise each side keeps its own.
    pub write_x500: bool,
    /// U3 `proxy_types`: whether SIP addresses of the cloud are written to AD, beside AD's.
    pub write_sip: bool,
    /// U4 `null_flow`: an emptied single-valued property removes the AD attribute.
    pub null_flow: bool,
    /// U5 `null_flow_multi`: the same for multi-valued properties.
    pub null_flow_multi: bool,
    /// U6 `rtd_mode`.
    pub recipient_type_mode: RecipientTypeMode,
    /// U7 `first_time_requires_initial`: a mailbox that enters scope waits for an initial cycle.
    pub first_time_requires_initial: bool,
    /// U8 `export_mode`.
    pub export_mode: ExportMode,
    /// U9 `drift_heal`: every cycle compares all mailboxes in scope with AD, changed or not.
    pub drift_heal: bool,
    /// U10 `classes`: whether objects of the class `inetOrgPerson` are written beside those of `user`.
    pub inet_org_person: bool,
    /// U11 `limit_action`.
    pub limit_action: LimitAction,
    /// The most cloud-managed mailboxes that the service supports.
    pub mailbox_limit: u64,
    /// U19 `escrow_ladder`.
    pub escrow_ladder: EscrowLadder,
    /// U22 `modify_granularity`.
    pub modify_granularity: ModifyGranularity,
    /// U25 `cloud_only_types`: Workspace and Desk, of which AD knows nothing, are written as rooms;
    /// otherwise they are skipped.
    pub cloud_only_types_as_rooms: bool,
    /// U26 `disabled_accounts`: whether users whose AD object is disabled are written.
    pub write_disabled: bool,
    /// Whether `mail` is among the mapped attributes at all (23 or 24).
    pub mail_mapped: bool,
    /// How far behind the watermark a listing begins. Exchange Online is many servers, whose copies lag:
    /// an answer may lack a change that is older than the answer, and a later one shows it.
    pub watermark_overlap: Duration,
}

/// How far behind the watermark a listing begins unless a switch says otherwise. Nothing is published
/// about how long a copy may lag; changes are usually seen within seconds.
pub const WATERMARK_OVERLAP: Duration = Duration::from_mins(5);

/// Cloud-managed mailboxes that a tenant may have (Exchange Team Blog 2026-08-03).
pub const MAILBOX_LIMIT: u64 = 600_000;

impl Default for Switches {
    fn default() -> Self {
        Self {
            match_order: MATCH_ORDER,
            proxy_mode: ProxyMode::ReplaceSmtp,
            write_onmicrosoft: true,
            write_x500: true,
            write_sip: false,
            null_flow: false,
            null_flow_multi: false,
            recipient_type_mode: RecipientTypeMode::Remote,
            first_time_requires_initial: false,
            export_mode: ExportMode::WholeDiff,
            drift_heal: false,
            inet_org_person: false,
            limit_action: LimitAction::Warn,
            mailbox_limit: MAILBOX_LIMIT,
            escrow_ladder: EscrowLadder::General,
            modify_granularity: ModifyGranularity::Object,
            cloud_only_types_as_rooms: false,
            write_disabled: true,
            mail_mapped: true,
            watermark_overlap: WATERMARK_OVERLAP,
        }
    }
}

/// `status.code` of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Configured, and no cycle has ended yet.
    NotRun,
    /// Cycles run by the interval.
    Active,
    /// Nothing runs.
    Paused,
    /// Cycles run once a day.
    Quarantine,
}

/// One cycle in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleReport {
    /// Numbers the cycles of this job, from 1.
    pub cycle: u64,
    /// Whether it evaluated everything (no watermark).
    pub initial: bool,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Mailboxes read.
    pub read: u64,
    /// Mailboxes in scope.
    pub in_scope: u64,
    /// Objects whose modify had an effect.
    pub written: u64,
    /// Objects skipped, with a reason in the log.
    pub skipped: u64,
    /// Objects that failed, now in escrow.
    pub failed: u64,
    /// Objects of the escrow that were tried again.
    pub retried: u64,
    /// Why the cycle as a whole failed: a code such as `HybridIdentityServiceNoActiveAgents`.
    pub failure: Option<CycleFailure>,
}

/// Why a cycle did not come to its end. The watermark stays where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleFailure {
    /// The documented code.
    pub code: &'static str,
    /// What happened, for people.
    pub detail: String,
}

/// `synchronizationQuarantine`: why the job is in quarantine, since when, and when it runs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineStatus {
    /// `reason`.
    pub reason: QuarantineReason,
    /// `seriesBegan`: since when, without having been lifted.
    pub began: Timestamp,
    /// `currentBegan`: when a cycle imposed it last.
    pub imposed: Timestamp,
    /// `seriesCount`: how many cycles did.
    pub times: u64,
    /// `nextAttempt`.
    pub next: Timestamp,
}

/// The job's state after a change of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// `status.code`.
    pub status: JobStatus,
    /// The cycle that just ended.
    pub last_cycle: Option<CycleReport>,
    /// Objects in escrow.
    pub escrowed: u64,
    /// `status.escrowsPruned`: the last initial cycle gave its failures up (Microsoft Graph reference,
    /// synchronizationStatus).
    pub escrows_pruned: bool,
    /// `synchronizedEntryCountByType`: objects that are linked.
    pub linked: u64,
    /// `status.quarantine`, while the job is in quarantine.
    pub quarantine: Option<QuarantineStatus>,
    /// The answer to a provision on demand.
    pub on_demand: Option<(u64, LogEntry)>,
}

/// `provisioningStatusInfo.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStatus {
    /// Written; with a code: with a warning.
    Success,
    /// Not written, and it should have been.
    Failure,
    /// Nothing to write, for the reason given.
    Skipped,
}

/// An entry of the provisioning log: what was done with one object, or why nothing was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// In which cycle; 0 outside one.
    pub cycle: u64,
    /// The cloud object; `None` for an entry about the cycle as a whole.
    pub mailbox: Option<MailboxId>,
    /// The AD object, when it was found.
    pub target: Option<ObjectGuid>,
    /// How it ended.
    pub status: LogStatus,
    /// A documented code: the error of a failure, the reason of a skip, empty for a success.
    pub code: &'static str,
    /// What happened, for people; empty when the code says it all.
    pub detail: String,
    /// What changed.
    pub modified: Vec<ModifiedProperty>,
    /// Whether it ended before the mailbox was read: nobody answered, or the request itself was wrong.
    pub unread: bool,
    /// How long the object, and those that were handled together with it, took.
    pub took: Duration,
    /// Stands for the version of the mailbox that it is about: an entry that a crash between the log and
    /// the state store made twice has it twice. 0 where there is no version.
    pub version: u64,
}
