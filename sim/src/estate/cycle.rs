//! A Connect Sync cycle, step by step on the calendar.

use super::{Due, Estate};
use crate::clock::VirtualTime;
use crate::connect::{
    ConnectorKey, ConnectorObject, CycleStep, ExportError, Outgoing, References, Run,
};
use crate::directory::forests::ForestNumber;
use crate::directory::request::ObjectNumber;
use crate::directory::store::Slot;
use crate::exchange::address::ProxyAddress;
use crate::exchange::{Changes, Mailbox, property};
use crate::ledger::{Activity, Actor};
use crate::marks::Mark;

/// How a pending object's export ends.
enum Export {
    /// There was nothing to do, or it is done. The number of cloud objects that changed.
    Done(u64),
    /// The service refused it; it stays pending.
    Refused(ExportError),
}

impl Estate {
    /// Begins a Connect cycle now; when one runs, another follows at once.
    pub fn start_connect_cycle(&mut self) {
        if self.connect.running.is_some() {
            Mark::ConnectAgain.reach();
            self.connect.again = true;
            return;
        }
        self.connect.running = Some(Run {
            began: self.now,
            ended: self.now,
            imported: 0,
            exported: 0,
            errors: Vec::new(),
            blocked: Vec::new(),
            failure: None,
        });
        self.calendar.enter(self.now, Due::ConnectStep(CycleStep::ImportAd));
    }

    /// How many Connect cycles have ended.
    #[must_use]
    pub fn connect_cycles(&self) -> usize {
        self.connect.history.len()
    }

    /// Enters the first scheduled cycle.
    pub(super) fn schedule_connect(&mut self, first: VirtualTime) {
        self.calendar.enter(first, Due::ConnectCycle);
    }

    pub(super) fn begin_scheduled_cycle(&mut self) {
        self.calendar.enter(self.now + self.connect.interval, Due::ConnectCycle);
        self.start_connect_cycle();
    }

    pub(super) fn connect_step(&mut self, step: CycleStep) {
        if self.connect.is_cut_off(&self.profile, self.now) {
            Mark::ConnectCutOff.reach();
            if let Some(run) = &mut self.connect.running {
                run.failure = Some(format!(
                    "build {} is no longer accepted by the service",
                    self.connect.build
                ));
            }
            self.end_cycle();
            return;
        }
        let objects = match step {
            CycleStep::ImportAd => self.import_ad(),
            CycleStep::ImportEntra => self.import_entra(),
            CycleStep::ExportEntra => self.export_entra(),
            CycleStep::SyncAd | CycleStep::SyncEntra | CycleStep::ExportAd => 0,
        };
        let costs = &self.profile.costs;
        let duration = costs.connect_step
            + costs.connect_object.saturating_mul(u32::try_from(objects).unwrap_or(u32::MAX));
        match step.next() {
            Some(next) => self.calendar.enter(self.now + duration, Due::ConnectStep(next)),
            None => self.end_cycle(),
        }
    }

    fn end_cycle(&mut self) {
        let Some(mut run) = self.connect.running.take() else { return };
        run.ended = self.now;
        self.connect.history.push(run);
        if core::mem::take(&mut self.connect.again) {
            self.start_connect_cycle();
        }
    }

    fn import_ad(&mut self) -> usize {
        let mut changed = 0;
        for place in 0..self.connect.connectors.len() {
            let mut connector = self.connect.connectors[place];
            let Some(forest) = self.forests.get(connector.dc.forest) else { continue };
            for (usn, object) in forest.changed_since(connector.dc.dc, connector.imported_usn) {
                connector.imported_usn = connector.imported_usn.max(usn);
                changed += 1;
                let key = (connector.dc.forest, object.0);
                if self.connect.object(key).is_some() {
                    self.connect.pending.insert(key);
                }
            }
            self.connect.connectors[place] = connector;
        }
        if let Some(run) = &mut self.connect.running {
            run.imported = changed as u64;
        }
        changed
    }

    /// Learns the flags. Authority that came back to AD means a full export of the object.
    fn import_entra(&mut self) -> usize {
        let users = core::mem::take(&mut self.connect.flag_changes);
        for user in &users {
            let Some(flag) = self.entra.user(*user).and_then(|user| {
                Some(self.exchange.mailbox(self.exchange.by_id(user.id)?)?.cloud_managed)
            }) else {
                continue;
            };
            let Some(key) = self.ad_object_of_user(*user) else { continue };
            let Some(object) = self.connect.object_mut(key) else { continue };
            let came_back = object.cloud_managed && !flag;
            object.full |= came_back;
            object.cloud_managed = flag;
            if came_back {
                Mark::ConnectCameBack.reach();
                self.connect.pending.insert(key);
            }
        }
        users.len()
    }

    fn ad_object_of_user(&self, user: u32) -> Option<ConnectorKey> {
        let id = self.entra.user(user)?.id;
        let ad = self.subject_of_mailbox(self.exchange.by_id(id)?)?.ad?;
        Some((ad.forest, ad.number.0))
    }

    fn export_entra(&mut self) -> usize {
        let pending = core::mem::take(&mut self.connect.pending);
        let count = pending.len();
        for key in pending {
            match self.export(key) {
                Export::Done(exported) => {
                    if let Some(run) = &mut self.connect.running {
                        run.exported += exported;
                    }
                }
                Export::Refused(error) => {
                    self.connect.pending.insert(key);
                    if let Some(run) = &mut self.connect.running {
                        run.errors.push(error);
                    }
                }
            }
        }
        count
    }

    fn export(&mut self, key: ConnectorKey) -> Export {
        let (Some(slot), Some(object)) = (self.imported(key), self.connect.object(key).copied())
        else {
            return Export::Done(0);
        };
        let (entry, changed_at) = (slot.entry.clone(), slot.stamp.when_changed);
        let authority = self.entra.user(object.user);
        if authority.is_some_and(|user| user.object_cloud_managed) {
            Mark::ConnectBlocked.reach();
            // `blockOnPremisesSync`: the object is the cloud's, and AD's change is ignored.
            if let Some(run) = &mut self.connect.running {
                run.blocked.push(key);
            }
            return Export::Done(0);
        }
        if authority.is_some_and(|user| user.sync_enabled.is_none()) && !self.take_over(object.user)
        {
            Mark::ConnectHardMatch.reach();
            return Export::Refused(ExportError {
                object: key,
                code: "InvalidHardMatch",
                detail: "BlockCloudObjectTakeoverThroughHardMatchEnabled".to_owned(),
            });
        }
        let Some(flow) = self.flow(key.0) else { return Export::Done(0) };
        let (identity, exchange) = flow.digests(&entry.record);
        let Some((mailbox_number, mailbox)) = self.mailbox_of_user(object.user) else {
            return Export::Done(0);
        };
        let wanted = object.full || exchange != object.exchange;
        let takes = self.takes_exchange_values(&object, mailbox, wanted, changed_at);
        if takes == Takes::Refused {
            return Export::Refused(ExportError {
                object: key,
                code: "ExchangeManagedAttributesUpdateNotAllowed",
                detail: String::new(),
            });
        }
        let mut values = if identity == object.identity && !object.full {
            Vec::new()
        } else {
            let mut values = flow.identity_values(&entry.record);
            values.extend(self.named(key.0, flow.identity_references(&entry.record)));
            values
        };
        if takes == Takes::All {
            let exchange_values = flow.exchange_values(&Outgoing {
                ad: &entry.record,
                cloud: &mailbox.record,
                domains: &self.exchange.accepted_domains,
                upn_adds_proxy: self.profile.is_on("upn_adds_proxy"),
            });
            if let Some(error) = self.conflict(key, mailbox_number, &exchange_values) {
                Mark::ConnectConflict.reach();
                return Export::Refused(error);
            }
            values.extend(exchange_values);
            values.extend(self.named(key.0, flow.exchange_references(&entry.record)));
        }
        values.sort_by_key(|(property, _)| *property);
        let cloud_managed = mailbox.cloud_managed;
        self.connect.remember(key, ConnectorObject { identity, exchange, full: false, ..object });
        Export::Done(self.bring_up(object.user, mailbox_number, cloud_managed, &values))
    }

    /// References to objects of a forest as the cloud names their recipients. An object without one is
    /// left out: the service knows only what is synchronized.
    pub(super) fn named(&self, forest: ForestNumber, references: Vec<References>) -> Changes {
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
    /// tenant blocks that AD takes over an object of the cloud.
    fn take_over(&mut self, user: u32) -> bool {
        if self.entra.features.is_on("blockCloudObjectTakeoverThroughHardMatchEnabled") {
            return false;
        }
        self.entra.change(user, |user| user.sync_enabled = Some(true));
        let mailbox = self.mailbox_of_user(user).map(|(number, _)| number);
        if let Some(number) = mailbox
            && let Some(change) = self.exchange.set_dir_synced(number, self.now, true)
        {
            let actor = Actor::new(&format!("Connect Sync {}", self.connect.build), Activity::Sync);
            self.note_exchange_write(&actor, number, vec![change]);
        }
        true
    }

    /// Whether Exchange values of a pending object reach the cloud (switch `race` for a change that
    /// was pending when the flag was set).
    fn takes_exchange_values(
        &self,
        object: &ConnectorObject,
        mailbox: &Mailbox,
        wanted: bool,
        changed_at: VirtualTime,
    ) -> Takes {
        if !wanted {
            return Takes::Identity;
        }
        if !mailbox.cloud_managed {
            return Takes::All;
        }
        if !self.connect.respects_the_flag(&self.profile) {
            Mark::ConnectRefused.reach();
            return Takes::Refused;
        }
        let was_pending = changed_at < mailbox.flag_changed || !object.cloud_managed;
        if was_pending && self.profile.text("race") == "land" {
            Mark::ConnectRace.reach();
            Takes::All
        } else {
            Mark::ConnectIdentity.reach();
            Takes::Identity
        }
    }

    /// Another recipient has one of the addresses.
    fn conflict(&self, key: ConnectorKey, mailbox: u32, values: &Changes) -> Option<ExportError> {
        let (_, addresses) = values.iter().find(|(p, _)| *p == property::EMAIL_ADDRESSES)?;
        addresses
            .iter()
            .map(|value| ProxyAddress::parse(value))
            .filter(ProxyAddress::is_smtp)
            .find(|parsed| {
                self.exchange.owner(parsed.address).is_some_and(|owner| owner != mailbox)
            })
            .map(|parsed| ExportError {
                object: key,
                code: "AttributeValueMustBeUnique",
                detail: format!("ProxyAddresses: {}", parsed.address),
            })
    }

    /// Puts values in force in Entra and Exchange Online; answers how many objects changed.
    fn bring_up(&mut self, user: u32, mailbox: u32, flag: bool, values: &Changes) -> u64 {
        let actor = Actor::new(&format!("Connect Sync {}", self.connect.build), Activity::Sync);
        let own: Vec<_> = values
            .iter()
            .filter(|(property, _)| crate::entra::property::name(*property).is_some())
            .map(|(property, values)| {
                (*property, values.iter().map(|value| value.as_bytes().into()).collect())
            })
            .collect();
        let in_entra = self.entra.apply(user, &own);
        let in_exchange = self.exchange.apply(mailbox, self.now, values);
        let changed = !in_entra.is_empty() || !in_exchange.is_empty();
        self.note_entra_write(&actor, user, Some(flag), in_entra);
        self.note_exchange_write(&actor, mailbox, in_exchange);
        u64::from(changed)
    }

    fn mailbox_of_user(&self, user: u32) -> Option<(u32, &Mailbox)> {
        let number = self.exchange.by_id(self.entra.user(user)?.id)?;
        Some((number, self.exchange.mailbox(number)?))
    }

    /// An AD object as the domain controller holds it from which it was imported.
    fn imported(&self, (forest, number): ConnectorKey) -> Option<&Slot> {
        let connectors = self.connect.connectors.iter().filter(|c| c.dc.forest == forest);
        connectors.into_iter().find_map(|c| self.forests.object(c.dc, ObjectNumber(number)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Identity values alone.
    Identity,
    /// Exchange values too.
    All,
    /// Nothing: the service refuses the object.
    Refused,
}
