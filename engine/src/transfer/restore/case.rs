//! One mailbox of a restore: what it lacks of its backup, and what the log says of it.

use std::collections::BTreeSet;

use super::super::backup::Backup;
use super::super::difference::{self, Difference};
use super::super::earlier::{Earlier, FOUND};
use super::super::record::{Action, TransferRecord, UNVERIFIED};
use super::{NO_ANSWER, RestoreTo, Restored};
use crate::change::ModifiedProperty;
use crate::failure::{Class, Failure, code};
use crate::ports::{
    AttributeChange, DirectoryObject, Mailbox, MailboxChange, MailboxId, Modification, Name,
    ObjectGuid, WriteOutcome,
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
    /// What an earlier call wrote: nobody told.
    earlier: Vec<ModifiedProperty>,
    /// Whether it was compared.
    compared: bool,
    /// Its AD object, where that was compared.
    pub(super) object: Option<ObjectGuid>,
    pub(super) notes: Vec<String>,
    pub(super) cloud: Option<MailboxChange>,
    pub(super) directory: Option<Modification>,
    /// The log says that it is about to be written.
    pub(super) begun: bool,
    /// The log says how that ended.
    pub(super) told: bool,
    /// It was written, or nobody knows: a read is to tell.
    pub(super) tried: bool,
    /// AD knows one of its attributes not at all, and says that of the whole modify: each is sent by itself.
    pub(super) apart: bool,
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
            earlier: Vec::new(),
            compared: false,
            object: None,
            notes: Vec::new(),
            cloud: None,
            directory: None,
            begun: false,
            told: false,
            tried: false,
            apart: false,
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
        self.differs(changes, notes);
        if change.values.is_empty() {
            self.outcome = Some(Restored::Equal);
        } else if mailbox.dir_synced && !mailbox.cloud_managed {
            let why = "AD has authority over it: restore to AD, or flip it first";
            self.outcome = Some(Restored::Blocked(why.to_owned()));
        } else {
            self.cloud = Some(change);
        }
    }

    /// It differs in this.
    pub(super) fn differs(&mut self, changes: Vec<ModifiedProperty>, notes: Vec<String>) {
        (self.changes, self.notes, self.compared) = (changes, notes, true);
    }

    /// Finds out what earlier calls wrote, once it was compared.
    pub(super) fn complete(&mut self, earlier: &mut Earlier) {
        if !self.compared {
            return;
        }
        let lacks = |name: &Name| self.changes.iter().any(|change| change.attribute == *name);
        self.earlier = earlier.made(self.id, lacks);
        if !self.earlier.is_empty() {
            self.notes.push(FOUND.to_owned());
        }
    }

    /// What the log lacks of an earlier call.
    pub(super) fn record_of_earlier(&self, now: Timestamp) -> Option<TransferRecord> {
        (!self.earlier.is_empty()).then(|| TransferRecord {
            changes: self.earlier.clone(),
            object: self.object,
            ..self.record_of(now, ("restored", FOUND))
        })
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
            // AD has none of the attributes that it was to get.
            Restored::Equal if self.begun => {
                self.record_of(now, ("failed", &self.notes.join("; ")))
            }
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

    /// The modifies of its object: one, or one for each attribute.
    pub(super) fn modifies(&self) -> Vec<Modification> {
        let Some(whole) = &self.directory else { return Vec::new() };
        if !self.apart {
            return vec![whole.clone()];
        }
        let mut parts: Vec<Modification> = Vec::new();
        for change in &whole.changes {
            // Elements on the same attribute belong together: a delete before its add.
            let same = |part: &&mut Modification| part.changes[0].attribute == change.attribute;
            match parts.last_mut().filter(same) {
                Some(part) => part.changes.push(change.clone()),
                None => {
                    let changes = vec![change.clone()];
                    parts.push(Modification { object: whole.object, changes });
                }
            }
        }
        parts
    }

    /// What was answered to them. Told are the attributes that the schema does not have.
    pub(super) fn answered(
        &mut self,
        sent: &[Modification],
        outcomes: &[WriteOutcome],
    ) -> Vec<Name> {
        let mut absent = Vec::new();
        self.tried = outcomes.iter().any(|outcome| *outcome != WriteOutcome::NotSent);
        self.answer.clear();
        for (modify, outcome) in sent.iter().zip(outcomes) {
            let failure = match outcome {
                WriteOutcome::Result { code, diagnostic } => Failure::of_result(*code, diagnostic),
                WriteOutcome::Unknown | WriteOutcome::NotSent => {
                    NO_ANSWER.clone_into(&mut self.answer);
                    continue;
                }
            };
            let Some(failure) = failure else { continue };
            let unknown =
                failure.code == code::CANNOT_FIND_ATTRIBUTE && failure.class == Class::Rejected;
            let first = &modify.changes[0].attribute;
            let several = modify.changes.iter().any(|one| one.attribute != *first);
            if unknown && !several {
                absent.push(first.clone());
                continue;
            }
            self.answer = format!("{}: {}", failure.code, failure.detail);
            if unknown {
                // The whole modify was refused: nothing of it is there, and its parts come next.
                (self.apart, self.tried) = (true, false);
            }
        }
        absent
    }

    /// What of its change is left without these attributes: they are told and sent no more.
    pub(super) fn leave(&mut self, absent: &BTreeSet<Name>) {
        let Some(modify) = &mut self.directory else { return };
        let (change, changes) =
            (core::mem::take(&mut modify.changes), core::mem::take(&mut self.changes));
        let left = Difference { change, changes, notes: Vec::new() }.without(absent);
        (modify.changes, self.changes) = (left.change, left.changes);
        self.notes.extend(left.notes);
    }

    /// What the object lacks but for `absent` attributes; `None` when the backup does not say.
    pub(super) fn in_directory(
        &self,
        (to, absent): (RestoreTo, &BTreeSet<Name>),
        plan: &MappingPlan,
        attributes: &[Name],
        object: &DirectoryObject,
    ) -> Option<Difference<Vec<AttributeChange>>> {
        let difference = match to {
            RestoreTo::CloudToDirectory => {
                difference::as_the_cloud_was(&self.backup, self.id, plan, attributes, object)
            }
            _ => difference::as_it_was(self.backup.directory.as_ref()?, attributes, object),
        };
        Some(difference.without(absent))
    }
}
