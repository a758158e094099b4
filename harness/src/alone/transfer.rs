//! Transfer and its companions on their own.

use engine::failure::Failure;
use engine::guid::Guid;
use engine::ports::{MailboxId, StoreError};
use engine::step::Activity;
use engine::transfer::{
    Backup, Evidence, Inventory, InventoryRow, Restore, RestoreConfig, RestoreReport, RestoreTo,
    Rollback, RollbackConfig, TakeBackup, Transfer, TransferConfig, TransferReport, backup_run,
};
use engine::wire::Wire;

use super::desk::{Desk, Said};
use super::drive::{Driven, Engine};
use super::ports::Bundle;
use super::{AloneError, Permission, Settings};

/// What to do.
#[derive(Debug, Clone)]
pub enum TransferAction {
    /// List every mailbox of the tenant.
    Inventory,
    /// Check the mailboxes, and flip them when that is permitted.
    Flip {
        /// How many mailboxes make a wave.
        wave: usize,
        /// Mailboxes of a wave that may fail before everything stops.
        most_failures: Option<u64>,
        /// Ids of findings that block and are accepted all the same.
        accepted: Vec<String>,
        /// What no API tells.
        evidence: Evidence,
    },
    /// Take a backup of the mailboxes, or fetch those that the transfer of this name took.
    Backup {
        /// Those that the transfer took before its flips.
        stored: bool,
    },
    /// Bring the values of a backup back.
    Restore {
        /// The values.
        backups: Vec<Backup>,
        /// Where they go.
        to: RestoreTo,
    },
    /// Say what would be lost, and give authority back to AD when that is permitted.
    Rollback {
        /// Roll mailboxes back that lose values, too.
        accept_losses: bool,
    },
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
    Inventory(Vec<InventoryRow>),
    /// A flip or a rollback.
    Report(Box<TransferReport>),
    /// Backups.
    Backups(Vec<Backup>),
    /// A restore.
    Restored(Box<RestoreReport>),
    /// A signal ended it; the same call goes on with it.
    Interrupted,
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
    let engine = Engine::start()?;
    let wire = Wire::new(settings.wire.clone(), engine.runtime.handle().clone())?;
    request.permission.check(settings, &wire)?;
    let names = (settings.wire.tenant.as_str(), request.name.as_str(), settings.domain.as_str());
    let apply = request.permission.apply;
    let mut bundle = Bundle::new(settings, &wire, apply, true, Desk::new(None, names))?;
    let mut played = Play { engine: &engine, bundle: &mut bundle, say };
    let listed = match (&request.action, &request.mailboxes) {
        (TransferAction::Restore { .. } | TransferAction::Backup { stored: true }, _) => false,
        (TransferAction::Inventory, _) | (_, None) => true,
        (_, Some(named)) => named.iter().any(|name| name.parse::<Guid>().is_err()),
    };
    let inventory = if listed {
        match played.play(&mut Inventory::default())? {
            Some(rows) => rows.map_err(|failure| failed(&failure))?,
            None => return Ok(TransferOutcome::Interrupted),
        }
    } else {
        Vec::new()
    };
    let id = request.name.clone();
    let report = match &request.action {
        TransferAction::Inventory => return Ok(TransferOutcome::Inventory(inventory)),
        TransferAction::Flip { wave, most_failures, accepted, evidence } => {
            let chosen = chosen(request, &inventory, |row| row.dir_synced)?;
            let config = TransferConfig {
                wave: *wave,
                most_failures: *most_failures,
                accepted: accepted.iter().cloned().collect(),
                evidence: evidence.clone(),
                apply,
                ..TransferConfig::new(id, chosen)
            };
            played.play(&mut Transfer::new(config))?
        }
        TransferAction::Backup { stored: true } => {
            let backups = backup_run::stored(played.bundle.store(), &id)?;
            return Ok(TransferOutcome::Backups(backups));
        }
        TransferAction::Backup { stored: false } => {
            let mailboxes = chosen(request, &inventory, |row| row.dir_synced)?;
            return Ok(match played.play(&mut TakeBackup::new(mailboxes))? {
                Some(backups) => {
                    TransferOutcome::Backups(backups.map_err(|failure| failed(&failure))?)
                }
                None => TransferOutcome::Interrupted,
            });
        }
        TransferAction::Restore { backups, to } => {
            let config = RestoreConfig { backups: backups.clone(), to: *to, apply };
            let report = played.play(&mut Restore::new(config))?;
            return Ok(report.map_or(TransferOutcome::Interrupted, |report| {
                TransferOutcome::Restored(Box::new(report))
            }));
        }
        TransferAction::Rollback { accept_losses } => {
            let mailboxes = chosen(request, &inventory, |row| row.dir_synced && row.cloud_managed)?;
            let config = RollbackConfig { id, mailboxes, apply, accept_losses: *accept_losses };
            played.play(&mut Rollback::new(config))?
        }
    };
    Ok(report
        .map_or(TransferOutcome::Interrupted, |report| TransferOutcome::Report(Box::new(report))))
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

fn failed(failure: &Failure) -> AloneError {
    AloneError::Store(StoreError::Io(format!("{}: {}", failure.code, failure.detail)))
}

/// The mailboxes that are meant.
fn chosen(
    request: &TransferRequest,
    inventory: &[InventoryRow],
    also: impl Fn(&InventoryRow) -> bool,
) -> Result<Vec<MailboxId>, AloneError> {
    let Some(named) = &request.mailboxes else {
        return Ok(inventory.iter().filter(|row| also(row)).map(|row| row.id).collect());
    };
    let of = |name: &String| {
        if let Ok(guid) = name.parse::<Guid>() {
            return Ok(MailboxId(guid));
        }
        let mut found = inventory.iter().filter(|row| {
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
