//! Transfer of the source of authority over Exchange attributes, to the cloud and back.
//!
//! [`Transfer`] checks, backs up, flips in waves and lets a read-back decide. [`Rollback`] says first
//! what would be lost. Source: Microsoft Learn, "Cloud-based management of Exchange attributes for
//! remote mailboxes", and the reference of `Set-Mailbox -IsExchangeCloudManaged`.

pub mod agent_version;
pub mod backup;
pub mod backup_run;
pub mod bucket_c;
mod budget;
pub mod check;
mod criterion;
pub mod decommission;
mod difference;
pub(crate) mod earlier;
pub(crate) mod flip;
pub mod inventory;
pub mod loss;
pub(crate) mod portion;
pub mod premises;
pub mod readiness;
pub mod record;
pub mod report;
pub mod restore;
pub mod rollback;
pub mod rollout;
mod rows;
pub mod spelling;
pub mod wave;
mod writers;

pub use backup::{Backup, BackupError, Sides};
pub use backup_run::{BackupReport, Stored, TakeBackup};
pub use budget::Pace;
pub use check::{Check, CheckConfig, CheckReport};
pub use inventory::{Inventory, InventoryRow, Listing};
pub use loss::Loss;
pub use readiness::{Evidence, Finding, Inbound, RemovalPath, Severity};
pub use record::{Action, TransferRecord};
pub use report::{Exception, MailboxOutcome, TransferReport};
pub use restore::{Restore, RestoreConfig, RestoreReport, RestoreTo, Restored, RestoredMailbox};
pub use rollback::{Rollback, RollbackConfig};
pub use rollout::{Acceptance, Ring, RingReport, Rollout, RolloutConfig, RolloutReport};
pub use wave::{Transfer, TransferConfig};

use std::borrow::Cow;

use crate::attributes::CONTRACT;
use crate::ports::{Name, is_of_user};

#[cfg(test)]
mod tests;

/// The findings that may block a flip or a transfer: what can be accepted.
pub const BLOCKING: [&str; 12] = [
    readiness::id::MISSING,
    readiness::id::UNREADABLE,
    readiness::id::NOT_SYNCED,
    readiness::id::TYPE,
    readiness::id::SYNC_DISABLED,
    readiness::id::CONNECT_OLD,
    readiness::id::LICENCE,
    check::id::AMBIGUOUS,
    check::id::SHARED,
    check::id::ROLE,
    agent_version::id::NONE,
    agent_version::id::INBOUND,
];

/// The properties that hold the values of the contract, each once, in its order; then those of
/// [`bucket_c`].
#[must_use]
pub fn kept_properties() -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for attribute in CONTRACT.iter().filter(|attribute| attribute.parameter.is_some()) {
        names.push(Cow::Borrowed(attribute.property));
    }
    names.extend(bucket_c::BUCKET_C.iter().map(|kept| Cow::Borrowed(kept.property)));
    names
}

/// Those of them that `Get-Mailbox` shows: what costs no cmdlet more.
#[must_use]
pub fn mailbox_properties() -> Vec<Name> {
    kept_properties().into_iter().filter(|name| !is_of_user(name)).collect()
}
