//! What the directory has for a recipient that is soft-deleted: its values wait until it is back.
//!
//! Exchange Online hears nothing of a recipient that is gone, while the user goes on in the directory: its licence
//! went long ago, or it was restored a moment ago and Exchange Online has not heard of that. Whatever
//! brings the recipient back brings these values with it: forward sync compares whole objects, not single edits.
//!
//! Source: Microsoft Learn, "Restore or remove a recently deleted user using Microsoft Entra ID" (a restored
//! user has its properties as the directory has them). That they reach the mailbox is inferred.

use super::Estate;
use crate::clock::VirtualTime;
use crate::exchange::{Changes, Mailbox};
use crate::ledger::Actor;

/// Values that wait for a recipient.
#[derive(Debug, Clone)]
pub(super) struct Owed {
    values: Changes,
    /// Who sent the last of them, and when.
    actor: Actor,
    sent: VirtualTime,
}

impl Estate {
    /// The recipient of a user, with the flag: one that is there, or one that is soft-deleted and has the flag
    /// when it comes back (switch `flag_after_restore`).
    pub(super) fn recipient_of_user(&self, user: u32) -> Option<(&Mailbox, bool)> {
        let id = self.entra.user(user)?.id;
        if let Some(number) = self.exchange.by_id(id) {
            return self.exchange.mailbox(number).map(|mailbox| (mailbox, mailbox.cloud_managed));
        }
        let number = self.exchange.deleted_of(id, self.oldest_deletion())?;
        let mailbox = self.exchange.mailbox(number)?;
        Some((mailbox, mailbox.cloud_managed && self.profile.is_on("flag_after_restore")))
    }

    /// Keeps values for the soft-deleted recipient of a user; they are nobody's where there is none.
    pub(super) fn owe(&mut self, user: u32, values: Changes, actor: Actor, sent: VirtualTime) {
        let id = self.entra.user(user).map(|user| user.id);
        let deleted = id.and_then(|id| self.exchange.deleted_of(id, self.oldest_deletion()));
        if deleted.is_none() || values.is_empty() {
            return;
        }
        let before = self.owed.remove(&user).map(|owed| owed.values).unwrap_or_default();
        let is_new = |property| values.iter().any(|(known, _)| *known == property);
        let mut all: Changes =
            before.into_iter().filter(|(property, _)| !is_new(*property)).collect();
        all.extend(values);
        all.sort_by_key(|(property, _)| *property);
        self.owed.insert(user, Owed { values: all, actor, sent });
    }

    /// The recipient of a user is back, and gets what waited for it.
    pub(super) fn give_owed(&mut self, user: u32, mailbox: u32) {
        let Some(Owed { values, actor, sent }) = self.owed.remove(&user) else { return };
        let changes = self.exchange.apply(mailbox, self.now, &values);
        self.note_late_exchange_write(&actor, mailbox, changes, sent);
    }
}
