//! One mailbox of a restore: what it lacks of its backup, and what the log says of it.

use super::super::backup::Backup;
use super::super::difference::{self, Difference};
use super::super::record::{Action, TransferRecord, UNVERIFIED};
use super::{RestoreTo, Restored};
use crate::job::ModifiedProperty;
use crate::ports::{
    AttributeChange, DirectoryObject, Mailbox, MailboxChange, MailboxId, Modification, Name,
};
use crate::time::Timestamp;
use crate::writeback::MappingPlan;

/// What is said of a write that no read could decide.
const UNREAD: &str = "perhaps written, not verified: it was not read afterwards";

/// A mailbox under way.
pub(super) struct Case {
    pub(super) backup: Backup,
    pub(super) id: MailboxId,
    pub(super) changes: Vec<ModifiedProperty>,
    pub(super) notes: Vec<String>,
    pub(super) cloud: Option<MailboxChange>,
    pub(super) directory: Option<Modification>,
    /// The log says that it is about to be written.
    pub(super) begun: bool,
    /// The log says how that ended.
    pub(super) told: bool,
    /// It was written, or nobody knows: a read is to tell.
    pub(super) tried: bool,
    /// What the service said, should the read show otherwise.
    pub(super) answer: String,
    pub(super) outcome: Option<Restored>,
}

impl Case {
    pub(super) const fn new(backup: Backup, id: MailboxId) -> Self {
        Self {
            backup,
            id,
            changes: Vec::new(),
            notes: Vec::new(),
            cloud: None,
            directory: None,
            begun: false,
            told: false,
            tried: false,
            answer: String::new(),
            outcome: None,
        }
    }

    pub(super) fn look_at(&mut self, row: Option<&Mailbox>, properties: &[Name], to: RestoreTo) {
        let Some(mailbox) = row else {
            self.outcome = Some(Restored::Blocked("the mailbox no longer exists".to_owned()));
            return;
        };
        if to != RestoreTo::Cloud {
            return;
        }
        let Difference { change, changes, notes } =
            difference::in_cloud(&self.backup, mailbox, properties);
        (self.changes, self.notes) = (changes, notes);
        if change.values.is_empty() {
            self.outcome = Some(Restored::Equal);
        } else if mailbox.dir_synced && !mailbox.cloud_managed {
            let why = "AD has authority over it: restore to AD, or flip it first";
            self.outcome = Some(Restored::Blocked(why.to_owned()));
        } else {
            self.cloud = Some(change);
        }
    }

    /// It was written, or may have been, and no read decided.
    pub(super) fn unverified(&mut self) -> Restored {
        let answer = core::mem::take(&mut self.answer);
        Restored::Unverified(match answer.as_str() {
            "" => UNREAD.to_owned(),
            _ => format!("{UNREAD} ({answer})"),
        })
    }

    /// What the log says of it in the end.
    pub(super) fn record(&self, now: Timestamp, outcome: &Restored) -> Option<TransferRecord> {
        Some(match outcome {
            Restored::Written => self.record_of(now, ("restored", "")),
            Restored::Failed(why) => self.record_of(now, ("failed", why)),
            Restored::Unverified(why) => self.record_of(now, (UNVERIFIED, why)),
            Restored::Equal | Restored::Blocked(_) => return None,
        })
    }

    pub(super) fn record_of(
        &self,
        at: Timestamp,
        (outcome, detail): (&'static str, &str),
    ) -> TransferRecord {
        TransferRecord {
            at,
            transfer: String::new(),
            action: Action::Restore,
            mailbox: self.id,
            object: self.directory.as_ref().map(|modify| modify.object),
            outcome,
            detail: detail.to_owned(),
            changes: self.changes.clone(),
        }
    }

    /// What the object lacks; `None` when the backup does not say.
    pub(super) fn in_directory(
        &self,
        to: RestoreTo,
        plan: &MappingPlan,
        attributes: &[Name],
        object: &DirectoryObject,
    ) -> Option<Difference<Vec<AttributeChange>>> {
        Some(match to {
            RestoreTo::CloudToDirectory => {
                difference::as_the_cloud_was(&self.backup, self.id, plan, attributes, object)
            }
            _ => difference::as_it_was(self.backup.directory.as_ref()?, attributes, object),
        })
    }
}
