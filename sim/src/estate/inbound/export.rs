//! One object's values on their way up.
//!
//! Sources: Exchange Team Blog 2025-10-15 with the boxes of 2025-11-05 and 2025-11-19 (which build exports
//! Exchange attributes of cloud-managed mailboxes); Microsoft Learn, "Configure User Source of Authority"
//! (`blockOnPremisesSync`, event 6956, rollback).

use core::time::Duration;

use super::Export;
use super::is_of_ad;
use super::join::Anchors;
use crate::clock::VirtualTime;
use crate::connect::{AdKind, ConnectorKey, ConnectorObject, Flow, Outgoing, References, Since};
use crate::directory::entry::Entry;
use crate::directory::forests::ForestNumber;
use crate::directory::request::ObjectNumber;
use crate::entra::Deletion;
use crate::estate::Estate;
use crate::estate::forward::Delivery;
use crate::estate::recipients::Arrival;
use crate::exchange::{Changes, Mailbox, RecipientType, property};
use crate::marks::Mark;
use crate::record::{AttributeNumber, Record};

/// Which Exchange values of an object reach the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Takes {
    /// None.
    Nothing,
    /// All.
    All,
    /// Those that were pending when the flag was set.
    These(Vec<AttributeNumber>),
    /// Nothing of the object at all: the service refuses it.
    Refused,
}

impl Estate {
    /// Exports an object that is there.
    pub(super) fn export(
        &mut self,
        key: ConnectorKey,
        since: Since,
        anchors: &mut Anchors,
    ) -> Export {
        let imported = self.imported(key);
        let Some((entry, changed_at)) =
            imported.map(|slot| (slot.entry.clone(), slot.stamp.when_changed))
        else {
            // Its user is another object's now, or it never had one.
            self.connect.forget(key);
            return Export::Done(0);
        };
        let known = self.connect.object(key).copied();
        let Some(object) = known.filter(|object| self.is_user(object.user)) else {
            return match self.flow(key.0).and_then(|flow| flow.kind_of(entry.class)) {
                Some(AdKind::User) => self.provision(key, &entry, since, anchors),
                Some(kind) => self.export_other(key, &entry, kind),
                None => Export::Done(0),
            };
        };
        let user = self.entra.user(object.user);
        if user.is_some_and(|user| user.object_cloud_managed) {
            Mark::ConnectBlocked.reach();
            // `blockOnPremisesSync`: the object is the cloud's, and AD's change is ignored.
            self.note_blocked(key);
            return Export::Done(0);
        }
        if user.is_some_and(|user| user.sync_enabled != Some(true)) && !self.take_over(object.user)
        {
            Mark::ConnectHardMatch.reach();
            let why = "BlockCloudObjectTakeoverThroughHardMatchEnabled";
            return Self::refused(key, "InvalidHardMatch", why);
        }
        let Some(flow) = self.flow(key.0) else { return Export::Done(0) };
        let (identity, exchange) = flow.digests(&entry.record);
        let is_other = exchange != object.exchange;
        let takes = match self.recipient_of_user(object.user) {
            Some((mailbox, true)) => self.takes_of_cloud_managed(
                &object,
                mailbox,
                is_other,
                (since, changed_at),
                &entry,
                flow,
            ),
            Some((_, false)) if object.full || is_other || self.moves_primary(&object, &entry) => {
                Takes::All
            }
            Some((_, false)) => Takes::Nothing,
            None if self.arrival(object.user) != Arrival::Usual
                && self.profile.is_on("tenant_default_drops_addresses") =>
            {
                Takes::Nothing
            }
            None if object.full || is_other => Takes::All,
            None => Takes::Nothing,
        };
        if takes == Takes::Refused {
            return Self::refused(key, "ExchangeManagedAttributesUpdateNotAllowed", "");
        }
        let moves_identity = object.full || identity != object.identity;
        if !moves_identity && takes == Takes::Nothing {
            let object = ConnectorObject { identity, exchange, ..object };
            self.connect.remember(key, object.exported());
            return Export::Done(0);
        }
        if let Some((code, detail)) = super::checks::objection(&entry.record) {
            return Self::refused(key, code, detail);
        }
        let object = ConnectorObject { identity, exchange, full: moves_identity, ..object };
        self.send(key, object, &entry, &takes)
    }

    /// Sends an object's values up; with `full` its identity is among them.
    fn send(
        &mut self,
        key: ConnectorKey,
        object: ConnectorObject,
        entry: &Entry,
        takes: &Takes,
    ) -> Export {
        let there = self.mailbox_of_user(object.user);
        let mailbox = there.map(|(number, mailbox)| (number, mailbox.cloud_managed));
        let mut values =
            if object.full { self.identity_of(key.0, &object, entry) } else { Changes::new() };
        if *takes != Takes::Nothing {
            let mut up = self.exchange_of(key.0, object.user, entry);
            if let Takes::These(wanted) = takes {
                up.retain(|(property, _)| wanted.contains(property));
            }
            let aside = match self.quarantine_addresses(key, Some(object.user), &mut up) {
                Ok(aside) => aside,
                Err(error) => {
                    Mark::ConnectConflict.reach();
                    return Export::Refused(error);
                }
            };
            if up.iter().any(|(property, _)| *property == property::EMAIL_ADDRESSES) {
                self.note_primary_of(key.0, object.user, &entry.record);
            }
            values.extend(up);
            self.keep_addresses_aside(object.user, aside);
        }
        values.sort_by_key(|(property, _)| *property);
        self.connect.remember(key, object.exported());
        let changed = self.bring_up(object.user, mailbox, &values);
        if object.full {
            self.note_unverified(object.user, &entry.record);
            self.add_upn(object.user);
        }
        Export::Done(changed)
    }

    /// Whether a user is there to be exported to: not deleted.
    fn is_user(&self, number: u32) -> bool {
        self.entra.user(number).is_some_and(|user| match user.deletion {
            None => true,
            Some(Deletion::Soft(_) | Deletion::Hard) => false,
        })
    }

    /// The identity values of an object. A user principal name that somebody has does not replace the one that the
    /// user has; in the place of a new one outside of the verified domains comes one under the initial domain.
    fn identity_of(
        &self,
        forest: ForestNumber,
        object: &ConnectorObject,
        entry: &Entry,
    ) -> Changes {
        let Some(flow) = self.flow(forest) else { return Changes::new() };
        let mut values = flow.identity_values(&entry.record);
        let has = self.user_text(object.user, property::USER_PRINCIPAL_NAME);
        values.retain(|(property, texts)| {
            let Some(upn) = texts.first().filter(|_| *property == property::USER_PRINCIPAL_NAME)
            else {
                return *property != property::USER_PRINCIPAL_NAME;
            };
            self.is_verified_name(upn) || self.is_another_unverified(object.user, upn)
        });
        self.verify_name(&entry.record, &self.user_text(object.user, property::ALIAS), &mut values);
        values.retain(|(property, texts)| {
            let upn = texts.first().filter(|_| *property == property::USER_PRINCIPAL_NAME);
            upn.is_none_or(|upn| {
                upn.eq_ignore_ascii_case(&has)
                    || self.user_named(upn).is_none_or(|other| other == object.user)
            })
        });
        values.extend(self.named(forest, flow.identity_references(&entry.record)));
        values
    }

    /// The Exchange values of an object, addresses as the cloud computes them.
    fn exchange_of(&self, forest: ForestNumber, user: u32, entry: &Entry) -> Changes {
        let Some((flow, outgoing)) = self.flow(forest).zip(self.outgoing(user, &entry.record))
        else {
            return Changes::new();
        };
        let mut values = flow.exchange_values(&outgoing);
        values.extend(self.named(forest, flow.exchange_references(&entry.record)));
        values
    }

    /// What the addresses of a user are calculated from. A mailbox that has lost its licence does not have its user
    /// principal name for a primary (Microsoft Learn, "How the proxyAddresses attribute is populated in
    /// Microsoft Entra ID": licence removed).
    fn outgoing<'a>(&'a self, user: u32, ad: &'a Record) -> Option<Outgoing<'a>> {
        let recipient = self.recipient_of_user(user).map(|(mailbox, _)| mailbox);
        let user = self.entra.user(user)?;
        let is_unlicensed =
            |mailbox: &Mailbox| mailbox.kind == RecipientType::User && !user.licensed;
        Some(Outgoing {
            ad,
            cloud: recipient.map_or(&user.record, |mailbox| &mailbox.record),
            domains: &self.exchange.verified_domains,
            upn_adds_proxy: self.profile.is_on("upn_adds_proxy"),
            licensed: recipient.is_some() || user.licensed,
            upn_is_primary: !recipient.is_some_and(is_unlicensed),
        })
    }

    /// Notes whether the primary address that comes up for a user is calculated.
    pub(in crate::estate) fn note_primary_of(
        &mut self,
        forest: ForestNumber,
        user: u32,
        ad: &Record,
    ) {
        let flow = self.flow(forest).zip(self.outgoing(user, ad));
        let calculated = flow.is_some_and(|(flow, outgoing)| flow.has_derived_primary(&outgoing));
        self.entra.note_primary(user, calculated);
    }

    /// References to objects of a forest as the cloud names their recipients. An object without one is
    /// left out: the service knows only what is synchronized.
    pub(in crate::estate) fn named(
        &self,
        forest: ForestNumber,
        references: Vec<References>,
    ) -> Changes {
        let name_of = |object: ObjectNumber| {
            let mailbox = self.subject_of_ad(forest, object)?.exchange?;
            self.exchange.reference_to(mailbox)
        };
        let named = |(property, objects): References| {
            (property, objects.into_iter().filter_map(name_of).collect())
        };
        references.into_iter().map(named).collect()
    }

    /// An object whose source of authority came back from the cloud is synchronized again, unless the
    /// tenant blocks that AD takes over an object of the cloud. The flag over its Exchange attributes is as
    /// the switch `flag_after_soa_rollback` says.
    fn take_over(&mut self, user: u32) -> bool {
        if self.entra.features.is_on("blockCloudObjectTakeoverThroughHardMatchEnabled") {
            return false;
        }
        self.entra.change(user, |user| user.sync_enabled = Some(true));
        self.set_dir_synced(user, true);
        let had_flag = self.entra.flagged_before_transfer.remove(&user);
        if had_flag
            && self.profile.is_on("flag_after_soa_rollback")
            && let Some(mailbox) = self.mailbox_of_user(user).map(|(number, _)| number)
            && let Some(change) = self.exchange.set_flag(mailbox, self.now, true)
        {
            self.note_exchange_write(&Self::forward_sync_actor(), mailbox, vec![change]);
        }
        true
    }

    /// Whether Exchange values of a pending object reach a cloud-managed mailbox (switches `race`, for a change
    /// that was pending when the flag was set, and `flag_sampling`, for a flag that was away in between).
    fn takes_of_cloud_managed(
        &self,
        object: &ConnectorObject,
        mailbox: &Mailbox,
        is_other: bool,
        (since, changed_at): (Since, VirtualTime),
        entry: &Entry,
        flow: &Flow,
    ) -> Takes {
        if !is_other && !object.given_back {
            return Takes::Nothing;
        }
        if !self.respects_the_flag() {
            Mark::ConnectRefused.reach();
            return Takes::Refused;
        }
        if object.given_back {
            return Takes::All;
        }
        // A flag that was set when it was imported last, too, is as if it had never been away.
        let began = self.connect.running.as_ref().map(|run| run.began);
        let set = Some(object.flagged).filter(|set| *set > VirtualTime::default());
        let is_new = began.is_some_and(|began| mailbox.flag_changed >= began);
        let set = set.or_else(|| self.given_since_import(object.user).filter(|_| is_new));
        let Some(until) = set.filter(|_| self.profile.text("race") == "land") else {
            return Takes::Nothing;
        };
        // Attributes know the second of their change alone: of that of the flag, the object's own tells.
        let until = if changed_at < until { until } else { until - Duration::from_secs(1) };
        let pending = flow.changed_between(entry, since, until);
        if pending.is_empty() {
            Mark::ConnectIdentity.reach();
            Takes::Nothing
        } else {
            Mark::ConnectRace.reach();
            Takes::These(pending)
        }
    }

    /// When somebody was given the flag since flags were imported, if it was not set then.
    fn given_since_import(&self, user: u32) -> Option<VirtualTime> {
        let mut changes = self.connect.flag_changes.iter().filter(|(of, ..)| *of == user);
        changes.next().filter(|(_, became, _)| *became).map(|(_, _, at)| *at)
    }

    /// Whether the server's build leaves Exchange attributes of cloud-managed mailboxes alone.
    pub(in crate::estate) fn respects_the_flag(&self) -> bool {
        self.connect.respects_the_flag(&self.profile, self.working_agent_version())
    }

    /// The digest of the Exchange attributes that a server takes for exported which finds an object anew:
    /// what it would change in the cloud is still to be exported. A build that knows the flag leaves those
    /// of a cloud-managed mailbox alone.
    pub(in crate::estate) fn taken_for_exported(
        &self,
        key: ConnectorKey,
        entry: &Entry,
        user: u32,
    ) -> u64 {
        let Some((mailbox, true)) = self.recipient_of_user(user) else { return 0 };
        if !self.respects_the_flag() {
            let is_the_same = |(property, texts): &(AttributeNumber, Vec<String>)| {
                let cloud = mailbox.record.values(*property);
                cloud.eq(texts.iter().map(String::as_bytes))
            };
            if !self.exchange_of(key.0, user, entry).iter().all(is_the_same) {
                return 0;
            }
        }
        self.flow(key.0).map_or(0, |flow| flow.digests(&entry.record).1)
    }

    /// Puts values in force in Entra and Exchange Online; answers how many objects changed.
    fn bring_up(&mut self, user: u32, mailbox: Option<(u32, bool)>, values: &Changes) -> u64 {
        let actor = self.inbound_actor();
        let in_entra = self.apply_user(
            user,
            &values
                .iter()
                .filter(|(property, _)| crate::entra::property::name(*property).is_some())
                .cloned()
                .collect(),
        );
        let flag = mailbox.map(|(_, flag)| flag);
        let mut changed = !in_entra.is_empty();
        self.note_entra_write(&actor, user, flag, in_entra);
        let mut values = of_a_recipient(values);
        if mailbox.is_none() {
            self.note_loose(user);
        }
        match mailbox {
            _ if self.forward_waits() => {
                if self.exchange.cloud_managed_by_default && self.recipient_of_user(user).is_none()
                {
                    // The mailbox that may come first is cloud-managed from birth.
                    values.retain(|(property, _)| is_of_ad(*property));
                }
                self.forward(Delivery::ToExchange { user, values, actor, sent: self.now });
            }
            Some((number, _)) => {
                let in_exchange = self.exchange.apply(number, self.now, &values);
                changed |= !in_exchange.is_empty();
                self.note_exchange_write(&actor, number, in_exchange);
            }
            None => self.owe(user, values, actor, self.now),
        }
        u64::from(changed)
    }

    /// Notes whether a user without a recipient has addresses, so that they are found.
    pub(in crate::estate) fn note_loose(&mut self, user: u32) {
        let Some(found) = self.entra.user(user) else { return };
        let is_loose =
            self.exchange.by_id(found.id).is_none() && found.record.has(property::EMAIL_ADDRESSES);
        if is_loose {
            self.entra.loose.insert(user);
        } else {
            self.entra.loose.remove(&user);
        }
    }

    pub(super) fn mailbox_of_user(&self, user: u32) -> Option<(u32, &Mailbox)> {
        let number = self.exchange.by_id(self.entra.user(user)?.id)?;
        Some((number, self.exchange.mailbox(number)?))
    }
}

/// The values that a recipient has too; the others are the directory's alone.
pub(super) fn of_a_recipient(values: &Changes) -> Changes {
    let is_shared =
        |(number, _): &&(AttributeNumber, Vec<String>)| property::spec(*number).is_some();
    values.iter().filter(is_shared).cloned().collect()
}
