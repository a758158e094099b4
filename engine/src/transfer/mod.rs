//! Transfer of the source of authority over Exchange attributes, to the cloud and back.
//!
//! [`Transfer`] checks, backs up, flips in waves and lets a read-back decide. [`Rollback`] says first
//! what would be lost. Source: Microsoft Learn, "Cloud-based management of Exchange attributes for
//! remote mailboxes", and the reference of `Set-Mailbox -IsExchangeCloudManaged`.

pub mod backup;
mod flip;
pub mod inventory;
pub mod loss;
pub mod readiness;
pub mod report;
pub mod rollback;
mod rows;
pub mod wave;

pub use backup::{Backup, BackupError};
pub use inventory::{Inventory, InventoryRow};
pub use loss::Loss;
pub use readiness::{Evidence, Finding, Severity};
pub use report::{Exception, MailboxOutcome, TransferReport};
pub use rollback::{Rollback, RollbackConfig};
pub use wave::{Transfer, TransferConfig};

use std::borrow::Cow;

use crate::attributes::CONTRACT;
use crate::ports::Name;

#[cfg(test)]
mod tests;

/// The property that shows `msExchHideFromAddressLists`: cloud-managed, and never written back.
pub const HIDDEN_PROPERTY: &str = "HiddenFromAddressListsEnabled";

/// The properties that hold the values of the contract, each once, in its order; then
/// [`HIDDEN_PROPERTY`].
#[must_use]
pub fn kept_properties() -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for attribute in CONTRACT.iter().filter(|attribute| attribute.parameter.is_some()) {
        names.push(Cow::Borrowed(attribute.property));
    }
    names.push(Cow::Borrowed(HIDDEN_PROPERTY));
    names
}
