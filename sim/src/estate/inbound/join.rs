//! An AD object that the inbound engine does not know yet: which cloud object it is, or that it is a new
//! one.
//!
//! Hard match is by the source anchor, soft match by user principal name or primary SMTP address; both
//! are evaluated only for objects that are new to the service.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect: When you have an existing tenant", "Microsoft Entra
//! Connect Sync service features" (blocks), "Understanding errors during Microsoft Entra synchronization"
//! (InvalidHardMatch, InvalidSoftMatch, AttributeUpdateNotAllowed, ExistingAdminRoleConflict,
//! ObjectTypeMismatch, and the hardening of hard match of 2026-07-01).

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::Export;
use super::conflicts::Holder;
use super::export::of_a_recipient;
use crate::clock::VirtualTime;
use crate::connect::{
    ConnectorKey, ConnectorObject, Flow, Outgoing, Since, recipient_type, source_anchor,
};
use crate::directory::entry::Entry;
use crate::directory::forest::DomainNumber;
use crate::directory::forests::{AdObject, ForestNumber};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::entra::{Deletion, User};
use crate::estate::forward::Delivery;
use crate::estate::{Estate, Subject};
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::property::Bucket;
use crate::exchange::{Changes, ExchangeOnline, RecipientType, property};
use crate::guid::Guid;
use crate::ledger::{Actor, Change, ObjectKey, Write, WriteKind};
use crate::record::{AttributeNumber, Record};

/// Users by their source anchor, made when the first object asks for it.
#[derive(Default)]
pub(super) struct Anchors {
    users: Option<HashMap<Guid, u32, FxBuildHasher>>,
}

impl Anchors {
    fn user(&mut self, users: &[User], anchor: Guid) -> Option<u32> {
        let index = self.users.get_or_insert_with(|| {
            (0..)
                .zip(users)
                .filter(|(_, user)| user.deletion != Some(Deletion::Hard))
                .filter_map(|(number, user)| Some((user.source_anchor?, number)))
                .collect()
        });
        index.get(&anchor).copied()
    }

    fn note(&mut self, anchor: Guid, user: u32) {
        if let Some(users) = &mut self.users {
            users.insert(anchor, user);
        }
    }
}

/// What a new object comes to.
enum Match {
    /// It is this user.
    Is(u32),
    /// It is nobody yet.
    New,
    /// The service does not let it be anybody.
    No(&'static str, String),
}

impl Estate {
    /// The source anchor of an AD object: `ms-DS-ConsistencyGuid`, else `objectGUID`.
    pub(super) fn anchor_of(&self, key: ConnectorKey) -> Option<Guid> {
        self.imported(key).map(|slot| anchor(&slot.entry))
    }

    /// The first export of a user object.
    pub(super) fn provision(
        &mut self,
        key: ConnectorKey,
        entry: &Entry,
        since: Since,
        anchors: &mut Anchors,
    ) -> Export {
        if let Some((code, detail)) = super::checks::objection(&entry.record) {
            return Self::refused(key, code, detail);
        }
        let anchor = anchor(entry);
        let found = match anchors.user(self.entra.users(), anchor) {
            Some(user) => self.hard_match(user, entry),
            None => self.soft_match(entry),
        };
        match found {
            Match::Is(user) => {
                anchors.note(anchor, user);
                self.join(key, entry, user);
                self.export(key, since, anchors)
            }
            Match::New => self.create(key, entry, anchors),
            Match::No(code, detail) => Self::refused(key, code, detail),
        }
    }

    fn hard_match(&self, number: u32, entry: &Entry) -> Match {
        let Some(user) = self.entra.user(number) else { return Match::New };
        match user.deletion {
            Some(Deletion::Hard) => return Match::New,
            Some(Deletion::Soft(_)) if self.deleted_user(user.id).is_none() => return Match::New,
            Some(Deletion::Soft(_)) | None => {}
        }
        let moves = user.object_identifier.is_some_and(|known| known != entry.guid);
        let synced = user.sync_enabled == Some(true);
        let features = &self.entra.features;
        if !synced && features.is_on("blockCloudObjectTakeoverThroughHardMatchEnabled") {
            let why = "BlockCloudObjectTakeoverThroughHardMatchEnabled";
            return Match::No("InvalidHardMatch", why.to_owned());
        }
        if !self.hard_match_is_hardened(number) {
            return Match::Is(number);
        }
        let detail = || format!("OnPremisesObjectIdentifier of {} is set", user.id);
        match (synced, moves, self.entra.is_privileged(number)) {
            (true, true, _) => Match::No("AttributeUpdateNotAllowed", detail()),
            (false, true, _) => Match::No("InvalidHardMatch", detail()),
            (false, false, true) => {
                Match::No("InvalidHardMatch", format!("{} holds a privileged role", user.id))
            }
            (_, false, _) => Match::Is(number),
        }
    }

    /// Whether a hard match with this user is held to the rules of 2026-07-01: from that day on, unless the
    /// tenant has the bypass on, or the mailbox is cloud-managed with writeback enabled.
    fn hard_match_is_hardened(&self, number: u32) -> bool {
        let since = self.profile.instant("hard_match_hardened_from");
        let writes_back = self.entra.job.as_ref().is_some_and(|job| !job.deleted);
        let is_exempt = writes_back && self.flag_of(number) == Some(true);
        let bypass = "allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled";
        since.is_some_and(|day| self.now >= day) && !is_exempt && !self.entra.features.is_on(bypass)
    }

    fn soft_match(&self, entry: &Entry) -> Match {
        let Some((holder, property)) = self.candidate(&entry.record) else { return Match::New };
        let Holder::User(number) = holder else {
            return Match::No("ObjectTypeMismatch", property.to_owned());
        };
        let Some(user) = self.entra.user(number) else { return Match::New };
        let features = &self.entra.features;
        if user.source_anchor.is_some() || user.sync_enabled == Some(true) {
            // Another object's user: with resiliency a new user comes, without what they share.
            let quarantined = if property == "UserPrincipalName" {
                features.is_on("quarantineUponUpnConflictEnabled")
            } else {
                features.is_on("quarantineUponProxyAddressesConflictEnabled")
            };
            return if quarantined {
                Match::New
            } else {
                Match::No("InvalidSoftMatch", property.to_owned())
            };
        }
        if features.is_on("blockSoftMatchEnabled") {
            return Match::No("InvalidSoftMatch", "BlockSoftMatchEnabled".to_owned());
        }
        if self.entra.is_privileged(number) {
            return Match::No("ExistingAdminRoleConflict", property.to_owned());
        }
        Match::Is(number)
    }

    /// Who has the user principal name or the primary address of an AD object, and which of them.
    fn candidate(&self, ad: &Record) -> Option<(Holder, &'static str)> {
        let upn = ad.text(known::USER_PRINCIPAL_NAME).filter(|upn| !upn.is_empty());
        if self.entra.features.is_on("softMatchOnUpnEnabled")
            && let Some(user) = upn.and_then(|upn| self.user_named(upn))
        {
            return Some((Holder::User(user), "UserPrincipalName"));
        }
        let addresses = ad.values(known::PROXY_ADDRESSES);
        let addresses = addresses.filter_map(|value| core::str::from_utf8(value).ok());
        let primary = address::primary(addresses)?;
        let holder = self.holder_of(primary)?;
        let is_primary = match &holder {
            Holder::User(user) => {
                let theirs = self.user_texts(*user, property::EMAIL_ADDRESSES);
                theirs.iter().any(|value| {
                    let parsed = ProxyAddress::parse(value);
                    parsed.is_primary() && parsed.address.eq_ignore_ascii_case(primary)
                })
            }
            Holder::Group(_) | Holder::Contact(_) => true,
        };
        is_primary.then_some((holder, super::conflicts::ADDRESS))
    }

    /// An AD object is this user from now on; the cloud takes what AD has a value for.
    fn join(&mut self, key: ConnectorKey, entry: &Entry, number: u32) {
        let user = self.entra.user(number);
        let is_the_clouds =
            user.is_some_and(|user| user.object_cloud_managed && user.deletion.is_none());
        let was_deleted = user.is_some_and(|user| user.deletion.is_some());
        if is_the_clouds {
            // A server that never saw it learns with its import from Entra that the object is blocked
            // (`blockOnPremisesSync`; Microsoft Learn, "Configure User Source of Authority").
            let exchange = self.taken_for_exported(key, entry, number);
            let object =
                ConnectorObject { full: true, ..ConnectorObject::new(number, 0, exchange) };
            self.connect.remember(key, object);
            return self.relink(key, number, entry);
        }
        let domain = self.domain_of(key);
        self.entra.change(number, |user| {
            user.deletion = None;
            user.sync_enabled = Some(true);
            user.source_anchor = Some(anchor(entry));
            user.object_identifier = Some(entry.guid);
            user.domain = domain;
        });
        self.entra.managers.remove(&number);
        if was_deleted {
            self.settle_recipient(number);
        }
        self.set_dir_synced(number, true);
        let exchange = self.taken_for_exported(key, entry, number);
        let object = ConnectorObject { full: true, ..ConnectorObject::new(number, 0, exchange) };
        self.connect.remember(key, object);
        self.relink(key, number, entry);
    }

    /// The person of a user has this AD object from now on; a user that nobody is gets a person.
    fn relink(&mut self, key: ConnectorKey, user: u32, entry: &Entry) {
        let Some(at) = self.connector_at(key) else { return };
        let ad = AdObject::on(at, ObjectNumber(key.1));
        if let Some(place) = self.whose(ObjectKey::entra(user)) {
            self.subjects.relink(place, ad);
            return;
        }
        let exchange = self.entra.user(user).and_then(|user| self.exchange.by_id(user.id));
        let in_ad_alone = self.subject_of_ad(key.0, ad.number).is_some_and(|s| s.entra.is_none());
        if in_ad_alone && let Some(place) = self.whose(ObjectKey::ad(key.0, ad.number)) {
            self.subjects.give_user(place, user, exchange);
            return;
        }
        let name = entry.record.text(known::SAM_ACCOUNT_NAME).unwrap_or(entry.rdn_value());
        let subject = Subject { name: name.into(), ad: Some(ad), entra: Some(user), exchange };
        self.subjects.add(subject);
    }

    /// `IsDirSynced` follows the user.
    pub(super) fn set_dir_synced(&mut self, user: u32, on: bool) {
        let mailbox = self.mailbox_of_user(user).map(|(mailbox, _)| mailbox);
        if let Some(number) = mailbox
            && let Some(change) = self.exchange.set_dir_synced(number, self.now, on)
        {
            self.note_exchange_write(&Self::forward_sync_actor(), number, vec![change]);
        }
    }

    /// A new user out of an AD object, with a recipient when AD says that it has one.
    fn create(&mut self, key: ConnectorKey, entry: &Entry, anchors: &mut Anchors) -> Export {
        let Some(flow) = self.flow(key.0).cloned() else { return Export::Done(0) };
        let on_premises = recipient_type(&entry.record);
        let under_default = self.exchange.cloud_managed_by_default;
        let kind = on_premises.filter(|_| !under_default);
        let id = self.new_objects.guid();
        let mut values = self.first_values_of(&flow, entry, kind.is_some());
        if under_default && self.profile.is_on("tenant_default_drops_addresses") {
            values.retain(|(property, _)| is_identity(*property));
        }
        let upn = match self.free_upn(key, &mut values) {
            Ok(quarantined) => quarantined,
            Err(error) => return Export::Refused(error),
        };
        let addresses = match self.quarantine_addresses(key, None, &mut values) {
            Ok(quarantined) => quarantined,
            Err(error) => return Export::Refused(error),
        };
        let values = named_anew(values);
        let record = record_of(&values);
        let number = self.entra.add(User {
            id,
            sync_enabled: Some(true),
            source_anchor: Some(anchor(entry)),
            object_identifier: Some(entry.guid),
            domain: self.domain_of(key),
            object_cloud_managed: false,
            licensed: false,
            deletion: None,
            version: 0,
            position: 0,
            record: entra_record(&record),
        });
        self.entra.change(number, |_| {});
        if under_default {
            self.entra.arrived_under_default.insert(number, on_premises.is_some());
        }
        anchors.note(anchor(entry), number);
        let (identity, exchange) = flow.digests(&entry.record);
        let object = ConnectorObject::new(number, identity, exchange);
        self.connect.remember(key, object);
        self.note_primary_of(key.0, number, &entry.record);
        self.note_unverified(number, &entry.record);
        self.relink(key, number, entry);
        self.note_creation(number, &values, kind.map(|_| false));
        self.note_loose(number);
        if let Some(kind) = kind {
            let (values, actor) = (of_a_recipient(&values), self.inbound_actor());
            let sent = self.now;
            self.forward(Delivery::NewRecipient { user: number, kind, values, actor, sent });
        }
        self.keep_aside(number, upn.into_iter().chain(addresses));
        Export::Done(1)
    }

    /// The values of a user that comes up for the first time. The service's own address is given to a
    /// recipient alone.
    fn first_values_of(&mut self, flow: &Flow, entry: &Entry, is_recipient: bool) -> Changes {
        let mut values = flow.identity_values(&entry.record);
        let nickname = self.first_nickname(flow, entry, is_recipient);
        let own = if is_recipient { Some(self.free_service_address(&nickname)) } else { None };
        let own = own.map(|own| format!("smtp:{own}"));
        let current = Record::from_sorted([
            (property::ALIAS, vec![nickname.as_bytes()]),
            (property::EMAIL_ADDRESSES, own.iter().map(String::as_bytes).collect()),
        ]);
        values.extend(flow.exchange_values(&Outgoing {
            ad: &entry.record,
            cloud: &current,
            domains: &self.exchange.verified_domains,
            upn_adds_proxy: self.profile.is_on("upn_adds_proxy"),
            licensed: is_recipient,
            upn_is_primary: true,
        }));
        values.sort_by_key(|(property, _)| *property);
        values
    }

    /// `mailNickname` of a user that comes up for the first time: what AD says, else the prefix of the primary address,
    /// else of the user principal name (Microsoft Learn, "How the proxyAddresses attribute is populated in Microsoft
    /// Entra ID").
    fn first_nickname(&self, flow: &Flow, entry: &Entry, is_recipient: bool) -> String {
        let ad = &entry.record;
        let primary = flow.primary_of_ad(&Outgoing {
            ad,
            cloud: &Record::default(),
            domains: &self.exchange.verified_domains,
            upn_adds_proxy: false,
            licensed: is_recipient,
            upn_is_primary: true,
        });
        let prefix = |address: &str| address.split('@').next().unwrap_or_default().to_owned();
        let name = || ad.text(known::SAM_ACCOUNT_NAME).unwrap_or(entry.rdn_value()).to_owned();
        ad.text(known::MAIL_NICKNAME)
            .map(str::to_owned)
            .or_else(|| primary.as_deref().map(prefix))
            .or_else(|| ad.text(known::USER_PRINCIPAL_NAME).map(prefix))
            .filter(|nickname| !nickname.is_empty())
            .unwrap_or_else(name)
    }

    /// Exchange Online hears of a user that is new: it gets a mailbox when it needs no licence, else a mail user.
    pub(in crate::estate) fn add_recipient(
        &mut self,
        user: u32,
        kind: RecipientType,
        values: &Changes,
        (actor, sent): (&Actor, VirtualTime),
    ) {
        let Some(id) = self.live_id(user).filter(|id| self.exchange.by_id(*id).is_none()) else {
            return;
        };
        let kind = if kind == RecipientType::User { RecipientType::MailUser } else { kind };
        let mut recipient = ExchangeOnline::recipient(id, kind, self.now, record_of(values));
        recipient.cloud_managed = kind.is_mailbox() && self.exchange.cloud_managed_by_default;
        let cloud_managed = recipient.cloud_managed;
        let number = self.exchange.add(recipient);
        self.entra.loose.remove(&user);
        if let Some(place) = self.whose(ObjectKey::entra(user)) {
            self.subjects.give_mailbox(place, number);
        }
        self.ledger.write(Write {
            at: self.now,
            sent,
            actor: actor.clone(),
            object: ObjectKey::exchange(number),
            kind: WriteKind::Created,
            guid: id,
            cloud_managed: Some(cloud_managed),
            changes: made_of(values, |number| property::spec(number).is_some()),
        });
    }

    /// The id of a user that is not deleted.
    fn live_id(&self, user: u32) -> Option<Guid> {
        self.entra.user(user).filter(|user| user.deletion.is_none()).map(|user| user.id)
    }

    fn note_creation(&mut self, user: u32, values: &Changes, cloud_managed: Option<bool>) {
        let guid = self.entra.user(user).map_or(Guid([0; 16]), |user| user.id);
        let changes = made_of(values, |number| crate::entra::property::name(number).is_some());
        let actor = self.inbound_actor();
        self.ledger.write(Write {
            at: self.now,
            sent: self.now,
            actor,
            object: ObjectKey::entra(user),
            kind: WriteKind::Created,
            guid,
            cloud_managed,
            changes,
        });
    }

    pub(super) fn domain_of(&self, key: ConnectorKey) -> Option<(ForestNumber, DomainNumber)> {
        let at = self.connector_at(key)?;
        Some((at.forest, self.forests.dc(at)?.domain))
    }
}

/// The values of a new object that are wanted, as changes.
fn made_of(values: &Changes, wanted: impl Fn(AttributeNumber) -> bool) -> Vec<Change> {
    values
        .iter()
        .filter(|(property, values)| !values.is_empty() && wanted(*property))
        .map(|(attribute, values)| Change {
            attribute: *attribute,
            old: Vec::new(),
            new: values.iter().map(|value| value.as_bytes().into()).collect(),
        })
        .collect()
}

fn anchor(entry: &Entry) -> Guid {
    source_anchor(&entry.record, entry.guid)
}

/// `mailNickname` of somebody whom AD gives none: the prefix of the primary address, else of the user
/// principal name.
fn named_anew(mut values: Changes) -> Changes {
    let text = |values: &Changes, wanted: u16| {
        let found = values.iter().find(|(property, _)| *property == wanted);
        found.and_then(|(_, values)| values.first()).cloned().unwrap_or_default()
    };
    let addresses = values.iter().find(|(property, _)| *property == property::EMAIL_ADDRESSES);
    let primary = addresses
        .and_then(|(_, list)| address::primary(list.iter().map(String::as_str)))
        .map(str::to_owned);
    let source = primary.unwrap_or_else(|| text(&values, property::USER_PRINCIPAL_NAME));
    let prefix = source.split('@').next().unwrap_or_default().to_owned();
    let alias = values.iter_mut().find(|(property, _)| *property == property::ALIAS);
    match alias {
        Some((_, own)) if own.is_empty() && !prefix.is_empty() => *own = vec![prefix],
        Some(_) | None => {}
    }
    values
}

/// Whether a property reaches the directory under the tenant default.
fn is_identity(number: AttributeNumber) -> bool {
    number == property::ALIAS || is_of_ad(number)
}

/// Whether AD has authority over a property, whoever manages the mailbox.
pub(in crate::estate) fn is_of_ad(number: AttributeNumber) -> bool {
    property::spec(number).is_none_or(|spec| spec.bucket == Bucket::Identity)
}

fn record_of(values: &Changes) -> Record {
    Record::from_sorted(
        values.iter().map(|(number, values)| (*number, values.iter().map(String::as_bytes))),
    )
}

fn entra_record(cloud: &Record) -> Record {
    Record::from_sorted(
        cloud.attributes().filter(|(n, _)| crate::entra::property::name(*n).is_some()),
    )
}
