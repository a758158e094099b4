//! Which recipient Exchange Online has for a user of the directory: made when a licence asks for a mailbox,
//! soft-deleted with its user, brought back with it, gone when its time is over.
//!
//! Sources: Exchange Team Blog 2025-10-15 and 2026-08-03 (tenant default: users arrive without Exchange
//! attributes, licensing makes a mailbox that is cloud-managed from birth; too early it leaves identities that
//! nothing repairs); Microsoft Learn, "Delete or restore user mailboxes in Exchange Online" (30 days after a
//! deletion and after a licence that went).

use core::time::Duration;

use super::forward::Delivery;
use super::lifecycle::without;
use super::{Due, Estate, Subject};
use crate::clock::VirtualTime;
use crate::connect::recipient_type;
use crate::exchange::{ExchangeOnline, RecipientType, property};
use crate::ledger::{Activity, Actor, Change, ObjectKey};
use crate::record::Record;

/// How long a mailbox outlives its licence, and a deleted one its deletion.
pub(super) const RETENTION: Duration = Duration::from_secs(30 * 86_400);

/// What stands against a mailbox for a user whose AD object carried Exchange attributes when it arrived under the
/// tenant default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It arrived before the tenant default, or is none of AD's.
    Usual,
    /// Without Exchange attributes, as it should be: a licence makes a mailbox.
    WithoutExchange,
    /// As an identity alone, though it is a recipient on the premises: nothing makes it one in the cloud.
    IdentityOnly,
}

impl Estate {
    pub(super) fn arrival(&self, user: u32) -> Arrival {
        match self.entra.arrived_under_default.get(&user) {
            None => Arrival::Usual,
            Some(true) => Arrival::IdentityOnly,
            Some(false) => Arrival::WithoutExchange,
        }
    }

    /// The directory tells Exchange Online of a licence, a deletion or a restore.
    pub(super) fn settle_recipient(&mut self, user: u32) {
        self.forward(Delivery::Recipient { user, sent: self.now });
    }

    /// Looks anew which recipient a user has: after its licence, its deletion or its restore, of which the
    /// directory told at an instant.
    pub(super) fn settled_recipient(&mut self, user: u32, sent: VirtualTime) {
        let Some(found) = self.entra.user(user) else { return };
        let (id, licensed, is_gone) = (found.id, found.licensed, found.deletion.is_some());
        match self.exchange.by_id(id) {
            Some(mailbox) if is_gone => self.soft_delete_recipient(mailbox, sent),
            Some(mailbox) if licensed => self.fill(user, mailbox, sent),
            Some(mailbox) => self.begin_grace(user, mailbox),
            None if is_gone => {}
            None => {
                let back = self.exchange.deleted_of(id, self.oldest_deletion());
                match back {
                    Some(mailbox) => self.bring_back(user, mailbox, sent),
                    None if licensed => self.new_mailbox(user),
                    None => {}
                }
            }
        }
    }

    /// What was deleted before cannot come back any more.
    pub(super) fn oldest_deletion(&self) -> VirtualTime {
        self.now - RETENTION
    }

    /// A mail user gets the mailbox that its licence is for, unless that mailbox is on the premises.
    fn fill(&mut self, user: u32, recipient: u32, sent: VirtualTime) {
        let Some(found) = self.exchange.mailbox(recipient) else { return };
        if found.kind.is_mailbox() || self.is_on_premises(user) {
            return;
        }
        let flag = found.dir_synced && self.exchange.cloud_managed_by_default;
        let mut changes: Vec<Change> =
            self.exchange.set_kind(recipient, self.now, RecipientType::User).into_iter().collect();
        if flag {
            changes.extend(self.exchange.set_flag(recipient, self.now, true));
        }
        self.note_late_exchange_write(&Self::service(), recipient, changes, sent);
    }

    /// Whether the mailbox of a user is on the premises, as its AD object says.
    pub(super) fn is_on_premises(&self, user: u32) -> bool {
        let ad =
            self.whose(ObjectKey::entra(user)).and_then(|at| self.subjects().get(at as usize)?.ad);
        let record = ad.and_then(|ad| self.ad_object(ad)).map(|slot| &slot.entry.record);
        record.and_then(recipient_type) == Some(RecipientType::MailUser)
    }

    /// A mailbox for a user that has no recipient.
    fn new_mailbox(&mut self, user: u32) {
        if self.arrival(user) == Arrival::IdentityOnly || self.is_on_premises(user) {
            return;
        }
        self.add_mailbox(user, RecipientType::User);
    }

    /// A mailbox of this type out of what the directory has of a user.
    pub(super) fn add_mailbox(&mut self, user: u32, kind: RecipientType) -> Option<u32> {
        let found = self.entra.user(user)?;
        let synced = found.sync_enabled == Some(true);
        let known =
            found.record.attributes().filter(|(number, _)| property::spec(*number).is_some());
        let record = Record::from_sorted(known);
        let values: Vec<Change> = record
            .attributes()
            .map(|(attribute, values)| Change {
                attribute,
                old: Vec::new(),
                new: values.map(Into::into).collect(),
            })
            .collect();
        let mut mailbox = ExchangeOnline::recipient(found.id, kind, self.now, record);
        mailbox.dir_synced = synced;
        mailbox.cloud_managed = synced && self.exchange.cloud_managed_by_default;
        let number = self.exchange.add(mailbox);
        self.entra.arrived_under_default.remove(&user);
        self.entra.loose.remove(&user);
        match self.whose(ObjectKey::entra(user)) {
            Some(place) => self.subjects.give_mailbox(place, number),
            None => {
                let upn = self.user_text(user, property::USER_PRINCIPAL_NAME);
                let name = upn.split('@').next().unwrap_or_default().into();
                let subject = Subject { name, ad: None, entra: Some(user), exchange: Some(number) };
                self.subjects.add(subject);
            }
        }
        self.note_exchange_write(&Self::service(), number, values);
        Some(number)
    }

    /// The mailbox of a person without a licence stays for 30 days; others need none.
    fn begin_grace(&mut self, user: u32, mailbox: u32) {
        let kind = self.exchange.mailbox(mailbox).map(|mailbox| mailbox.kind);
        if kind == Some(RecipientType::User) {
            self.calendar.enter(self.now + RETENTION, Due::LicenceGone(user));
        }
    }

    /// The time of a mailbox without a licence is over.
    pub(super) fn end_grace(&mut self, user: u32) {
        let Some(found) = self.entra.user(user).filter(|user| !user.licensed) else { return };
        let Some(mailbox) = self.exchange.by_id(found.id) else { return };
        let kind = self.exchange.mailbox(mailbox).map(|mailbox| mailbox.kind);
        if kind == Some(RecipientType::User) {
            self.soft_delete_recipient(mailbox, self.now);
        }
    }

    pub(super) fn soft_delete_recipient(&mut self, mailbox: u32, sent: VirtualTime) {
        if let Some(change) = self.exchange.soft_delete(mailbox, self.now) {
            self.note_late_exchange_write(&Self::service(), mailbox, vec![change], sent);
        }
    }

    /// The soft-deleted mailbox of a user is there again. The flag is as the switch `flag_after_restore` says.
    /// Addresses that others have by now are neither its own nor the user's any more.
    pub(super) fn bring_back(&mut self, user: u32, mailbox: u32, sent: VirtualTime) {
        let taken: Vec<String> =
            self.taken_addresses(user, mailbox).into_iter().map(|(value, _)| value).collect();
        let changes = self.come_back(user, mailbox);
        if changes.is_empty() {
            return;
        }
        self.note_late_exchange_write(&Self::service(), mailbox, changes, sent);
        if !taken.is_empty() {
            let values = without(self.user_texts(user, property::EMAIL_ADDRESSES), &taken);
            let changes = self.apply_user(user, &values);
            let flag = self.flag_of(user);
            self.note_entra_write(&Self::service(), user, flag, changes);
        }
        self.give_owed(user, mailbox);
    }

    fn service() -> Actor {
        Actor::new("Entra forward sync", Activity::Service)
    }
}
