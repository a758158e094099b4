//! Values that two objects want: duplicate attribute resiliency.
//!
//! A user principal name or SMTP address that another object has is kept aside
//! (`onPremisesProvisioningErrors`) instead of failing the export, and given to its object once it is free:
//! a sweep looks every hour. A conflict with a group or contact still fails.
//!
//! Source: Microsoft Learn, "Identity synchronization and duplicate attribute resiliency".

use crate::connect::{ConnectorKey, ExportError};
use crate::entra::ProvisioningError;
use crate::estate::{Due, Estate};
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::{Changes, property};
use crate::guid::Guid;
use crate::ledger::{Activity, Actor};

/// Who has an address.
pub(super) enum Holder {
    /// A user, by number.
    User(u32),
    /// A group.
    Group(Guid),
    /// An organizational contact.
    Contact(Guid),
}

/// `propertyCausingError`, and the value.
pub(super) type Aside = (&'static str, String);

pub(super) const ADDRESS: &str = "ProxyAddress";
const UPN: &str = "UserPrincipalName";

impl Estate {
    /// Who has this SMTP address (without its type).
    pub(super) fn holder_of(&self, address: &str) -> Option<Holder> {
        if let Some(mailbox) = self.exchange.owner(address) {
            let id = self.exchange.mailbox(mailbox)?.id;
            let user = self.entra.by_id(id)?;
            let alive = self.entra.user(user).is_some_and(|user| user.deletion.is_none());
            return alive.then_some(Holder::User(user));
        }
        let has = |list: &[String]| {
            list.iter().any(|value| {
                let parsed = ProxyAddress::parse(value);
                parsed.is_smtp() && parsed.address.eq_ignore_ascii_case(address)
            })
        };
        let mut groups = self.entra.groups.iter().filter(|group| group.deleted.is_none());
        if let Some(group) = groups.find(|group| has(&group.proxy_addresses)) {
            return Some(Holder::Group(group.id));
        }
        let mut contacts = self.entra.contacts.iter().filter(|contact| contact.deleted.is_none());
        if let Some(contact) = contacts.find(|contact| has(&contact.proxy_addresses)) {
            return Some(Holder::Contact(contact.id));
        }
        let loose = self.entra.loose.iter().copied();
        let mut loose =
            loose.filter(|user| self.entra.user(*user).is_some_and(|user| user.deletion.is_none()));
        loose.find(|user| has(&self.user_texts(*user, property::EMAIL_ADDRESSES))).map(Holder::User)
    }

    /// Whose an SMTP address (without its type) is: the user, when it is one, and what whoever it is is called.
    pub(in crate::estate) fn address_holder(&self, address: &str) -> Option<(Option<u32>, String)> {
        let of_group = |id: Guid| self.entra.group(id).map(|group| group.display_name.clone());
        let of_contact = |id: Guid| {
            let mut contacts = self.entra.contacts.iter();
            contacts.find(|contact| contact.id == id).map(|contact| contact.display_name.clone())
        };
        Some(match self.holder_of(address)? {
            Holder::User(user) => (Some(user), self.user_text(user, property::DISPLAY_NAME)),
            Holder::Group(id) => (None, of_group(id).unwrap_or_default()),
            Holder::Contact(id) => (None, of_contact(id).unwrap_or_default()),
        })
    }

    /// Takes the addresses out of a list that other users have; answers them.
    ///
    /// # Errors
    /// `AttributeValueMustBeUnique` where the tenant does not keep values aside, and for an address of a
    /// group or contact.
    pub(super) fn quarantine_addresses(
        &self,
        key: ConnectorKey,
        user: Option<u32>,
        values: &mut Changes,
    ) -> Result<Vec<Aside>, ExportError> {
        let Some((_, list)) = values.iter_mut().find(|(p, _)| *p == property::EMAIL_ADDRESSES)
        else {
            return Ok(Vec::new());
        };
        let features = &self.entra.features;
        let resilient = features.is_on("quarantineUponProxyAddressesConflictEnabled");
        let mut aside = Vec::new();
        for value in list.iter() {
            let parsed = ProxyAddress::parse(value);
            let Some(holder) = parsed.is_smtp().then(|| self.holder_of(parsed.address)).flatten()
            else {
                continue;
            };
            match holder {
                Holder::User(other) if Some(other) == user => {}
                Holder::User(_) if resilient => aside.push((ADDRESS, value.clone())),
                Holder::User(_) | Holder::Group(_) | Holder::Contact(_) => {
                    return Err(ExportError {
                        object: key,
                        code: "AttributeValueMustBeUnique",
                        detail: format!("ProxyAddresses: {}", parsed.address),
                    });
                }
            }
        }
        if aside.is_empty() {
            return Ok(aside);
        }
        list.retain(|value| !aside.iter().any(|(_, taken)| taken == value));
        *list = address::normalized(core::mem::take(list));
        let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
        if let Some((_, mail)) =
            values.iter_mut().find(|(p, _)| *p == property::WINDOWS_EMAIL_ADDRESS)
        {
            *mail = primary.into_iter().collect();
        }
        Ok(aside)
    }

    /// Gives a new user another user principal name than one that somebody has: `prefix`, four digits, and the
    /// initial domain; or that is in no verified domain: the service's own address, `mailNickname` and the initial domain.
    ///
    /// # Errors
    /// `AttributeValueMustBeUnique` where the tenant does not keep user principal names aside.
    pub(super) fn free_upn(
        &mut self,
        key: ConnectorKey,
        values: &mut Changes,
    ) -> Result<Option<Aside>, ExportError> {
        let found = values.iter().find(|(p, _)| *p == property::USER_PRINCIPAL_NAME);
        let wanted = found.and_then(|(_, v)| v.first()).cloned().unwrap_or_default();
        let (prefix, domain) = wanted.split_once('@').unwrap_or((&wanted, ""));
        let verified = self.is_verified(domain);
        let taken = self.user_named(&wanted).is_some();
        if !wanted.is_empty() && verified && !taken {
            return Ok(None);
        }
        if taken && !self.entra.features.is_on("quarantineUponUpnConflictEnabled") {
            return Err(ExportError {
                object: key,
                code: "AttributeValueMustBeUnique",
                detail: format!("UserPrincipalName: {wanted}"),
            });
        }
        let nickname = values.iter().find(|(p, _)| *p == property::ALIAS);
        let nickname = nickname.and_then(|(_, v)| v.first()).filter(|_| !taken);
        let prefix = nickname.map_or(prefix, String::as_str);
        let prefix = if prefix.is_empty() { "user" } else { prefix }.to_owned();
        let initial = self.domains.initial.clone();
        let own = values.iter().find(|(p, _)| *p == property::EMAIL_ADDRESSES);
        let own = own.into_iter().flat_map(|(_, list)| list).find_map(|value| {
            let address = ProxyAddress::parse(value).address;
            let domain = address.rsplit_once('@').map(|(_, domain)| domain)?;
            domain.eq_ignore_ascii_case(&initial).then(|| address.to_owned())
        });
        let plain = own.unwrap_or_else(|| format!("{prefix}@{initial}"));
        let mut given = if taken { String::new() } else { plain };
        while given.is_empty() || self.user_named(&given).is_some() {
            given = format!("{prefix}{}@{initial}", self.four_digits());
        }
        values.retain(|(p, _)| *p != property::USER_PRINCIPAL_NAME);
        values.push((property::USER_PRINCIPAL_NAME, vec![given]));
        values.sort_by_key(|(p, _)| *p);
        Ok(taken.then_some((UPN, wanted)))
    }

    /// Notes which values of a user are kept aside; those noted before are forgotten.
    pub(super) fn keep_aside(&mut self, user: u32, aside: impl IntoIterator<Item = Aside>) {
        let errors = &mut self.entra.provisioning_errors;
        let before: Vec<ProvisioningError> =
            errors.extract_if(.., |error| error.user == user).collect();
        for (property, value) in aside {
            let known = before.iter().find(|e| e.property == property && e.value == value);
            let at = known.map_or(self.now, |error| error.at);
            errors.push(ProvisioningError { user, property, value, at });
        }
        if !errors.is_empty() && !self.sweeps {
            self.sweeps = true;
            self.calendar.enter(self.now + self.profile.timing("resiliency_sweep"), Due::Sweep);
        }
    }

    /// Notes which addresses of a user are kept aside; a user principal name that is stays so.
    pub(super) fn keep_addresses_aside(&mut self, user: u32, aside: Vec<Aside>) {
        let errors = self.entra.provisioning_errors.iter();
        let upns = errors.filter(|error| error.user == user && error.property == UPN);
        let all: Vec<Aside> =
            upns.map(|error| (error.property, error.value.clone())).chain(aside).collect();
        if !all.is_empty() || self.entra.provisioning_errors.iter().any(|e| e.user == user) {
            self.keep_aside(user, all);
        }
    }

    /// The hourly sweep: a value that is free goes to the object that wanted it.
    pub(in crate::estate) fn sweep(&mut self) {
        self.sweeps = false;
        for error in self.entra.provisioning_errors.clone() {
            if self.is_free(&error) {
                self.entra.provisioning_errors.retain(|other| *other != error);
                self.release(&error);
            }
        }
        if !self.entra.provisioning_errors.is_empty() {
            self.sweeps = true;
            self.calendar.enter(self.now + self.profile.timing("resiliency_sweep"), Due::Sweep);
        }
    }

    fn is_free(&self, error: &ProvisioningError) -> bool {
        if error.property == UPN {
            self.user_named(&error.value).is_none()
        } else {
            self.holder_of(ProxyAddress::parse(&error.value).address).is_none()
        }
    }

    fn release(&mut self, error: &ProvisioningError) {
        let values: Changes = if error.property == UPN {
            vec![(property::USER_PRINCIPAL_NAME, vec![error.value.clone()])]
        } else {
            let parsed = ProxyAddress::parse(&error.value);
            let mut list = self.user_texts(error.user, property::EMAIL_ADDRESSES);
            if parsed.is_primary() {
                list = address::with_primary(list, parsed.address);
            } else {
                list.push(error.value.clone());
            }
            let list = address::normalized(list);
            let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
            vec![
                (property::EMAIL_ADDRESSES, list),
                (property::WINDOWS_EMAIL_ADDRESS, primary.into_iter().collect()),
            ]
        };
        let actor = Actor::new("duplicate attribute resiliency", Activity::Service);
        let changes = self.apply_user(error.user, &values);
        let flag = self.flag_of(error.user);
        self.note_entra_write(&actor, error.user, flag, changes.clone());
        self.forward_sync(error.user, &changes);
    }
}
