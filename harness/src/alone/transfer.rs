//! Transfer and its companions on their own.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::failure::Failure;
use engine::guid::Guid;
use engine::journal::rows::JobRow;
use engine::ports::{MailboxId, Name};
use engine::step::Accounts;
use engine::time::Timestamp;
use engine::transfer::{
    Acceptance, Action, Backup, BackupReport, Check, CheckConfig, CheckReport, Evidence, Finding,
    Inventory, InventoryRow, Listing, Pace, Restore, RestoreConfig, RestoreReport, RestoreTo, Ring,
    Rollback, RollbackConfig, Rollout, RolloutConfig, RolloutReport, Severity, Sides, TakeBackup,
    Transfer, TransferConfig, TransferReport, backup_run, decommission,
};
use engine::wire::Wire;

use super::begun::begun;
use super::desk::{Desk, Said};
use super::drive::{Engine, jitter, transfer_log};
use super::inputs::NamedRing;
use super::ports::Bundle;
use super::stores::{self, Owner};
use super::{AloneError, Permission, Settings, no_clock, no_token};

/// What to do.
#[derive(Debug, Clone)]
pub enum TransferAction {
    /// List every mailbox of the tenant.
    Inventory,
    /// Everything that stands against a flip, or is worth knowing before one. Changes nothing.
    Readiness {
        /// What no API tells.
        evidence: Evidence,
    },
    /// Everything that stands against removing the last Exchange server. Changes nothing.
    Decommission {
        /// What no API tells.
        evidence: Evidence,
    },
    /// Flip ring after ring.
    Rollout {
        /// The rings.
        rings: Vec<NamedRing>,
        /// How every ring flips.
        flip: FlipOptions,
    },
    /// Check the mailboxes, and flip them when that is permitted.
    Flip(FlipOptions),
    /// Take a backup of the mailboxes, or fetch those that the transfer of this name took.
    Backup {
        /// Those that the transfer took before its flips.
        stored: bool,
        /// Of those the ones alone that were taken before this instant.
        before: Option<Timestamp>,
        /// Which sides to keep, of what is there now.
        sides: Sides,
    },
    /// Bring the values of a backup back.
    Restore {
        /// The values.
        backups: Vec<Backup>,
        /// Where they go.
        to: RestoreTo,
        /// Mailboxes that are set in the cloud in any minute, at most.
        sets_a_minute: Option<u32>,
    },
    /// Say what would be lost, and give authority back to AD when that is permitted.
    Rollback {
        /// Roll mailboxes back that lose values, too.
        accept_losses: bool,
        /// How fast, and how far.
        waves: WaveOptions,
    },
}

/// How fast mailboxes are flipped, there or back, and when that stops.
#[derive(Debug, Clone)]
pub struct WaveOptions {
    /// How many mailboxes make a wave.
    pub wave: usize,
    /// Mailboxes of a wave that may fail before everything stops.
    pub most_failures: u64,
    /// Mailboxes that are set in any minute, at most.
    pub sets_a_minute: Option<u32>,
}

impl WaveOptions {
    fn pace(&self) -> Pace {
        Pace { sets_a_minute: self.sets_a_minute, jitter: jitter() }
    }
}

/// How mailboxes are flipped.
#[derive(Debug, Clone)]
pub struct FlipOptions {
    /// How fast, and how far.
    pub waves: WaveOptions,
    /// What the backup before a flip keeps.
    pub sides: Sides,
    /// Ids of findings that block and are accepted all the same.
    pub accepted: Vec<String>,
    /// What no API tells.
    pub evidence: Evidence,
}

impl FlipOptions {
    fn config(
        &self,
        id: String,
        mailboxes: Vec<MailboxId>,
        apply: bool,
        (caller_roles, sync_cycle): (Option<Vec<String>>, Duration),
    ) -> TransferConfig {
        TransferConfig {
            wave: self.waves.wave,
            most_failures: Some(self.waves.most_failures),
            accepted: self.accepted.iter().cloned().collect(),
            evidence: self.evidence.clone(),
            apply,
            pace: self.waves.pace(),
            sides: self.sides,
            caller_roles,
            sync_cycle,
            ..TransferConfig::new(id, mailboxes)
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct TransferRequest {
    /// What may be done.
    pub permission: Permission,
    /// Names it in the state store: the same name goes on where it was.
    pub name: String,
    /// What to do.
    pub action: TransferAction,
    /// The mailboxes, by id, user principal name or primary address; `None` is every mailbox that is
    /// synchronized from AD.
    pub mailboxes: Option<Vec<String>>,
}

/// What it came to, or how far it came before a signal or a failure ended it.
#[derive(Debug, Clone)]
pub enum TransferOutcome {
    /// Every mailbox.
    Inventory(Listing),
    /// A flip or a rollback.
    Report(Box<TransferReport>),
    /// What a check found.
    Findings {
        /// Worst first.
        findings: Vec<Finding>,
        /// Of the mailboxes, where they were looked at one by one.
        checked: Option<Checked>,
        /// Why it ended before its time.
        stopped: Option<Failure>,
    },
    /// A rollout.
    Rollout(Box<RolloutReport>),
    /// Backups, and what there is none of.
    Backups(BackupReport),
    /// A restore.
    Restored(Box<RestoreReport>),
}

/// Mailboxes of a readiness check, by what was found of each. What concerns the tenant as a whole is no mailbox's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// So many were looked at.
    pub all: u64,
    /// Nothing stands against these, and nothing is worth a warning.
    pub ready: u64,
    /// Something is worth a warning.
    pub warned: u64,
    /// Something stands against these.
    pub blocked: u64,
}

impl Checked {
    fn of(all: u64, findings: &[Finding]) -> Self {
        let with = |severity: Severity| -> BTreeSet<MailboxId> {
            let found = findings.iter().filter(|one| one.severity == severity);
            found.filter_map(|one| one.object).collect()
        };
        let (blocked, warned) = (with(Severity::Block), with(Severity::Warn));
        let warned = warned.difference(&blocked).count() as u64;
        let blocked = blocked.len() as u64;
        Self { all, ready: all.saturating_sub(warned + blocked), warned, blocked }
    }
}

/// Does it.
///
/// # Errors
/// [`AloneError`]: nothing was started, or the state store failed.
pub fn transfer(
    settings: &Settings,
    request: &TransferRequest,
    say: &mut dyn FnMut(Said),
) -> Result<TransferOutcome, AloneError> {
    let mut engine = Engine::start()?;
    let wire = Wire::new(settings.wire.clone(), engine.runtime.handle().clone())?;
    request.permission.check(settings)?;
    let claims = engine.claims(&wire, say).map_err(no_token)?;
    request.permission.check_tenant(&claims)?;
    engine.follow(&wire, say).map_err(no_clock)?;
    let names = (settings.wire.tenant.as_str(), request.name.as_str(), settings.domain.as_str());
    let apply = request.permission.apply;
    let owner = Owner::of(settings, Some(&claims));
    let store = match &request.action {
        TransferAction::Flip(_)
        | TransferAction::Rollout { .. }
        | TransferAction::Rollback { .. } => stores::transfers(settings, &owner, apply)?,
        // Restores spend of the same budget as flips.
        TransferAction::Restore { to: RestoreTo::Cloud, sets_a_minute: Some(_), .. } if apply => {
            stores::transfers(settings, &owner, true)?
        }
        TransferAction::Backup { stored: true, .. } => stores::transfers(settings, &owner, false)?,
        TransferAction::Inventory
        | TransferAction::Readiness { .. }
        | TransferAction::Decommission { .. }
        | TransferAction::Backup { stored: false, .. }
        | TransferAction::Restore { .. } => stores::none(),
    };
    let keeps = matches!(
        &request.action,
        TransferAction::Flip(_)
            | TransferAction::Rollout { .. }
            | TransferAction::Rollback { .. }
            | TransferAction::Restore { .. }
    );
    let desk = Desk::new(None, names).recording(transfer_log(settings, apply && keeps)?);
    let mut bundle = Bundle::new(settings, &wire, apply, true, (store, desk));
    let mut played = Play { engine: &engine, bundle: &mut bundle, say };
    let listing = if lists(request) {
        played.play(&mut Inventory::default().jittered(jitter())).map_err(AloneError::Failed)?
    } else {
        Listing::default()
    };
    tell_unread(&request.action, &listing, played.say);
    if let Some(evidence) = evidence_of(&request.action) {
        all_are_there(evidence, &listing)?;
    }
    let roles = Some(claims.directory_roles);
    match &request.action {
        TransferAction::Readiness { .. } | TransferAction::Decommission { .. } => {
            check(&mut played, settings, request, &listing, roles)
        }
        TransferAction::Inventory => inventory(request, listing),
        TransferAction::Backup { .. } | TransferAction::Restore { .. } => {
            keep(&mut played, (settings, &wire), request, &listing)
        }
        TransferAction::Rollout { .. }
        | TransferAction::Flip(_)
        | TransferAction::Rollback { .. } => {
            flip(&mut played, request, &listing, (roles, settings.sync_cycle))
        }
    }
}

/// Whether the mailboxes of the tenant are to be listed first: to know all, or whom a name means.
fn lists(request: &TransferRequest) -> bool {
    match (&request.action, &request.mailboxes) {
        (
            TransferAction::Inventory
            | TransferAction::Decommission { .. }
            | TransferAction::Rollout { .. },
            _,
        ) => true,
        // Who is named there must be there.
        (action, _)
            if evidence_of(action).is_some_and(|stated| names_of(stated).next().is_some()) =>
        {
            true
        }
        (_, Some(named)) => named.iter().any(|name| name.parse::<Guid>().is_err()),
        (action, None) => !matches!(
            action,
            TransferAction::Restore { .. } | TransferAction::Backup { stored: true, .. }
        ),
    }
}

/// What people state.
const fn evidence_of(action: &TransferAction) -> Option<&Evidence> {
    match action {
        TransferAction::Readiness { evidence } | TransferAction::Decommission { evidence } => {
            Some(evidence)
        }
        TransferAction::Flip(flip) | TransferAction::Rollout { flip, .. } => Some(&flip.evidence),
        TransferAction::Inventory
        | TransferAction::Backup { .. }
        | TransferAction::Restore { .. }
        | TransferAction::Rollback { .. } => None,
    }
}

/// The mailboxes that an evidence file names.
fn names_of(evidence: &Evidence) -> impl Iterator<Item = MailboxId> + '_ {
    let pending = evidence.pending_inbound.iter().flatten();
    evidence.last_on_premises_change.keys().chain(pending).copied()
}

/// Refuses evidence about nobody: a mistyped id would turn what somebody states into silence.
fn all_are_there(evidence: &Evidence, listing: &Listing) -> Result<(), AloneError> {
    let rows = listing.rows.iter().map(|row| row.id);
    let known: BTreeSet<MailboxId> =
        rows.chain(listing.unread.iter().filter_map(|row| row.id)).collect();
    let nobody: BTreeSet<MailboxId> = names_of(evidence).filter(|id| !known.contains(id)).collect();
    if nobody.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = nobody.iter().map(ToString::to_string).collect();
    Err(AloneError::NotAllowed(format!(
        "the evidence names what is no mailbox in Exchange Online: {}; correct the id or leave it out",
        names.join(", ")
    )))
}

/// Every mailbox, or those that are named.
fn inventory(request: &TransferRequest, all: Listing) -> Result<TransferOutcome, AloneError> {
    let Some(named) = &request.mailboxes else { return Ok(TransferOutcome::Inventory(all)) };
    let meant: BTreeSet<MailboxId> = resolved(named, &all)?.into_iter().collect();
    let known = |id: &MailboxId| {
        all.rows.iter().any(|row| row.id == *id) || all.unread.iter().any(|row| row.id == Some(*id))
    };
    if let Some(nobody) = meant.iter().find(|id| !known(id)) {
        return Err(AloneError::NotAllowed(format!("there is no mailbox `{nobody}`")));
    }
    let mut listing = all;
    listing.rows.retain(|row| meant.contains(&row.id));
    listing.unread.retain(|row| row.id.is_some_and(|id| meant.contains(&id)));
    Ok(TransferOutcome::Inventory(listing))
}

/// Those of the backups that are meant.
fn meant(
    backups: Vec<Backup>,
    request: &TransferRequest,
    listing: &Listing,
) -> Result<Vec<Backup>, AloneError> {
    let Some(named) = &request.mailboxes else { return Ok(backups) };
    let mut meant: BTreeSet<MailboxId> = resolved(named, listing)?.into_iter().collect();
    let is_meant = |backup: &Backup| backup.mailbox().is_some_and(|id| meant.remove(&id));
    let chosen = backups.into_iter().filter(is_meant).collect();
    match meant.first() {
        Some(nobody) => Err(AloneError::NotAllowed(format!("there is no backup of `{nobody}`"))),
        None => Ok(chosen),
    }
}

/// Readiness and decommissioning.
fn check(
    played: &mut Play<'_>,
    settings: &Settings,
    request: &TransferRequest,
    listing: &Listing,
    caller_roles: Option<Vec<String>>,
) -> Result<TransferOutcome, AloneError> {
    let (mailboxes, evidence, all) = match &request.action {
        TransferAction::Readiness { evidence } => {
            (chosen(request, listing, |row| row.dir_synced)?, evidence, None)
        }
        TransferAction::Decommission { evidence } => (Vec::new(), evidence, Some(listing)),
        _ => return Err(not_this()),
    };
    let config = CheckConfig {
        mailboxes,
        job: settings.job.clone(),
        evidence: evidence.clone(),
        sync_cycle: settings.sync_cycle,
        caller_roles,
        domain: Some(settings.domain.clone()),
    };
    let report = played.play(&mut Check::new(config).jittered(jitter()));
    let job = if all.is_some() { stores::job_row(settings)? } else { None };
    Ok(findings(report, all, evidence, (job.as_ref(), played.engine.now())))
}

/// Backups and their return.
fn keep(
    played: &mut Play<'_>,
    (settings, wire): (&Settings, &Wire),
    request: &TransferRequest,
    listing: &Listing,
) -> Result<TransferOutcome, AloneError> {
    Ok(match &request.action {
        TransferAction::Backup { stored: true, before, .. } => {
            let mut report = fetch(played, &request.name, *before)?;
            report.backups = meant(report.backups, request, listing)?;
            TransferOutcome::Backups(report)
        }
        TransferAction::Backup { stored: false, sides, .. } => {
            let mailboxes = chosen(request, listing, |row| row.dir_synced)?;
            let report = played.play(&mut TakeBackup::new(mailboxes, *sides).jittered(jitter()));
            TransferOutcome::Backups(report.map_err(AloneError::Failed)?)
        }
        TransferAction::Restore { backups, to, sets_a_minute } => {
            let apply = request.permission.apply;
            let backups = meant(backups.clone(), request, listing)?;
            let job = settings.job.clone();
            let config = RestoreConfig { backups, to: *to, apply, job };
            let pace = Pace { sets_a_minute: *sets_a_minute, jitter: jitter() };
            let mut restore = Restore::new(config).paced(pace);
            let in_directory = *to != RestoreTo::Cloud;
            if in_directory {
                let absent = without_schema(settings, wire, restore.attributes());
                restore = restore.lacking(absent);
            }
            if apply {
                let log = &settings.transfer_log;
                restore = restore.completing(begun(log, Action::Restore, in_directory)?);
            }
            let report = played.play(&mut restore);
            TransferOutcome::Restored(Box::new(report))
        }
        _ => return Err(not_this()),
    })
}

/// The attributes that AD's schema lacks, as the first server says that answers. Where none does, none is known to be
/// missing: AD then says so of the first modify.
fn without_schema(settings: &Settings, wire: &Wire, attributes: &[Name]) -> Vec<Name> {
    let mut gateways = wire.directory();
    let mut servers = settings.wire.agents.iter();
    let said = servers.find_map(|server| gateways.without_schema(&server.name, attributes).ok());
    said.unwrap_or_default()
}

/// The backups that a transfer took before its flips.
fn fetch(
    played: &mut Play<'_>,
    name: &str,
    before: Option<Timestamp>,
) -> Result<BackupReport, AloneError> {
    let stored = backup_run::stored(played.bundle.store(), name, before)?;
    if stored.backups.is_empty() {
        let names = backup_run::stored_names(played.bundle.store())?;
        let others = match names.is_empty() {
            true => "none has".to_owned(),
            false => format!("these have (those of a ring as NAME/RING): {}", names.join(", ")),
        };
        let then = before.map_or_else(String::new, |before| format!(" before {before}"));
        let why = format!("the transfer `{name}` has kept no backup{then}; {others}");
        return Err(AloneError::NotAllowed(why));
    }
    Ok(BackupReport { backups: stored.backups, earlier: stored.earlier, lacking: Vec::new() })
}

/// Flips, there and back.
fn flip(
    played: &mut Play<'_>,
    request: &TransferRequest,
    listing: &Listing,
    caller: (Option<Vec<String>>, Duration),
) -> Result<TransferOutcome, AloneError> {
    let (id, apply) = (request.name.clone(), request.permission.apply);
    let report = match &request.action {
        TransferAction::Rollout { rings, flip } => {
            let mut seen = BTreeSet::new();
            let rings = rings.iter().map(|ring| {
                let mailboxes = resolved(&ring.mailboxes, listing)?;
                if let Some(twice) = mailboxes.iter().find(|id| !seen.insert(**id)) {
                    let why = format!("{twice} is named twice, the second time in `{}`", ring.name);
                    return Err(AloneError::NotAllowed(why));
                }
                let acceptance = Acceptance { most_without: ring.most_without, soak: ring.soak };
                Ok(Ring { name: ring.name.clone(), mailboxes, acceptance })
            });
            let rings = rings.collect::<Result<_, AloneError>>()?;
            let transfer = flip.config(id, Vec::new(), apply, caller);
            let report = played.play(&mut Rollout::new(RolloutConfig { transfer, rings }));
            return Ok(TransferOutcome::Rollout(Box::new(report)));
        }
        TransferAction::Flip(flip) => {
            let chosen = chosen(request, listing, |row| row.dir_synced)?;
            played.play(&mut Transfer::new(flip.config(id, chosen, apply, caller)))
        }
        TransferAction::Rollback { accept_losses, waves } => {
            let mailboxes = chosen(request, listing, |row| row.dir_synced && row.cloud_managed)?;
            let config = RollbackConfig {
                apply,
                accept_losses: *accept_losses,
                wave: waves.wave,
                most_failures: Some(waves.most_failures),
                pace: waves.pace(),
                ..RollbackConfig::new(id, mailboxes)
            };
            played.roll_back(Rollback::new(config), apply)
        }
        _ => return Err(not_this()),
    };
    Ok(TransferOutcome::Report(Box::new(report)))
}

/// Rows that cannot be used and say whose they are fail one by one; of the others only this tells. An
/// inventory and a decommissioning show them by themselves.
fn tell_unread(action: &TransferAction, listing: &Listing, say: &mut dyn FnMut(Said)) {
    if !matches!(action, TransferAction::Inventory | TransferAction::Decommission { .. }) {
        let nameless = listing.unread.iter().filter(|row| row.id.is_none());
        nameless.cloned().for_each(|row| say(Said::Unread(row)));
    }
}

fn not_this() -> AloneError {
    AloneError::Internal("another action was meant".to_owned())
}

/// What a check came to, as findings; with an inventory those of a decommissioning.
fn findings(
    report: CheckReport,
    listing: Option<&Listing>,
    evidence: &Evidence,
    (job, now): (Option<&JobRow>, Timestamp),
) -> TransferOutcome {
    let CheckReport { organization, sync, agents, mut findings, checked, stopped } = report;
    let checked = listing.is_none().then(|| Checked::of(checked, &findings));
    if let (Some(listing), Some(organization), Some(sync)) = (listing, &organization, &sync) {
        let (inventory, unread) = (&listing.rows, &listing.unread);
        let known =
            decommission::Known { inventory, unread, organization, sync, agents: &agents, job };
        findings = decommission::findings(known, evidence, now);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    TransferOutcome::Findings { findings, checked, stopped }
}

/// One activity after the other on the same ports.
struct Play<'a> {
    engine: &'a Engine,
    bundle: &'a mut Bundle,
    say: &'a mut dyn FnMut(Said),
}

impl Play<'_> {
    fn play<A: Accounts>(&mut self, activity: &mut A) -> A::Outcome {
        self.engine.play(activity, self.bundle, |_| None, &mut *self.say)
    }

    /// A rollback says what it will take away before it sets a flag.
    fn roll_back(&mut self, mut rollback: Rollback, apply: bool) -> TransferReport {
        let mut told = 0;
        let losses = |rollback: &Rollback| {
            let report = rollback.report();
            let more = apply && rollback.is_weighed() && report.losses.len() > told;
            told = if more { report.losses.len() } else { told };
            more.then(|| Said::Losses(Box::new(report.clone())))
        };
        self.engine.play(&mut rollback, self.bundle, losses, &mut *self.say)
    }
}

/// The mailboxes that are meant.
fn chosen(
    request: &TransferRequest,
    listing: &Listing,
    also: impl Fn(&InventoryRow) -> bool,
) -> Result<Vec<MailboxId>, AloneError> {
    let Some(named) = &request.mailboxes else {
        let rows = listing.rows.iter().filter(|row| also(row)).map(|row| row.id);
        // What cannot be read is meant too: it is told as what fails.
        return Ok(rows.chain(listing.unread.iter().filter_map(|row| row.id)).collect());
    };
    resolved(named, listing)
}

/// The mailboxes of these names.
fn resolved(named: &[String], listing: &Listing) -> Result<Vec<MailboxId>, AloneError> {
    let of = |name: &String| {
        if let Ok(guid) = name.parse::<Guid>() {
            return Ok(MailboxId(guid));
        }
        let mut found = listing.rows.iter().filter(|row| {
            row.user_principal_name.eq_ignore_ascii_case(name)
                || row.primary_address.eq_ignore_ascii_case(name)
        });
        match (found.next(), found.next()) {
            (Some(row), None) => Ok(row.id),
            (None, _) => Err(AloneError::NotAllowed(format!("there is no mailbox `{name}`"))),
            (Some(_), Some(_)) => {
                Err(AloneError::NotAllowed(format!("`{name}` names several mailboxes; use ids")))
            }
        }
    };
    named.iter().map(of).collect()
}
