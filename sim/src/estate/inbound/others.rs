//! Groups and contacts of AD.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Attributes synchronized to Microsoft Entra ID";
//! "Configure Group Source of Authority", "Configure Contact Source of Authority" (blocked export, rollback).
//!
//! # Divergence from Microsoft Entra ID
//! Groups and contacts have no entries in the ledger, which is about people.

use super::Export;
use super::conflicts::Holder;
use crate::connect::addresses::{self, Inbound};
use crate::connect::{AdKind, ConnectorKey, OtherObject};
use crate::directory::entry::{Entry, referenced};
use crate::directory::schema::known;
use crate::entra::group::{Contact, Group, OnPremises, Synced};
use crate::estate::Estate;
use crate::exchange::address::{self, ProxyAddress};
use crate::guid::Guid;

/// `groupType`: the group is enabled for security ([MS-ADTS] 2.2.12).
const SECURITY: u32 = 0x8000_0000;

/// The values of a group or contact that come up.
struct Values {
    display_name: String,
    description: Option<String>,
    mail_nickname: String,
    mail: Option<String>,
    proxy_addresses: Vec<String>,
    security_enabled: bool,
    members: Vec<Guid>,
}

impl Estate {
    pub(super) fn export_other(
        &mut self,
        key: ConnectorKey,
        entry: &Entry,
        kind: AdKind,
    ) -> Export {
        let values = self.values_of(key, entry);
        let known = self.connect.others.get(&key).copied();
        if let Some(other) = known {
            let Some(synced) = self.synced_mut(other) else { return Export::Done(0) };
            if synced.object_cloud_managed {
                self.note_blocked(key);
                return Export::Done(0);
            }
            // A rolled-back object is taken over.
            synced.sync_enabled = Some(true);
        }
        let own = known.map(|other| other.id);
        for value in &values.proxy_addresses {
            let parsed = ProxyAddress::parse(value);
            let holder = parsed.is_smtp().then(|| self.holder_of(parsed.address)).flatten();
            let is_own = match &holder {
                None => true,
                Some(Holder::Group(id) | Holder::Contact(id)) => Some(*id) == own,
                Some(Holder::User(_)) => false,
            };
            if !is_own {
                let what = format!("ProxyAddresses: {}", parsed.address);
                return Self::refused(key, "AttributeValueMustBeUnique", what);
            }
        }
        let on_premises = self.on_premises_of(key, entry);
        let id = own.unwrap_or_else(|| self.new_objects.guid());
        let synced = Synced {
            sync_enabled: Some(true),
            object_cloud_managed: false,
            on_premises: Some(on_premises),
        };
        let changed = match kind {
            AdKind::Contact => self.put_contact(id, values, synced),
            AdKind::Group | AdKind::User => self.put_group(id, values, synced),
        };
        self.connect.others.insert(key, OtherObject { id, kind });
        Export::Done(u64::from(changed))
    }

    /// Deletes the group or contact of an AD object that is gone.
    pub(super) fn remove_other(&mut self, key: ConnectorKey) -> Export {
        let Some(other) = self.connect.others.remove(&key) else { return Export::Done(0) };
        let now = self.now;
        let Some(synced) = self.synced_mut(other) else { return Export::Done(0) };
        if synced.object_cloud_managed {
            self.note_blocked(key);
            return Export::Done(0);
        }
        if synced.sync_enabled != Some(true) {
            self.connect.others.insert(key, other);
            return Self::refused(key, "DeletingCloudOnlyObjectNotAllowed", other.id.to_string());
        }
        match other.kind {
            AdKind::Contact => {
                let mut contacts = self.entra.contacts.iter_mut();
                if let Some(contact) = contacts.find(|contact| contact.id == other.id) {
                    contact.deleted = Some(now);
                }
                self.entra.note_contact(other.id);
            }
            AdKind::Group | AdKind::User => {
                let mut groups = self.entra.groups.iter_mut();
                if let Some(group) = groups.find(|group| group.id == other.id) {
                    group.deleted = Some(now);
                }
                self.entra.note_group(other.id);
            }
        }
        Export::Done(1)
    }

    fn synced_mut(&mut self, other: OtherObject) -> Option<&mut Synced> {
        let entra = &mut self.entra;
        match other.kind {
            AdKind::Contact => {
                let mut contacts = entra.contacts.iter_mut();
                contacts.find(|contact| contact.id == other.id).map(|contact| &mut contact.synced)
            }
            AdKind::Group | AdKind::User => {
                let mut groups = entra.groups.iter_mut();
                groups.find(|group| group.id == other.id).map(|group| &mut group.synced)
            }
        }
    }

    fn values_of(&self, key: ConnectorKey, entry: &Entry) -> Values {
        let record = &entry.record;
        let text = |number| record.text(number).map(str::to_owned);
        let name = text(known::DISPLAY_NAME).unwrap_or_else(|| entry.rdn_value().to_owned());
        let proxies = record.values(known::PROXY_ADDRESSES);
        let list = addresses::computed(&Inbound {
            proxy_addresses: proxies.filter_map(|v| core::str::from_utf8(v).ok()).collect(),
            mail: record.text(known::MAIL),
            user_principal_name: "",
            current: Vec::new(),
            upn_adds_proxy: false,
            domains: &self.exchange.verified_domains,
            licensed: false,
            upn_is_primary: false,
        });
        let mail = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
        let nickname = text(known::MAIL_NICKNAME)
            .or_else(|| text(known::SAM_ACCOUNT_NAME))
            .unwrap_or_else(|| name.chars().filter(|c| !c.is_whitespace()).collect());
        let members = record.values(known::MEMBER).filter_map(referenced);
        let members = members.filter_map(|member| self.joined((key.0, member.0))).collect();
        let kind: i64 = record.text(known::GROUP_TYPE).and_then(|t| t.parse().ok()).unwrap_or(0);
        Values {
            display_name: name,
            description: text(known::DESCRIPTION),
            mail_nickname: nickname,
            mail: mail.or_else(|| text(known::MAIL)),
            proxy_addresses: list,
            security_enabled: u32::try_from(kind & 0xffff_ffff).unwrap_or(0) & SECURITY != 0,
            members,
        }
    }

    fn on_premises_of(&self, key: ConnectorKey, entry: &Entry) -> OnPremises {
        let domain = self.domain_of(key).and_then(|domain| self.forests.domain(domain));
        let sid = entry.record.first(known::OBJECT_SID);
        OnPremises {
            domain: domain.map(|domain| domain.dns.clone()).unwrap_or_default(),
            netbios: domain.map(|domain| domain.netbios.clone()).unwrap_or_default(),
            sam_account_name: entry.record.text(known::SAM_ACCOUNT_NAME).map(str::to_owned),
            sid: sid.and_then(crate::directory::name::Sid::from_bytes).map(|sid| sid.to_string()),
            last_sync: self.now,
        }
    }

    fn put_group(&mut self, id: Guid, values: Values, synced: Synced) -> bool {
        let created = self.now;
        let place = self.entra.groups.iter().position(|group| group.id == id);
        let before = place.and_then(|place| self.entra.groups.get(place)).cloned();
        let group = Group {
            id,
            created: before.as_ref().map_or(created, |group| group.created),
            deleted: None,
            synced,
            display_name: values.display_name,
            description: values.description,
            mail_nickname: values.mail_nickname,
            mail_enabled: values.mail.is_some(),
            mail: values.mail,
            proxy_addresses: values.proxy_addresses,
            security_enabled: values.security_enabled,
            types: Vec::new(),
            members: values.members,
            owners: before.as_ref().map(|group| group.owners.clone()).unwrap_or_default(),
            position: before.as_ref().map_or(0, |group| group.position),
            left: before.as_ref().map(|group| group.left.clone()).unwrap_or_default(),
        };
        let changed = before.as_ref().is_none_or(|before| !before.is_same(&group));
        match place {
            Some(place) => self.entra.groups[place] = group,
            None => self.entra.groups.push(group),
        }
        if changed {
            self.entra.note_group(id);
            let there = place.and_then(|place| self.entra.groups.get(place));
            let there = there.map(|group| group.members.clone()).unwrap_or_default();
            let before = before.into_iter().flat_map(|group| group.members);
            let left: Vec<Guid> = before.filter(|member| !there.contains(member)).collect();
            self.entra.note_left(id, &left);
        }
        changed
    }

    fn put_contact(&mut self, id: Guid, values: Values, synced: Synced) -> bool {
        let contact = Contact {
            id,
            deleted: None,
            synced,
            display_name: values.display_name,
            mail_nickname: values.mail_nickname,
            mail: values.mail.unwrap_or_default(),
            proxy_addresses: values.proxy_addresses,
            position: 0,
        };
        let contacts = &mut self.entra.contacts;
        match contacts.iter_mut().find(|known| known.id == id) {
            Some(known) if known.is_same(&contact) => return false,
            Some(known) => *known = contact,
            None => contacts.push(contact),
        }
        self.entra.note_contact(id);
        true
    }
}
