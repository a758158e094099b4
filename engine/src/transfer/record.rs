//! What a flip, a rollback, a restore or a reconciliation did to a mailbox, for a log that lasts: what was changed,
//! when, and how it ended. Whoever takes the records adds who asked for it.
//!
//! A provisioning log is about what was brought to Active Directory; authority and values of mailboxes are not
//! its objects, and it has no word for what is about to be written. So these entries have a shape of their own.

use super::report::{LOG_NOT_WRITTEN, MailboxOutcome};
use super::rows::name_of;
use crate::change::ModifiedProperty;
use crate::failure::{Class, Failure};
use crate::ports::{CallError, MailboxId, Name, ObjectGuid, Ports};
use crate::time::Timestamp;
use crate::transfer::flip::Stop;
use crate::writeback::retry::Backoff;

/// The outcome of what is about to be written.
pub const BEGUN: &str = "begun";
/// The outcome of what was written, or may have been, and that no read could decide.
pub const UNVERIFIED: &str = "unverified";

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Authority went to the cloud.
    Flip,
    /// Authority went back to AD.
    Rollback,
    /// Values of a backup were brought back.
    Restore,
    /// What differed in AD was corrected.
    Reconcile,
}

impl Action {
    /// Its word: `flip`, `rollback`, `restore` or `reconcile`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Flip => "flip",
            Self::Rollback => "rollback",
            Self::Restore => "restore",
            Self::Reconcile => "reconcile",
        }
    }
}

/// What was done to one mailbox, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRecord {
    /// When it was decided.
    pub at: Timestamp,
    /// The name of the transfer, that of a ring behind a slash; empty for a restore and a reconciliation, which have
    /// none.
    pub transfer: String,
    /// What was being done.
    pub action: Action,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The AD object, where it was written.
    pub object: Option<ObjectGuid>,
    /// [`BEGUN`] before a value of a restore or a reconciliation is written, `restored` or `corrected`, `failed` or
    /// [`UNVERIFIED`] afterwards; `begun` before the flag of a mailbox is set that loses values by a rollback, with
    /// these values; of a flag the word of its [`MailboxOutcome`], and where it went back `rolled-back` or
    /// `rolled-back-with-warning` for one that changed. A `begun` without any of the others: the process died, and
    /// whoever wants to know reads.
    pub outcome: &'static str,
    /// The service's own words, or what a read showed; often empty.
    pub detail: String,
    /// What was changed, or would have been had it not failed.
    pub changes: Vec<ModifiedProperty>,
}

impl TransferRecord {
    /// A flag that was tried and is decided; `transfer` as its rows name it.
    pub(super) fn of_flag(
        at: Timestamp,
        transfer: &str,
        target: bool,
        mailbox: MailboxId,
        (outcome, detail): (MailboxOutcome, &str),
    ) -> Self {
        let text = |flag: bool| if flag { "True" } else { "False" }.into();
        Self {
            at,
            transfer: name_of(transfer).to_owned(),
            action: if target { Action::Flip } else { Action::Rollback },
            mailbox,
            object: None,
            outcome: match outcome {
                MailboxOutcome::Flipped if !target => "rolled-back",
                MailboxOutcome::FlippedWithWarning if !target => "rolled-back-with-warning",
                outcome => outcome.word(),
            },
            detail: detail.to_owned(),
            changes: vec![ModifiedProperty {
                attribute: Name::Borrowed("IsExchangeCloudManaged"),
                old: text(!target),
                new: text(target),
            }],
        }
    }
}

/// Hands records out: when to try again, where nobody can take them. What was done and is in no log yet is not
/// committed either, so the next life finds it again by reading.
pub(crate) fn hand_out(
    records: &[TransferRecord],
    ports: &mut Ports<'_>,
    backoff: &mut Backoff,
    now: Timestamp,
) -> Result<Option<Timestamp>, Stop> {
    match ports.job.record(records.to_vec()) {
        Ok(()) => {
            backoff.reset();
            Ok(None)
        }
        Err(CallError::Halted) => Err(Stop::Halted),
        Err(error) => match backoff.next(Class::Transient, now) {
            Some(at) => Ok(Some(at)),
            None => Err(Stop::Failed(Failure::new(
                Class::Rejected,
                LOG_NOT_WRITTEN,
                format!("{error}; the same call goes on once it can be written"),
            ))),
        },
    }
}
