//! Transfer and its companions on their own.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::failure::Failure;
use engine::guid::Guid;
use engine::journal::rows::JobRow;
use engine::ports::MailboxId;
use engine::step::Activity;
use engine::time::Timestamp;
use engine::transfer::{
    Acceptance, Backup, BackupReport, Check, CheckConfig, CheckReport, Evidence, Finding,
    Inventory, InventoryRow, Listing, Loss, Pace, Restore, RestoreConfig, RestoreReport, RestoreTo,
    Ring, Rollback, RollbackConfig, Rollout, RolloutConfig, RolloutReport, Sides, TakeBackup,
    Transfer, TransferConfig, TransferReport, backup_run, decommission,
};
use engine::wire::Wire;

use super::desk::{Desk, Said};
use super::drive::{Driven, Engine, jitter, transfer_log};
use super::inputs::NamedRing;
use super::ports::Bundle;
use super::{AloneError, Permission, Settings, stores};

/// The interval of Connect Sync, for the recommended wait.
const SYNC_CYCLE: Duration = Duration::from_mins(30);

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
        caller_roles: Option<Vec<String>>,
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

/// What it came to.
#[derive(Debug, Clone)]
pub enum TransferOutcome {
    /// Every mailbox.
    Inventory(Listing),
    /// A flip or a rollback.
    Report(Box<TransferReport>),
    /// Findings, worst first, and why the check ended before its time.
    Findings(Vec<Finding>, Option<Failure>),
    /// A rollout.
    Rollout(Box<RolloutReport>),
    /// Backups, and what there is none of.
    Backups(BackupReport),
    /// A restore.
    Restored(Box<RestoreReport>),
    /// A signal ended it; the same call goes on with it. What a rollback had taken away by then, or was about to.
    Interrupted(Vec<Loss>),
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
    request.permission.check(settings, &wire)?;
    let judges_ages = matches!(
        &request.action,
        TransferAction::Readiness { .. } | TransferAction::Flip(_) | TransferAction::Rollout { .. }
    );
    if judges_ages {
        let what = "Microsoft Graph does not tell its time";
        let clock = wire.clock().map_err(|error| AloneError::Call { what, error })?;
        clock.into_iter().for_each(|at| engine.follow(at));
    }
    let names = (settings.wire.tenant.as_str(), request.name.as_str(), settings.domain.as_str());
    let apply = request.permission.apply;
    let store = match &request.action {
        TransferAction::Flip(_)
        | TransferAction::Rollout { .. }
        | TransferAction::Rollback { .. } => stores::transfers(settings, apply)?,
        TransferAction::Backup { stored: true, .. } => stores::transfers(settings, false)?,
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
    let listed = match (&request.action, &request.mailboxes) {
        (TransferAction::Restore { .. } | TransferAction::Backup { stored: true, .. }, _) => false,
        (
            TransferAction::Inventory
            | TransferAction::Decommission { .. }
            | TransferAction::Rollout { .. },
            _,
        )
        | (_, None) => true,
        (_, Some(named)) => named.iter().any(|name| name.parse::<Guid>().is_err()),
    };
    let listing = if listed {
        match played.play(&mut Inventory::default().jittered(jitter()))? {
            Some(listing) => listing.map_err(AloneError::Failed)?,
            None => return Ok(TransferOutcome::Interrupted(Vec::new())),
        }
    } else {
        Listing::default()
    };
    tell_unread(&request.action, &listing, played.say);
    // Without a token nothing else would have answered either.
    let roles = wire.claims().ok().map(|claims| claims.directory_roles);
    let outcome = match &request.action {
        TransferAction::Readiness { .. } | TransferAction::Decommission { .. } => {
            check(&mut played, settings, request, &listing, roles)?
        }
        TransferAction::Inventory => Some(TransferOutcome::Inventory(listing)),
        TransferAction::Backup { .. } | TransferAction::Restore { .. } => {
            keep(&mut played, settings, request, &listing)?
        }
        TransferAction::Rollout { .. }
        | TransferAction::Flip(_)
        | TransferAction::Rollback { .. } => flip(&mut played, request, &listing, roles)?,
    };
    Ok(outcome.unwrap_or_else(|| TransferOutcome::Interrupted(Vec::new())))
}

/// Readiness and decommissioning.
fn check(
    played: &mut Play<'_>,
    settings: &Settings,
    request: &TransferRequest,
    listing: &Listing,
    caller_roles: Option<Vec<String>>,
) -> Result<Option<TransferOutcome>, AloneError> {
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
        sync_cycle: SYNC_CYCLE,
        caller_roles,
        domain: Some(settings.domain.clone()),
    };
    let report = played.play(&mut Check::new(config).jittered(jitter()))?;
    let job = if all.is_some() { stores::job_row(settings)? } else { None };
    Ok(report.map(|report| findings(report, all, evidence, job.as_ref())))
}

/// Backups and their return.
fn keep(
    played: &mut Play<'_>,
    settings: &Settings,
    request: &TransferRequest,
    listing: &Listing,
) -> Result<Option<TransferOutcome>, AloneError> {
    Ok(match &request.action {
        TransferAction::Backup { stored: true, before, .. } => {
            Some(TransferOutcome::Backups(fetch(played, &request.name, *before)?))
        }
        TransferAction::Backup { stored: false, sides, .. } => {
            let mailboxes = chosen(request, listing, |row| row.dir_synced)?;
            match played.play(&mut TakeBackup::new(mailboxes, *sides).jittered(jitter()))? {
                Some(report) => Some(TransferOutcome::Backups(report.map_err(AloneError::Failed)?)),
                None => None,
            }
        }
        TransferAction::Restore { backups, to, sets_a_minute } => {
            let apply = request.permission.apply;
            let (backups, job) = (backups.clone(), settings.job.clone());
            let config = RestoreConfig { backups, to: *to, apply, job };
            let pace = Pace { sets_a_minute: *sets_a_minute, jitter: jitter() };
            let report = played.play(&mut Restore::new(config).paced(pace))?;
            report.map(|report| TransferOutcome::Restored(Box::new(report)))
        }
        _ => return Err(not_this()),
    })
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
    roles: Option<Vec<String>>,
) -> Result<Option<TransferOutcome>, AloneError> {
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
            let transfer = flip.config(id, Vec::new(), apply, roles);
            let report = played.play(&mut Rollout::new(RolloutConfig { transfer, rings }))?;
            return Ok(report.map(|report| TransferOutcome::Rollout(Box::new(report))));
        }
        TransferAction::Flip(flip) => {
            let chosen = chosen(request, listing, |row| row.dir_synced)?;
            played.play(&mut Transfer::new(flip.config(id, chosen, apply, roles)))?
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
            return played.roll_back(Rollback::new(config), apply).map(Some);
        }
        _ => return Err(not_this()),
    };
    Ok(report.map(|report| TransferOutcome::Report(Box::new(report))))
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
    job: Option<&JobRow>,
) -> TransferOutcome {
    let CheckReport { organization, sync, agents, mut findings, stopped, .. } = report;
    if let (Some(listing), Some(organization), Some(sync)) = (listing, &organization, &sync) {
        let (inventory, unread) = (&listing.rows, &listing.unread);
        let known =
            decommission::Known { inventory, unread, organization, sync, agents: &agents, job };
        findings = decommission::findings(known, evidence);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    TransferOutcome::Findings(findings, stopped)
}

/// One activity after the other on the same ports.
struct Play<'a> {
    engine: &'a Engine,
    bundle: &'a mut Bundle,
    say: &'a mut dyn FnMut(Said),
}

impl Play<'_> {
    /// The outcome; `None` when a signal came first.
    fn play<A: Activity>(&mut self, activity: &mut A) -> Result<Option<A::Outcome>, AloneError> {
        match self.engine.drive(activity, self.bundle, |_, _| false, &mut *self.say) {
            Driven::Ended(outcome) => Ok(Some(outcome)),
            Driven::Interrupted => Ok(None),
            Driven::Enough => Err(AloneError::Internal("an activity ended too early".to_owned())),
        }
    }
}

impl Play<'_> {
    /// A rollback says what it will take away before it sets a flag.
    fn roll_back(
        &mut self,
        mut rollback: Rollback,
        apply: bool,
    ) -> Result<TransferOutcome, AloneError> {
        let mut told = 0;
        loop {
            let more = |rollback: &Rollback, _: &[Said]| {
                apply && rollback.is_weighed() && rollback.report().losses.len() > told
            };
            match self.engine.drive(&mut rollback, self.bundle, more, &mut *self.say) {
                Driven::Ended(report) => return Ok(TransferOutcome::Report(Box::new(report))),
                Driven::Interrupted => {
                    return Ok(TransferOutcome::Interrupted(rollback.report().losses.clone()));
                }
                Driven::Enough => {
                    told = rollback.report().losses.len();
                    (self.say)(Said::Losses(Box::new(rollback.report().clone())));
                }
            }
        }
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
