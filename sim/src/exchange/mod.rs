//! Exchange Online: recipients, their rules, and the cmdlets that read and change them.

pub mod address;
pub mod audit;
mod changes;
pub mod cmdlets;
mod mailbox;
pub mod property;
pub mod rbac;
pub mod shape;
pub mod spelling;

use std::collections::BTreeSet;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

pub use mailbox::{Gone, Mailbox, RecipientType};

use crate::clock::VirtualTime;
use crate::guid::Guid;
use crate::index::TextIndex;
use crate::ledger::Change;
use crate::record::{AttributeNumber, Record, is_same_set};
use address::ProxyAddress;
use audit::AuditLog;
use changes::ChangeLog;

/// New values of a mailbox by property number, ascending, each once.
pub type Changes = Vec<(AttributeNumber, Vec<String>)>;

/// The recipients of a tenant.
#[derive(Clone, Debug)]
pub struct ExchangeOnline {
    /// Accepted domains, the default one first.
    pub accepted_domains: Vec<String>,
    /// The verified domains of the tenant: the accepted ones, and those in which it has users and no mail.
    pub verified_domains: Vec<String>,
    /// `BlockExchangeProvisioningFromOnPremEnabled`.
    pub cloud_managed_by_default: bool,
    /// Which cmdlets were run.
    pub audit: AuditLog,
    /// Roles and who has them, once somebody changed something of it.
    pub rbac: Option<Box<rbac::Rbac>>,
    mailboxes: Vec<Mailbox>,
    /// Those that are soft-deleted, purged ones too.
    deleted: BTreeSet<u32>,
    by_id: HashMap<Guid, u32, FxBuildHasher>,
    names: TextIndex,
    addresses: TextIndex,
    changes: ChangeLog,
}

impl ExchangeOnline {
    /// A tenant without recipients.
    #[must_use]
    pub fn new(accepted_domains: Vec<String>) -> Self {
        Self {
            verified_domains: accepted_domains.clone(),
            accepted_domains,
            cloud_managed_by_default: false,
            audit: AuditLog::default(),
            rbac: None,
            mailboxes: Vec::new(),
            deleted: BTreeSet::new(),
            by_id: HashMap::default(),
            names: TextIndex::default(),
            addresses: TextIndex::default(),
            changes: ChangeLog::default(),
        }
    }

    /// Room for this many more recipients.
    pub fn reserve(&mut self, more: usize) {
        self.mailboxes.reserve(more);
        self.by_id.reserve(more);
    }

    /// Adds a recipient as it is, without any rule, and returns its number.
    pub fn add(&mut self, mut mailbox: Mailbox) -> u32 {
        let number = u32::try_from(self.mailboxes.len()).expect("fewer than 2^32 mailboxes");
        mailbox.position = self.changes.push(number, mailbox.when_changed);
        self.by_id.insert(mailbox.id, number);
        for text in names_of(&mailbox.record) {
            self.names.insert(text, number);
        }
        for text in addresses_of(&mailbox.record) {
            self.addresses.insert(text, number);
        }
        self.mailboxes.push(mailbox);
        number
    }

    /// A new recipient's value, for [`Self::add`].
    #[must_use]
    pub fn recipient(id: Guid, kind: RecipientType, at: VirtualTime, record: Record) -> Mailbox {
        Mailbox {
            id,
            kind,
            dir_synced: true,
            cloud_managed: false,
            flag_changed: at,
            when_changed: at,
            version: 0,
            gone: None,
            record,
            position: 0,
        }
    }

    /// All recipients, by number.
    #[must_use]
    pub fn mailboxes(&self) -> &[Mailbox] {
        &self.mailboxes
    }

    /// A recipient by number.
    #[must_use]
    pub fn mailbox(&self, number: u32) -> Option<&Mailbox> {
        self.mailboxes.get(number as usize)
    }

    /// A recipient by id.
    #[must_use]
    pub fn by_id(&self, id: Guid) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    /// A recipient by what people call it: id, user principal name, alias, or an SMTP address.
    #[must_use]
    pub fn find(&self, identity: &str) -> Option<u32> {
        if let Some(number) = identity.parse().ok().and_then(|id| self.by_id(id)) {
            return Some(number);
        }
        let named = |number: u32| {
            self.mailbox(number)
                .is_some_and(|m| names_of(&m.record).any(|t| t.eq_ignore_ascii_case(identity)))
        };
        let address = ProxyAddress::parse(identity);
        let address = if address.is_smtp() { address.address } else { identity };
        self.names
            .find(identity, named)
            .or_else(|| self.owner(address))
            .or_else(|| self.search(identity))
    }

    /// A recipient by what no index knows: the GUIDs beside its id, its display name, its name. A display name
    /// that several have names none of them.
    fn search(&self, identity: &str) -> Option<u32> {
        let live = || (0..).zip(&self.mailboxes).filter(|(_, mailbox)| mailbox.gone.is_none());
        if let Ok(guid) = identity.parse::<uuid::Uuid>() {
            let is = |mailbox: &Mailbox| {
                ["ExchangeGuid", "Guid", "ExchangeObjectId"]
                    .iter()
                    .any(|name| mailbox.guid(name) == guid)
            };
            let given = property::number("ExchangeGuid");
            let text = guid.to_string();
            let mut found = live().filter(|(_, mailbox)| {
                is(mailbox) || given.and_then(|n| mailbox.record.text(n)) == Some(&text)
            });
            return found.next().map(|(number, _)| number);
        }
        let names = [Some(property::DISPLAY_NAME), property::number("Name")];
        let is = |mailbox: &Mailbox| {
            let mut known = names.iter().flatten().filter_map(|name| mailbox.record.text(*name));
            known.any(|name| name.eq_ignore_ascii_case(identity))
        };
        let mut found = live().filter(|(_, mailbox)| is(mailbox)).map(|(number, _)| number);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// A recipient that was soft-deleted after an instant, by id, user principal name, alias or address; the one that
    /// went last.
    #[must_use]
    pub fn find_deleted(&self, identity: &str, since: VirtualTime) -> Option<u32> {
        let id = identity.parse::<Guid>().ok();
        let parsed = ProxyAddress::parse(identity);
        let address = if parsed.is_smtp() { parsed.address } else { identity };
        self.last_deleted(since, |mailbox| {
            id == Some(mailbox.id)
                || names_of(&mailbox.record).any(|name| name.eq_ignore_ascii_case(identity))
                || addresses_of(&mailbox.record).any(|has| has.eq_ignore_ascii_case(address))
        })
    }

    /// The soft-deleted recipient of a user, by the user's id; the one that went last.
    #[must_use]
    pub fn deleted_of(&self, id: Guid, since: VirtualTime) -> Option<u32> {
        self.last_deleted(since, |mailbox| mailbox.id == id)
    }

    fn last_deleted(&self, since: VirtualTime, is: impl Fn(&Mailbox) -> bool) -> Option<u32> {
        let gone = self.deleted.iter().filter_map(|number| {
            let mailbox = self.mailbox(*number)?;
            Some((*number, mailbox, mailbox.gone?))
        });
        let mut found =
            gone.filter(|(_, mailbox, gone)| !gone.purged && gone.at > since && is(mailbox));
        let first = found.next()?;
        let last = found.fold(first, |a, b| if b.2.at >= a.2.at { b } else { a });
        Some(last.0)
    }

    /// Soft-deletes a recipient: nobody finds it, and its names and addresses are free.
    pub fn soft_delete(&mut self, number: u32, now: VirtualTime) -> Option<Change> {
        let mailbox = self.mailboxes.get_mut(number as usize)?;
        if mailbox.gone.is_some() {
            return None;
        }
        mailbox.gone = Some(Gone { at: now, purged: false });
        self.deleted.insert(number);
        let mailbox = self.mailboxes.get(number as usize)?;
        for text in names_of(&mailbox.record) {
            self.names.remove(text, number);
        }
        for text in addresses_of(&mailbox.record) {
            self.addresses.remove(text, number);
        }
        self.by_id.remove(&mailbox.id);
        self.touch(number, now);
        Some(state_change(property::SOFT_DELETED, truth(false), truth(true)))
    }

    /// Brings a soft-deleted recipient back, for the user of this id. `None` when it is not there to come back.
    pub fn restore(&mut self, number: u32, id: Guid, now: VirtualTime) -> Option<Change> {
        let mailbox = self.mailboxes.get_mut(number as usize)?;
        if mailbox.gone.is_none_or(|gone| gone.purged) || self.by_id.contains_key(&id) {
            return None;
        }
        mailbox.gone = None;
        self.deleted.remove(&number);
        mailbox.id = id;
        self.by_id.insert(id, number);
        let mailbox = self.mailboxes.get(number as usize)?;
        for text in names_of(&mailbox.record) {
            self.names.insert(text, number);
        }
        for text in addresses_of(&mailbox.record) {
            self.addresses.insert(text, number);
        }
        self.touch(number, now);
        Some(state_change(property::SOFT_DELETED, truth(true), truth(false)))
    }

    /// A soft-deleted recipient cannot come back any more.
    pub fn purge(&mut self, number: u32) {
        let gone =
            self.mailboxes.get_mut(number as usize).and_then(|mailbox| mailbox.gone.as_mut());
        if let Some(gone) = gone {
            gone.purged = true;
        }
    }

    /// Who has this SMTP address (without its type).
    #[must_use]
    pub fn owner(&self, address: &str) -> Option<u32> {
        self.addresses.find(address, |number| {
            self.mailbox(number)
                .is_some_and(|m| addresses_of(&m.record).any(|t| t.eq_ignore_ascii_case(address)))
        })
    }

    /// How other recipients' properties refer to a recipient: by its alias.
    #[must_use]
    pub fn reference_to(&self, number: u32) -> Option<String> {
        let record = &self.mailbox(number)?.record;
        let name = record.text(property::ALIAS);
        name.or_else(|| record.text(property::USER_PRINCIPAL_NAME)).map(str::to_owned)
    }

    /// Puts new values in force, without any rule, and tells what changed. Nothing changes, and no
    /// version is counted, when all values are there already.
    pub fn apply(&mut self, number: u32, now: VirtualTime, new: &Changes) -> Vec<Change> {
        let Some(mailbox) = self.mailboxes.get_mut(number as usize) else { return Vec::new() };
        let changed: Vec<Change> = new
            .iter()
            .filter_map(|(property, values)| change(mailbox, *property, values))
            .collect();
        if changed.is_empty() {
            return changed;
        }
        for text in touched_names(&changed, &mailbox.record) {
            self.names.remove(text, number);
        }
        for text in touched_addresses(&changed, &mailbox.record) {
            self.addresses.remove(text, number);
        }
        let updates: Vec<(AttributeNumber, &[Box<[u8]>])> =
            changed.iter().map(|c| (c.attribute, c.new.as_slice())).collect();
        mailbox.record = mailbox.record.with(&updates);
        for text in touched_names(&changed, &mailbox.record) {
            self.names.insert(text, number);
        }
        for text in touched_addresses(&changed, &mailbox.record) {
            self.addresses.insert(text, number);
        }
        self.touch(number, now);
        changed
    }

    /// Sets `IsExchangeCloudManaged`. No value changes by it.
    pub fn set_flag(&mut self, number: u32, now: VirtualTime, flag: bool) -> Option<Change> {
        let mailbox = self.mailboxes.get_mut(number as usize)?;
        if mailbox.cloud_managed == flag {
            return None;
        }
        mailbox.cloud_managed = flag;
        mailbox.flag_changed = now;
        self.touch(number, now);
        Some(state_change(property::FLAG, truth(!flag), truth(flag)))
    }

    /// Sets `IsDirSynced`.
    pub fn set_dir_synced(&mut self, number: u32, now: VirtualTime, on: bool) -> Option<Change> {
        let mailbox = self.mailboxes.get_mut(number as usize)?;
        if mailbox.dir_synced == on {
            return None;
        }
        mailbox.dir_synced = on;
        self.touch(number, now);
        Some(state_change(property::IS_DIR_SYNCED, truth(!on), truth(on)))
    }

    /// Sets `RecipientTypeDetails`.
    pub fn set_kind(
        &mut self,
        number: u32,
        now: VirtualTime,
        kind: RecipientType,
    ) -> Option<Change> {
        let mailbox = self.mailboxes.get_mut(number as usize)?;
        if mailbox.kind == kind {
            return None;
        }
        let old = core::mem::replace(&mut mailbox.kind, kind);
        self.touch(number, now);
        Some(state_change(property::RECIPIENT_TYPE_DETAILS, old.details(), kind.details()))
    }

    /// Mailboxes whose latest change lies at or after a position of the change log, at most `limit`,
    /// oldest change first, and the position after the last of them when there are more.
    #[must_use]
    pub fn changed_from(&self, position: u64, limit: usize) -> (Vec<u32>, Option<u64>) {
        let mut rows = Vec::new();
        for (number, at) in self.changes.from(position) {
            let current = self.mailbox(number).is_some_and(|m| m.position == at && m.is_there());
            if !current {
                continue;
            }
            if rows.len() == limit {
                return (rows, Some(at));
            }
            rows.push(number);
        }
        (rows, None)
    }

    /// The position of the first change in or after the second of `since`; the start for `None`.
    #[must_use]
    pub fn position_since(&self, since: Option<VirtualTime>) -> u64 {
        since.map_or(0, |since| self.changes.first_since(since))
    }

    fn touch(&mut self, number: u32, now: VirtualTime) {
        let position = self.changes.push(number, now);
        if let Some(mailbox) = self.mailboxes.get_mut(number as usize) {
            mailbox.when_changed = now;
            mailbox.version += 1;
            mailbox.position = position;
        }
        let mailboxes = &self.mailboxes;
        self.changes.tidy(mailboxes.len(), |number, position| {
            mailboxes.get(number as usize).is_some_and(|m| m.position == position)
        });
    }
}

/// `True` or `False`, as the service spells them.
#[must_use]
pub const fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

fn state_change(attribute: AttributeNumber, old: &str, new: &str) -> Change {
    Change { attribute, old: vec![old.as_bytes().into()], new: vec![new.as_bytes().into()] }
}

fn change(mailbox: &Mailbox, property: AttributeNumber, new: &[String]) -> Option<Change> {
    let old = mailbox.record.values(property);
    if is_same_set(old.clone(), new) {
        return None;
    }
    Some(Change {
        attribute: property,
        old: old.map(Into::into).collect(),
        new: new.iter().map(|value| value.as_bytes().into()).collect(),
    })
}

fn names_of(record: &Record) -> impl Iterator<Item = &str> {
    [property::USER_PRINCIPAL_NAME, property::ALIAS].into_iter().filter_map(|n| record.text(n))
}

fn addresses_of(record: &Record) -> impl Iterator<Item = &str> {
    record
        .values(property::EMAIL_ADDRESSES)
        .filter_map(|value| core::str::from_utf8(value).ok())
        .map(ProxyAddress::parse)
        .filter(ProxyAddress::is_smtp)
        .map(|address| address.address)
}

fn touched_names<'r>(changed: &[Change], record: &'r Record) -> Vec<&'r str> {
    let touched = changed
        .iter()
        .any(|c| matches!(c.attribute, property::USER_PRINCIPAL_NAME | property::ALIAS));
    if touched { names_of(record).collect() } else { Vec::new() }
}

fn touched_addresses<'r>(changed: &[Change], record: &'r Record) -> Vec<&'r str> {
    let touched = changed.iter().any(|c| c.attribute == property::EMAIL_ADDRESSES);
    if touched { addresses_of(record).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> ExchangeOnline {
        let mut tenant = ExchangeOnline::new(vec!["contoso.com".to_owned()]);
        for n in 1..=3_u8 {
            let upn = format!("u{n}@contoso.com");
            let address = format!("SMTP:{upn}");
            let record = Record::from_sorted([
                (property::USER_PRINCIPAL_NAME, vec![upn.as_bytes()]),
                (property::EMAIL_ADDRESSES, vec![address.as_bytes()]),
            ]);
            let at = VirtualTime::from_micros(0);
            tenant.add(ExchangeOnline::recipient(Guid([n; 16]), RecipientType::User, at, record));
        }
        tenant
    }

    fn at(seconds: i64) -> VirtualTime {
        VirtualTime::from_micros(seconds * 1_000_000 + 17)
    }

    #[test]
    fn a_listing_loses_no_mailbox_that_changes_while_it_is_read() {
        let mut tenant = tenant();
        let (first, next) = tenant.changed_from(0, 2);
        assert_eq!(first, [0, 1]);
        tenant.set_flag(0, at(5), true);
        let (second, end) = tenant.changed_from(next.unwrap(), 2);
        assert_eq!((second, end), (vec![2, 0], None), "the change comes again, at the end");
    }

    #[test]
    fn changes_of_one_second_are_found_by_that_second() {
        let mut tenant = tenant();
        tenant.set_flag(2, at(5), true);
        tenant.set_flag(1, at(5), true);
        let since = tenant.position_since(Some(at(5)));
        assert_eq!(tenant.changed_from(since, 9).0, [2, 1]);
        let later = tenant.position_since(Some(at(6)));
        assert!(tenant.changed_from(later, 9).0.is_empty());
    }

    #[test]
    fn indexes_follow_the_values() {
        let mut tenant = tenant();
        assert_eq!(tenant.find("U2@contoso.com"), Some(1));
        let new = vec![(property::EMAIL_ADDRESSES, vec!["SMTP:other@contoso.com".to_owned()])];
        assert_eq!(tenant.apply(1, at(1), &new).len(), 1);
        assert_eq!(tenant.owner("other@contoso.com"), Some(1));
        assert_eq!(tenant.owner("u2@contoso.com"), None);
        assert!(tenant.apply(1, at(2), &new).is_empty(), "the same values are no change");
        assert_eq!(tenant.mailbox(1).unwrap().version, 1);
    }
}
